"""Rules of `analytics.issues.bursts`: what is unusual, and how often an alarm may be false."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.issues.bursts import FALSE_ALARM_WEEKS, judge, weekly_counts

HALF_YEAR = [8, 7, 9, 10, 6, 8, 8, 7, 9, 11, 5, 8, 7, 8, 9, 6, 10, 8, 8, 7, 9, 8, 6, 8, 9, 7]
WEEK_SHAPE = np.asarray([1.3, 1.2, 1.1, 1.1, 1.1, 0.6, 0.6]) / 7
KNOWN, WATCHED = 160, 300
"""Weeks before the watch begins, and weeks watched."""


def days_of(kind: str, weeks: int) -> NDArray[np.int64]:
    """Letters a day of a topic whose habits do not change. Seeded."""
    rng = np.random.default_rng(115)
    week = np.arange(weeks)
    mean = {
        "steady": np.full(weeks, 8.0),
        "sparse": np.full(weeks, 0.2),
        "seasonal": 10 * (1 + 0.8 * np.sin(2 * np.pi * week / 52)),
        "overdispersed": rng.gamma(8 / 1.5, 1.5, weeks),
    }[kind]
    return rng.poisson(np.repeat(mean, 7) * np.tile(WEEK_SHAPE, weeks))


def alarms(days: NDArray[np.int64], *, after: int, step: int) -> int:
    """How often an alarm begins, looked at every `step` days."""
    total = np.concatenate([[0], np.cumsum(days)])
    begun, ringing = 0, False
    for end in range(after * 7, len(days) + 1, step):
        weeks = np.diff(total[end % 7 : end + 1 : 7]).tolist()
        alarm = judge(weeks[:-1], weeks[-1]).alarm
        begun += alarm and not ringing
        ringing = alarm
    return begun


@pytest.mark.parametrize("kind", ["steady", "sparse", "seasonal", "overdispersed"])
def test_false_alarms_are_as_rare_as_stated_when_looked_at_every_day(kind: str) -> None:
    begun = alarms(days_of(kind, KNOWN + WATCHED), after=KNOWN, step=1)
    assert begun <= WATCHED / FALSE_ALARM_WEEKS


def test_false_alarms_in_the_first_year_are_as_rare_as_stated() -> None:
    series = days_of("overdispersed", 54 * 8).reshape(8, -1)
    begun = sum(alarms(year, after=10, step=1) for year in series)
    assert begun <= 8 * 44 / FALSE_ALARM_WEEKS * 2


def test_a_week_three_times_the_usual_is_an_alarm_and_an_ordinary_one_is_not() -> None:
    assert not judge(HALF_YEAR, 12).alarm
    burst = judge(HALF_YEAR, 24)
    assert burst.alarm
    assert burst.expected == pytest.approx(8, abs=0.5)
    assert burst.probability is not None
    assert burst.probability < 0.001


def test_the_threshold_is_the_smallest_alarm() -> None:
    threshold = judge(HALF_YEAR, 0).threshold
    assert threshold is not None
    assert judge(HALF_YEAR, threshold).alarm
    assert not judge(HALF_YEAR, threshold - 1).alarm


def test_one_or_two_letters_are_never_an_alarm_and_three_after_silence_are() -> None:
    silence = [0] * 30
    assert [judge(silence, count).alarm for count in (1, 2, 3)] == [False, False, True]


def test_little_history_is_told_and_raises_no_alarm() -> None:
    burst = judge([1] * 7, 50)
    assert (burst.alarm, burst.basis, burst.expected, burst.threshold) == (False, "none", None, None)
    assert judge([1] * 8, 50).basis == "recent"


def test_what_comes_every_year_is_no_burst() -> None:
    year = [3] * 40 + [20] * 6 + [3] * 6
    assert judge(year[:40], 20).alarm
    repeated = judge(year * 3 + year[:40], 20)
    assert (repeated.alarm, repeated.basis) == (False, "recent+season")
    assert judge(year * 3 + year[:20], 20).alarm


def test_what_has_become_usual_is_no_burst() -> None:
    assert not judge([3] * 80 + [12] * 26, 14).alarm


def test_a_past_burst_does_not_hide_the_next_one() -> None:
    assert judge([*HALF_YEAR[:13], 40, 45, 30, *HALF_YEAR[:10]], 22).alarm


def test_weeks_are_seven_days_that_end_with_the_last_day() -> None:
    end = date(2026, 11, 23)
    back = (0, 6, 7, 13, 14, 21, 27, -1)
    assert weekly_counts([end - timedelta(days=one) for one in back], end, weeks=4) == ([0, 2, 1, 2], 2)
