"""Find and hide personal data in free text, in the forms used in Taiwan.

Standard library only, so that pages and exports can mask without loading the classifier. Numbers that belong
to the bureau's own business (case numbers, CNS numbers, marks such as R12345, amounts) are not personal data.
What is found, what is not, and how often: docs/masking.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from portal.masking import addresses, names, numbers
from portal.masking.rules import (
    ACCOUNT,
    ADDRESS,
    BIRTHDAY,
    EMAIL,
    HEALTH_CARD,
    IDENTITY,
    KINDS,
    MESSENGER,
    NAME,
    PASSPORT,
    PHONE,
    PLATE,
    Span,
    barrier,
    narrow,
)

__all__ = [
    "ACCOUNT",
    "ADDRESS",
    "BIRTHDAY",
    "EMAIL",
    "HEALTH_CARD",
    "IDENTITY",
    "KINDS",
    "MESSENGER",
    "NAME",
    "PASSPORT",
    "PHONE",
    "PLATE",
    "Span",
    "find",
    "mask",
]

_MASKS = re.compile(f"〔({'|'.join(KINDS)})〕")
_ROUNDS = 4
"""A find can uncover another beside it. The second round seldom finds more; the bound keeps time linear."""


def mask(text: str) -> str:
    """The text with each find replaced by its kind, such as 〔電話〕. Masking twice changes nothing more."""
    parts: list[str] = []
    start = 0
    for span in find(text):
        parts += [text[start : span.start], f"〔{span.kind}〕"]
        start = span.end
    return "".join(parts) + text[start:]


def find(text: str) -> list[Span]:
    """Personal data in a text, in order and without overlap. Full-width letters and digits are understood.

    Positions are those of the text as given. Never raises, whatever the text holds.
    """
    # What is masked already must not speak for what stands beside it, so it becomes a barrier to every rule.
    readable = _MASKS.sub(lambda match: barrier(match[1]) * len(match.group()), narrow(text))
    found: list[Span] = []
    for _ in range(_ROUNDS):
        more = _without_overlap(_candidates(readable), len(text))
        if not more:
            break
        found += more
        readable = _hidden(readable, more)
    return sorted(found, key=lambda span: span.start)


def _candidates(text: str) -> list[Span]:
    return [*numbers.find(text), *addresses.find(text), *names.find(text)]


def _without_overlap(spans: list[Span], length: int) -> list[Span]:
    """The longer one is kept, then the one whose kind stands earlier in KINDS."""
    spans.sort(key=lambda span: (span.start - span.end, KINDS.index(span.kind), span.start))
    taken = bytearray(length)
    kept: list[Span] = []
    for span in spans:
        if not any(taken[span.start : span.end]):
            taken[span.start : span.end] = b"\x01" * (span.end - span.start)
            kept.append(span)
    return sorted(kept, key=lambda span: span.start)


def _hidden(text: str, spans: Sequence[Span]) -> str:
    """The text with barriers in place of the finds, as long as before."""
    return "".join(_pieces(text, spans))


def _pieces(text: str, spans: Sequence[Span]) -> Iterator[str]:
    start = 0
    for span in spans:
        yield text[start : span.start]
        yield barrier(span.kind) * (span.end - span.start)
        start = span.end
    yield text[start:]
