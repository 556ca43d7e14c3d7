"""Whether a month differs from the twelve before it by more than chance does. Pure functions."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

from analytics.intervals import (
    Interval,
    Moments,
    divergence_by_chance,
    jensen_shannon,
    mean_difference,
    share_difference,
)
from portal.clock import Period

JUDGED_FROM = 20
"""Letters on either side below which nothing is said: almost any difference could be chance."""

EXPECTED = 5.0
"""Topics of which a month would have fewer letters are counted as one (Cochran's rule for chi-square)."""

YEAR = 12


class Verdict(enum.Enum):
    """How a month compares with the twelve before it."""

    USUAL = "在常態範圍"
    HIGH = "偏高"
    LOW = "偏低"
    TOO_FEW = "信太少，不判斷"


@dataclass(frozen=True, slots=True)
class Month:
    """The letters received in a month, as the classifier reads them now.

    `corrected` of the `confirmed` were suggested otherwise before a person said what they are about;
    `unknown` are the letters' shares of unknown words; `reread` were read again after they were confirmed.
    """

    period: Period
    letters: int = 0
    abstained: int = 0
    confirmed: int = 0
    corrected: int = 0
    reread: int = 0
    unknown: Moments = field(default_factory=Moments)
    topics: Counter[str] = field(default_factory=Counter)

    def joined(self, other: Month) -> Month:
        """Both together, as one longer month."""
        return Month(
            self.period,
            letters=self.letters + other.letters,
            abstained=self.abstained + other.abstained,
            confirmed=self.confirmed + other.confirmed,
            corrected=self.corrected + other.corrected,
            reread=self.reread + other.reread,
            unknown=self.unknown + other.unknown,
            topics=self.topics + other.topics,
        )


@dataclass(frozen=True, slots=True)
class Mix:
    """How far a month's topics lie from the year before: in bits, 0 to 1, and what chance stays under."""

    value: float
    by_chance: float
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Judged:
    """A month and how each of its figures compares; `mix` is None where there are too few letters."""

    month: Month
    abstention: Verdict
    correction: Verdict
    unknown: Verdict
    mix: Mix | None

    @property
    def mix_verdict(self) -> Verdict:
        return self.mix.verdict if self.mix else Verdict.TOO_FEW


def judge(months: Sequence[Month]) -> list[Judged]:
    """Each month that has twelve before it in the list, which is oldest first without gaps."""
    return [
        _judged(month, reduce(Month.joined, months[place : place + YEAR]))
        for place, month in enumerate(months[YEAR:])
    ]


def _judged(month: Month, year: Month) -> Judged:
    return Judged(
        month,
        share_verdict(month.abstained, month.letters, year.abstained, year.letters),
        share_verdict(month.corrected, month.confirmed, year.corrected, year.confirmed),
        _verdict(mean_difference(month.unknown, year.unknown), month.unknown.n, year.unknown.n),
        mix(month.topics, year.topics),
    )


def share_verdict(part: int, n: int, year_part: int, year_n: int) -> Verdict:
    """A month's share beside the year's: unusual when the 95 % interval of the difference leaves out 0."""
    return _verdict(share_difference(part, n, year_part, year_n), n, year_n)


def _verdict(difference: Interval | None, n: int, year_n: int) -> Verdict:
    if difference is None or min(n, year_n) < JUDGED_FROM:
        return Verdict.TOO_FEW
    if difference[0] > 0:
        return Verdict.HIGH
    return Verdict.LOW if difference[1] < 0 else Verdict.USUAL


def mix(month: Mapping[str, int], year: Mapping[str, int]) -> Mix | None:
    """The topics of a month beside those of the year; None when there are too few letters to say."""
    n, year_n = sum(month.values()), sum(year.values())
    if min(n, year_n) < JUDGED_FROM:
        return None
    pairs = _with_rare_ones_joined(
        [(month.get(topic, 0), year.get(topic, 0)) for topic in sorted(month.keys() | year.keys())],
        n / (n + year_n),
    )
    if len(pairs) < 2:
        return None  # every topic is too rare to be counted by itself
    value = jensen_shannon([own for own, _ in pairs], [other for _, other in pairs])
    limit = divergence_by_chance(len(pairs), n, year_n)
    return Mix(value, limit, Verdict.HIGH if value > limit else Verdict.USUAL)


def _with_rare_ones_joined(pairs: Sequence[tuple[int, int]], share: float) -> list[tuple[int, int]]:
    """Topics of which `share` of all letters, the month's part, would make fewer than EXPECTED, as one."""
    common = [pair for pair in pairs if sum(pair) * share >= EXPECTED]
    rare = [pair for pair in pairs if sum(pair) * share < EXPECTED]
    together = (sum(own for own, _ in rare), sum(other for _, other in rare))
    return [*common, together] if any(together) else common
