"""Whether a week's count is unusual for its topic, against the last half year and the same season before.

The method is Farrington's, by which public health watches reported cases, simplified to weekly means
(Farrington et al. 1996, J. R. Stat. Soc. A 159; the weights of past outbreaks after Noufaily et al. 2013,
Stat. Med. 32): a negative binomial with mean and overdispersion of comparable weeks, widened because both
are only estimated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

FALSE_ALARM_WEEKS = 100
"""A topic whose habits do not change raises at most one false alarm in so many weeks, looked at every day.

In the first year, without a season to compare with, at most two.
"""

LEVEL = 1 / 500
"""Tail probability below which a count is an alarm.

Smaller than 1 in `FALSE_ALARM_WEEKS`: seven looks a week at overlapping counts raise more alarms than one,
and the overdispersion is only estimated. The tests verify the rate by simulation.
"""

FIRST_YEAR = 0.4
"""Share of the level that holds while there is no season to compare with and the weeks are few."""

TRAILING_WEEKS = 26
"""Weeks before that tell the present level."""

FEWEST_WEEKS = 8
"""Without so many earlier weeks there is no baseline, hence no alarm."""

YEAR_WEEKS, SEASON_WEEKS, YEARS = 52, 3, 4
"""Earlier years are compared at the same week, so many weeks before and after it, so many years back."""

FEWEST_LETTERS = 3
"""A smaller count is never an alarm: one or two letters are no burst."""

OUTLYING = 3.0
"""Standardised residual from which an earlier week counts as a past burst and is given less weight."""

Floats = NDArray[np.float64]
Basis = Literal["none", "recent", "recent+season"]


@dataclass(frozen=True, slots=True)
class Burst:
    """The verdict on one week.

    `basis` says what the count was compared with. Of the baselines the one that is less surprised counts:
    `expected` is its mean, `probability` that of so large a count or a larger one, `threshold` the smallest
    count that would be an alarm. Without a baseline (`none`: too few weeks) these are None.
    """

    count: int
    alarm: bool
    basis: Basis
    expected: float | None = None
    threshold: int | None = None
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class _Baseline:
    """Negative binomial of a coming week: `size` and `chance` as in NB(r, p), mean r(1 - p)/p."""

    mean: float
    size: float
    chance: float

    def tail(self, count: int) -> float:
        """Probability of `count` letters or more."""
        return 1.0 if count <= 0 else float(betainc(count, self.size, 1.0 - self.chance))


def judge(history: Sequence[int], count: int, *, level: float = LEVEL, least: int = FEWEST_LETTERS) -> Burst:
    """Judge the `count` of the last seven days against the counts of the weeks before them, oldest first.

    A week has to be unusual both for the last `TRAILING_WEEKS` and, once a year of history is there, for the
    same season of earlier years: what comes every year is no burst, and neither is what has become usual.
    In the first year a steep season can therefore look like a burst; `basis` tells.
    """
    if len(history) < FEWEST_WEEKS:
        return Burst(count, False, "none")
    bases = [_baseline(np.asarray(history[-TRAILING_WEEKS:], np.float64))]
    season = _same_season(history)
    if len(season) >= FEWEST_WEEKS - 1:
        bases.append(_baseline(season))
    else:
        level *= FIRST_YEAR
    calm = max(bases, key=lambda base: (base.tail(count), base.mean))
    threshold = max(_threshold(base, level, least) for base in bases)
    return Burst(
        count=count,
        alarm=count >= threshold,
        basis="recent" if len(bases) == 1 else "recent+season",
        expected=calm.mean,
        threshold=threshold,
        probability=calm.tail(count),
    )


def weekly_counts(days: Iterable[date], end: date, *, weeks: int) -> tuple[list[int], int]:
    """Counts of the `weeks` seven-day spans before the last seven days, oldest first, and of those last days.

    The last span ends with `end`, included; later days are left out.
    """
    spans = Counter((end - day).days // 7 for day in days)
    return [spans[back] for back in range(weeks, 0, -1)], spans[0]


def _same_season(history: Sequence[int]) -> Floats:
    """The weeks around this one in earlier years; the week being judged follows the last of `history`."""
    now = len(history)
    places = (
        now - year * YEAR_WEEKS + shift
        for year in range(1, YEARS + 1)
        for shift in range(-SEASON_WEEKS, SEASON_WEEKS + 1)
    )
    return np.asarray([history[place] for place in places if 0 <= place < now], np.float64)


def _baseline(weeks: Floats) -> _Baseline:
    """Mean and overdispersion of weeks, past bursts weighted down, widened for being estimated."""
    # Median and median deviation first: bursts must not hide themselves by widening the spread.
    mean = float(np.median(weeks)) + 0.5
    spread = max(1.0, (1.4826 * float(np.median(np.abs(weeks - mean)))) ** 2 / mean)
    weights = np.ones_like(weeks)
    # Anscombe residuals of a Poisson count, scaled by the overdispersion.
    residuals = 1.5 * (np.cbrt(weeks) ** 2 - np.cbrt(mean) ** 2) / (mean ** (1 / 6) * np.sqrt(spread))
    outlying = residuals > OUTLYING
    weights[outlying] = residuals[outlying] ** -2.0
    mean, spread = _moments(weeks, weights)
    # Variance of one more week in units of its mean: its own spread and that of the estimated mean.
    ratio = spread * (1.0 + 1.0 / weights.sum())
    return _Baseline(mean, mean / (ratio - 1.0), 1.0 / ratio)


def _moments(weeks: Floats, weights: Floats) -> tuple[float, float]:
    """Weighted mean, and variance over mean (at least 1). Half a letter is added: none yet is not never."""
    total = float(weights.sum())
    mean = (float((weights * weeks).sum()) + 0.5) / total
    spread = float((weights * (weeks - mean) ** 2).sum()) / (max(total - 1.0, 1.0) * mean)
    return mean, max(spread, 1.0)


def _threshold(base: _Baseline, level: float, least: int) -> int:
    """The smallest count of at least `least` whose tail probability is below `level`."""
    count = max(least, int(base.mean))
    while base.tail(count) >= level:
        count += 1
    return count
