"""Which labels a model may learn from, and which are kept to judge it by. Pure functions.

A tenth of the letters, chosen by their text, is frozen: never trained on, whatever happens. Of the others,
the newest confirmed ones wait for the next round, so that a candidate is judged on letters as they come now.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from analytics.corpus import Letter
from analytics.intervals import wilson
from analytics.metrics import agreement, difference, per_label
from analytics.text import folded, is_word

FROZEN_SHARE = 10
"""One confirmed letter in so many is frozen."""

NEWEST_SHARE, NEWEST_MOST = 5, 200
"""Of the confirmed letters one in so many, at most this number, waits to be learned."""


@dataclass(frozen=True, slots=True)
class Label:
    """A letter whose topic a person confirmed, and when."""

    letter: Letter
    confirmed_at: datetime


@dataclass(frozen=True, slots=True)
class Material:
    """What there is to learn from and to be judged by; no text is in two of the parts."""

    learn: tuple[Letter, ...]
    frozen: tuple[Letter, ...]
    newest: tuple[Label, ...]
    learned_until: datetime | None
    """When the newest confirmed letter in `learn` was confirmed."""


def fingerprint(text: str) -> str:
    """The same for texts that differ in script, width, case, blanks or punctuation only."""
    plain = "".join(char for char in folded(text) if is_word(char))
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def is_frozen(text: str) -> bool:
    """Whether a letter belongs to the frozen tenth: decided by its text alone, so a copy falls likewise."""
    return int(fingerprint(text)[:8], 16) % FROZEN_SHARE == 0


def divide(corpus: Iterable[Letter], labels: Iterable[Label], frozen: Iterable[Letter] = ()) -> Material:
    """Deal out the starter corpus, the confirmed letters and the agency's own frozen letters.

    What is frozen, and every copy of it, is left out of the rest, however it came there.
    """
    kept = list(frozen)
    ordered = sorted(labels, key=lambda label: label.confirmed_at)
    kept += [label.letter for label in ordered if is_frozen(label.letter.full_text)]
    closed = {fingerprint(letter.full_text) for letter in kept}
    open_labels = [label for label in ordered if fingerprint(label.letter.full_text) not in closed]
    waiting = min(len(open_labels) // NEWEST_SHARE, NEWEST_MOST)
    learned, newest = open_labels[: len(open_labels) - waiting], open_labels[len(open_labels) - waiting :]
    later = {fingerprint(label.letter.full_text) for label in newest}
    letters = [letter for letter in corpus if fingerprint(letter.full_text) not in closed | later]
    letters += [label.letter for label in learned if fingerprint(label.letter.full_text) not in later]
    until = max((label.confirmed_at for label in learned), default=None)
    return Material(tuple(letters), tuple(kept), tuple(newest), until)


def compare(truth: Sequence[str], candidate: Sequence[str], active: Sequence[str] | None) -> dict[str, Any]:
    """A candidate beside the active model on the same letters, as data for the comparison page.

    `worse` when it loses more letters than it gains by over one standard error of that difference.
    """
    result: dict[str, Any] = {"n": len(truth), "worse": False, "candidate": _scores(truth, candidate)}
    if active is None or not truth:
        return result
    change = difference(truth, active, candidate)
    return result | {
        "active": _scores(truth, active), "lost": change.lost, "gained": change.gained,
        "worse": change.clearly_worse,
    }  # fmt: skip


def _scores(truth: Sequence[str], found: Sequence[str]) -> dict[str, Any]:
    if not truth:
        return {"n": 0}
    right = sum(one == other for one, other in zip(truth, found, strict=True))
    return agreement(truth, found) | {
        "interval": wilson(right, len(truth)),
        "per_topic": per_label(truth, found),
    }
