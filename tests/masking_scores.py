"""How well masking finds personal data: recall and precision by kind on the written set of cases."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path

from portal.masking import Span, find

CASES = Path(__file__).parent / "portal" / "masking_cases.jsonl"
_Z95 = 1.959964


@dataclass(frozen=True)
class Case:
    """One letter or sentence and the personal data in it, in order. A trap holds none.

    `part`: "tuned" was looked at while the rules were written, "held" was not (a third, by hash of the text),
    "last" was written after the rules and counted once before they were changed again.
    """

    text: str
    spans: tuple[Span, ...]
    part: str


@dataclass
class Score:
    """Counts by kind: spans wholly covered by one mask, and masks that overlap a span."""

    spans: Counter[str] = field(default_factory=Counter)
    covered: Counter[str] = field(default_factory=Counter)
    masks: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    traps: int = 0
    traps_masked: int = 0
    missed: list[tuple[str, str]] = field(default_factory=list)
    wrong: list[tuple[str, str]] = field(default_factory=list)

    def recall(self, kind: str) -> float:
        return self.covered[kind] / self.spans[kind]

    def precision(self, kind: str) -> float:
        return self.right[kind] / self.masks[kind] if self.masks[kind] else 0.0


def read(path: Path = CASES) -> list[Case]:
    return [_case(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def _case(row: dict[str, object]) -> Case:
    text, marked = str(row["text"]), row["spans"]
    assert isinstance(marked, list)
    spans = tuple(_place(text, mark["kind"], mark["text"], mark.get("nth", 1)) for mark in marked)
    return Case(text, spans, str(row["part"]))


def _place(text: str, kind: str, part: str, nth: int) -> Span:
    start = -1
    for _ in range(nth):
        start = text.index(part, start + 1)
    return Span(kind, start, start + len(part))


def score(cases: Iterable[Case], finder: Callable[[str], Sequence[Span]] = find) -> Score:
    total = Score()
    for case in cases:
        _count(case, finder(case.text), total)
    return total


def _count(case: Case, masks: Sequence[Span], total: Score) -> None:
    for span in case.spans:
        covered = any(mask.start <= span.start and span.end <= mask.end for mask in masks)
        total.spans[span.kind] += 1
        total.covered[span.kind] += covered
        if not covered:
            total.missed.append((case.text, case.text[span.start : span.end]))
    for mask in masks:
        right = any(mask.start < span.end and span.start < mask.end for span in case.spans)
        total.masks[mask.kind] += 1
        total.right[mask.kind] += right
        if not right:
            total.wrong.append((case.text, case.text[mask.start : mask.end]))
    if not case.spans:
        total.traps += 1
        total.traps_masked += bool(masks)


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % score interval of a share (Wilson, JASA 22, 1927)."""
    if not n:
        return 0.0, 1.0
    share, z2 = hits / n, _Z95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z95 * sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)
