"""Figures of one five-point question, and the care that small numbers need.

滿意度 = (5 + 4) ÷ n, 不滿意 = (2 + 1) ÷ n; n counts the answers on the scale, never 無意見／未使用. There is
no margin of error: who answers decides it themselves, so nothing may be inferred for everybody.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

SCORES = (5, 4, 3, 2, 1)


@dataclass(frozen=True)
class ScaleFigures:
    """`counts` has an entry for each score 5 … 1. Shares are in percent, `mean` is 1–5; None when n is 0."""

    counts: dict[int, int]
    n: int
    satisfied: float | None
    dissatisfied: float | None
    mean: float | None

    def share(self, score: int) -> float | None:
        """How many of n chose this score, in percent."""
        return _percent(self.counts[score], self.n)


def figures_of(counts: Mapping[int, int]) -> ScaleFigures:
    """The figures of answers counted by score 1–5."""
    full = {score: counts.get(score, 0) for score in SCORES}
    n = sum(full.values())
    return ScaleFigures(
        counts=full,
        n=n,
        satisfied=_percent(full[5] + full[4], n),
        dissatisfied=_percent(full[2] + full[1], n),
        mean=sum(score * count for score, count in full.items()) / n if n else None,
    )


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None


class Care(enum.Enum):
    """How a group may be shown."""

    PLAIN = ""
    FLAGGED = "樣本較少，僅供參考"
    HIDDEN = "樣本過少，不顯示"
    EMPTY = "尚無資料"


def care_for(n: int, *, hide_below: int, flag_below: int) -> Care:
    """What a group of n answers needs; few answers could tell who gave them."""
    if n == 0:
        return Care.EMPTY
    if n < hide_below:
        return Care.HIDDEN
    return Care.FLAGGED if n < flag_below else Care.PLAIN
