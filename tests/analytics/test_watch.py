"""How well the classifier does on real letters: what is counted where, and what is called unusual."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from flask import Flask
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2

from analytics.drift import JUDGED_FROM, Month, Verdict, judge, mix, share_verdict
from analytics.intervals import (
    Moments,
    chi_square_95,
    divergence_by_chance,
    jensen_shannon,
    mean_difference,
    share_difference,
    wilson,
)
from analytics.watch import Reading, accuracy, months_between, score
from feedback.models import Case
from feedback.sampling import RANDOM_SHARE, in_random_share
from feedback.services import sorting, suggesting
from feedback.services.renewal import renew_suggestions
from portal.access import Role
from portal.app import profile
from portal.clock import TAIPEI, Period
from tests.factories import guess, make_actor, make_case

OCT, NOV = Period(2026, 10), Period(2026, 11)


def taipei(month: int, day: int, hour: int = 10, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, tzinfo=TAIPEI)


def letter(
    at: datetime, suggested: str = "ST-CNS", confirmed: str | None = None, *, case: Any = None, **said: Any
) -> Case:
    """A letter received, read, and then confirmed by a person."""
    made = make_case(received=at, unit_code="standards", **(case or {}))
    told = guess(topic=suggested, **said)
    suggesting.record_suggestion(made.id, told, profile=profile(), now=at + timedelta(seconds=4))
    if confirmed:
        confirm(made, confirmed, at + timedelta(hours=1))
    return made


def confirm(case: Case, topic: str, at: datetime) -> None:
    by = make_actor(Role.SECRETARIAT, "secretariat")
    sorting.confirm_topic(case.id, topic=topic, by=by, profile=profile(), now=at)


# --- Intervals -------------------------------------------------------------------------------------


def test_wilson_interval_as_published() -> None:
    """Newcombe, Statistics in Medicine 17 (1998) 857, table I."""
    found = wilson(81, 263)
    assert found is not None
    assert [round(end, 4) for end in found] == [0.2553, 0.3662]
    assert wilson(0, 0) is None


def test_difference_of_shares_as_published() -> None:
    """Newcombe, Statistics in Medicine 17 (1998) 873, table II, method 10."""
    for parts, expected in {
        (56, 70, 48, 80): [0.0524, 0.3339],
        (9, 10, 3, 10): [0.1705, 0.8090],
        (5, 56, 0, 29): [-0.0381, 0.1926],
    }.items():
        found = share_difference(*parts)
        assert found is not None
        assert [round(end, 4) for end in found] == expected
    assert share_difference(0, 0, 1, 2) is None


def test_a_mean_from_sums_is_the_mean_of_the_values() -> None:
    values = np.array([0.1, 0.2, 0.6, 0.3])
    found = Moments(4, values.sum(), (values * values).sum())
    assert found.mean == pytest.approx(values.mean())
    assert found.variance_of_mean == pytest.approx(values.var(ddof=1) / 4)
    assert mean_difference(found, Moments(1, 0.5, 0.25)) is None


def test_divergence_and_chi_square_agree_with_scipy() -> None:
    one, other = [10, 0, 5, 85], [100, 40, 300, 560]
    assert jensen_shannon(one, other) == pytest.approx(jensenshannon(one, other, base=2) ** 2)
    assert jensen_shannon([3, 0], [0, 9]) == 1.0
    assert jensen_shannon([3, 6], [1, 2]) == pytest.approx(0.0)
    for degrees in range(1, 30):
        assert chi_square_95(degrees) == pytest.approx(chi2.ppf(0.95, degrees), rel=0.01)


def test_chance_alone_passes_the_limit_of_divergence_one_time_in_twenty() -> None:
    rng = np.random.default_rng(1)
    shares, n, year_n = rng.dirichlet(np.full(12, 3.0)), 400, 5000
    drawn = zip(rng.multinomial(n, shares, 1000), rng.multinomial(year_n, shares, 1000), strict=True)
    over = sum(jensen_shannon(*pair) > divergence_by_chance(12, n, year_n) for pair in drawn)
    assert 30 <= over <= 75


# --- What is unusual ---------------------------------------------------------------------------------


def test_a_share_is_unusual_when_its_difference_leaves_out_zero() -> None:
    assert share_verdict(30, 100, 300, 1000) is Verdict.USUAL
    assert share_verdict(45, 100, 300, 1000) is Verdict.HIGH
    assert share_verdict(15, 100, 300, 1000) is Verdict.LOW


def test_a_month_is_not_called_unusual_for_its_own_small_number() -> None:
    """40 % of 30 letters lies outside the year's own interval, 27–33 %, and is chance nevertheless."""
    assert share_verdict(12, 30, 300, 1000) is Verdict.USUAL


def test_too_few_letters_are_not_judged() -> None:
    few = JUDGED_FROM - 1
    assert share_verdict(few, few, 0, 1000) is Verdict.TOO_FEW
    assert share_verdict(100, 100, 0, few) is Verdict.TOO_FEW
    assert mix({"A": few}, {"B": 1000}) is None
    assert mix({"A": 100}, {"B": few}) is None


def test_another_mix_of_topics_is_noticed_and_the_same_is_not() -> None:
    year = {"A": 600, "B": 300, "C": 300}
    same, other = mix({"A": 50, "B": 26, "C": 24}, year), mix({"A": 20, "B": 20, "C": 60}, year)
    assert same is not None
    assert other is not None
    assert (same.verdict, other.verdict) == (Verdict.USUAL, Verdict.HIGH)
    assert same.value < same.by_chance < other.value


def test_rare_topics_are_counted_as_one() -> None:
    """Twenty topics of one letter each would look like a new mix every month."""
    year = {"A": 500, "B": 500} | {f"rare{place}": 5 for place in range(20)}
    month = {"A": 45, "B": 45} | {f"new{place}": 1 for place in range(10)}
    found = mix(month, year)
    assert found is not None
    assert found.verdict is Verdict.USUAL


def test_topics_that_are_all_rare_are_not_judged() -> None:
    assert mix({f"t{place}": 1 for place in range(30)}, {f"t{place}": 9 for place in range(30)}) is None


def test_a_month_is_judged_by_the_twelve_before_it_alone() -> None:
    """The thirteenth month back was bad; that must not make this one look good."""
    bad, good = Month(OCT, letters=1000, abstained=900), Month(OCT, letters=1000, abstained=100)
    steady = [bad] + [good] * 13
    found = judge(steady)
    assert [row.abstention for row in found] == [Verdict.LOW, Verdict.USUAL]
    assert judge([good] * 12) == []


def test_each_figure_of_a_month_is_judged_by_itself() -> None:
    usual = {"letters": 100, "abstained": 20, "confirmed": 80, "corrected": 8}
    known = Moments(100, 5.0, 0.5)
    months = [Month(OCT, **usual, unknown=known, topics=Counter(A=50, B=50)) for _ in range(12)]
    odd = Month(NOV, 100, 20, 80, 40, unknown=Moments(100, 20.0, 5.0), topics=Counter(A=95, B=5))
    found = judge([*months, odd])[0]
    assert (found.abstention, found.correction) == (Verdict.USUAL, Verdict.HIGH)
    assert (found.unknown, found.mix_verdict) == (Verdict.HIGH, Verdict.HIGH)


# --- The random share --------------------------------------------------------------------------------


def test_one_letter_in_five_is_in_the_random_share_and_always_the_same() -> None:
    numbers = [f"115-{serial:06d}" for serial in range(20_000)]
    chosen = [number for number in numbers if in_random_share(number)]
    assert abs(len(chosen) / len(numbers) - 1 / RANDOM_SHARE) < 0.01
    assert chosen == [number for number in numbers if in_random_share(number)]
    assert in_random_share("115-000001") is in_random_share("115-000001")


def test_neighbouring_numbers_are_chosen_independently() -> None:
    chosen = [in_random_share(f"115-{serial:06d}") for serial in range(20_000)]
    both = sum(one and other for one, other in itertools.pairwise(chosen)) / len(chosen)
    assert abs(both - 1 / RANDOM_SHARE**2) < 0.01


# --- Accuracy ----------------------------------------------------------------------------------------


def reading(serial: int, suggested: str | None, topic: str | None, *, abstained: bool = False) -> Reading:
    return Reading(f"115-{serial:06d}", suggested, abstained, topic, taipei(11, 2) if topic else None)


def test_a_letter_counts_under_the_topic_that_a_person_confirmed() -> None:
    found = score([reading(1, "A", "A"), reading(2, "B", "A"), reading(3, "B", "B")])
    assert {topic: (item.every.right, item.every.n) for topic, item in found.topics.items()} == {
        "A": (1, 2),
        "B": (1, 1),
    }
    assert (found.total.every.right, found.total.every.n) == (2, 3)


def test_letters_of_which_the_system_was_unsure_are_in_all_but_not_in_sure() -> None:
    found = score([reading(1, "A", "A"), reading(2, "B", "A", abstained=True)]).total
    assert (found.every.right, found.every.n) == (1, 2)
    assert (found.sure.right, found.sure.n) == (1, 1)


def test_the_random_share_is_scored_beside_and_counts_letters_that_nobody_confirmed() -> None:
    chosen = [serial for serial in range(100) if in_random_share(f"115-{serial:06d}")]
    waiting = chosen[0]
    found = score(
        reading(serial, "A", None if serial == waiting else "A", abstained=serial == chosen[1])
        for serial in range(100)
    )
    assert found.sampled == len(chosen)
    assert found.total.every.n == 99
    assert found.total.random.n == len(chosen) - 1
    assert found.total.random_sure.n == len(chosen) - 2


def test_a_letter_that_was_confirmed_before_anything_was_suggested_is_not_scored() -> None:
    assert score([reading(1, None, "A")]).total.every.n == 0


def test_few_letters_are_flagged_and_still_have_an_interval() -> None:
    found = score(reading(serial, "A", "A") for serial in range(29)).total.every
    assert found.few
    assert found.interval == wilson(29, 29)
    assert not score(reading(serial, "A", "A") for serial in range(30)).total.every.few


def test_suggested_is_what_stood_there_first_and_right_is_what_was_said_last(ctx: Flask) -> None:
    """A model that learned the letter later, or a hasty first confirmation, must not flatter the figures."""
    made = letter(taipei(11, 3), "ST-CNS", confirmed="ST-CNS")
    newer = guess(topic="ST-MARK", model_version="newer")
    renew_suggestions([(made.id, newer)], version_id="newer", profile=profile(), now=taipei(11, 5))
    confirm(made, "ST-MARK", taipei(11, 6))
    found = accuracy(NOV, NOV)
    assert {topic: (item.every.right, item.every.n) for topic, item in found.topics.items()} == {
        "ST-MARK": (0, 1)
    }
    assert (found.total.first, found.total.last) == (taipei(11, 6), taipei(11, 6))


def test_restricted_letters_are_in_no_figure(ctx: Flask) -> None:
    letter(taipei(11, 3), case={"restricted": True})
    letter(taipei(11, 3), confirmed="IN-ETHIC")
    kept = letter(taipei(11, 3), confirmed="ST-CNS")
    assert accuracy(NOV, NOV).total.every.n == 1
    assert accuracy(NOV, NOV).sampled == in_random_share(kept.number)
    assert months_between(NOV, NOV)[0].letters == 1


# --- Months ------------------------------------------------------------------------------------------


def test_a_letter_counts_in_the_taipei_month_in_which_it_came(ctx: Flask) -> None:
    letter(datetime(2026, 10, 31, 23, 59, tzinfo=TAIPEI), confirmed="ST-CNS")
    letter(datetime(2026, 11, 1, 0, 0, tzinfo=TAIPEI), confirmed="ST-CNS")
    letter(datetime(2026, 12, 1, 0, 0, tzinfo=TAIPEI))
    found = months_between(OCT, NOV)
    assert [(month.period, month.letters, month.confirmed) for month in found] == [(OCT, 1, 1), (NOV, 1, 1)]
    assert [accuracy(month, month).total.every.n for month in (OCT, NOV)] == [1, 1]


def test_a_month_counts_what_was_unsure_corrected_and_unknown(ctx: Flask) -> None:
    letter(taipei(11, 2), "ST-CNS", confirmed="ST-CNS", unknown_words=0.1)
    letter(taipei(11, 3), "ST-CNS", confirmed="ST-MARK", abstained=True, unknown_words=0.3)
    letter(taipei(11, 4), "PI-SCOPE", unknown_words=None)
    month = months_between(OCT, NOV)[1]
    assert (month.letters, month.abstained, month.confirmed, month.corrected) == (3, 1, 2, 1)
    assert month.topics == {"ST-CNS": 2, "PI-SCOPE": 1}
    assert month.unknown.n == 2
    assert month.unknown.mean == pytest.approx(0.2)
    assert month.unknown.squares == pytest.approx(0.1)


def test_months_without_letters_are_there_and_empty(ctx: Flask) -> None:
    found = months_between(Period(2025, 11), NOV)
    assert [str(month.period) for month in found][:3] == ["114-11", "114-12", "115-01"]
    assert len(found) == 13
    assert all(month == Month(month.period) for month in found)


def test_letters_read_again_after_they_were_confirmed_are_counted(ctx: Flask) -> None:
    made = letter(taipei(11, 3), confirmed="ST-CNS")
    letter(taipei(11, 4), confirmed="ST-CNS")
    newer = guess(model_version="newer")
    renew_suggestions([(made.id, newer)], version_id="newer", profile=profile(), now=taipei(11, 9))
    assert months_between(NOV, NOV)[0].reread == 1
