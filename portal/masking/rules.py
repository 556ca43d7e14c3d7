"""What every rule of masking is made of: kinds, spans, patterns with a check, and the text made narrow."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

EMAIL, IDENTITY, PHONE, ADDRESS = "電子郵件", "身分證號", "電話", "地址"
NAME, ACCOUNT, PLATE, BIRTHDAY = "姓名", "帳號", "車牌", "生日"
PASSPORT, HEALTH_CARD, MESSENGER = "護照號碼", "健保卡號", "通訊帳號"
KINDS = (
    EMAIL, IDENTITY, PASSPORT, HEALTH_CARD, BIRTHDAY, ACCOUNT, PHONE, PLATE, MESSENGER, ADDRESS, NAME,
)  # fmt: skip
"""Where two finds overlap the longer one is kept, then the one earlier in this order."""

BARRIER, NAME_BARRIER = "\ue000", "\ue001"
"""Stand in for what is hidden already. No class of characters in a rule may contain them."""

HAN = r"\u4e00-\u9fff"
START = r"(?<![A-Za-z0-9])"
END = r"(?![0-9])"
GAP = rf"[^0-9A-Za-z\n{BARRIER}{NAME_BARRIER}]"
"""Between a cue and its number: anything but a number, a letter, a new line or a find."""


@dataclass(frozen=True, slots=True)
class Span:
    """One find: what it is and where, as positions in the text as given (end exclusive)."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern whose group `hide` (or whole match) is personal, if `valid` agrees.

    Every repetition in a pattern has an upper bound, so that time stays linear in the length of the text.
    `needs`: words of which a text must hold one to match. Most hold none, and looking for them is cheap.
    """

    kind: str
    pattern: re.Pattern[str]
    valid: Callable[[re.Match[str]], bool] = bool
    needs: tuple[str, ...] = ()


def holds_one(text: str, words: Iterable[str]) -> bool:
    return any(map(text.__contains__, words))


def apply(rules: Iterable[Rule], text: str) -> Iterator[Span]:
    for rule in rules:
        if rule.needs and not holds_one(text, rule.needs):
            continue
        group = "hide" if "hide" in rule.pattern.groupindex else 0
        match = rule.pattern.search(text)
        while match:
            good = rule.valid(match)
            if good:
                yield Span(rule.kind, *match.span(group))
            # A refused match may hide a good one that starts inside it.
            after = max(match.end(group), match.start() + 1) if good else match.start() + 1
            match = rule.pattern.search(text, after)


# One for one, so that positions stay those of the text as given.
_NARROW = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20, 0xA0: 0x20}
_NARROW |= dict.fromkeys(map(ord, "‐‑‒–—―−─"), ord("-"))


def narrow(text: str) -> str:
    """Full-width letters, digits, signs and spaces as ASCII, every dash as a hyphen; as long as before."""
    return text if text.isascii() else text.translate(_NARROW)


def barrier(kind: str) -> str:
    return NAME_BARRIER if kind == NAME else BARRIER
