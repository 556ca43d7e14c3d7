"""Counting in office days: laws that hold for every calendar, and days that really were."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.clock import (
    SATURDAY,
    TAIPEI,
    Basis,
    OfficeCalendar,
    last_day,
    local,
    local_date,
    roc_deadline,
    start_of,
)
from portal.profile import PROFILES, load_profile

OFFICIAL = load_profile(PROFILES / "bsmi.yaml").office_calendar
FIRST = date(2026, 1, 1)
SPAN = 120

days = st.integers(0, SPAN).map(lambda step: FIRST + timedelta(days=step))
moments = st.builds(
    lambda day, clock: datetime.combine(day, clock, TAIPEI),
    days,
    st.sampled_from([time(0), time(9), time(23, 59)]),
)
counts = st.integers(0, 45)
bases: st.SearchStrategy[Basis] = st.sampled_from(["working", "calendar"])


@st.composite
def calendars(draw: st.DrawFn) -> OfficeCalendar:
    """Holidays in runs, make-up Saturdays (and the odd Sunday), and typhoon days on top."""
    holidays = set()
    for start, length in draw(st.lists(st.tuples(days, st.integers(1, 9)), max_size=6)):
        holidays |= {start + timedelta(days=step) for step in range(length)}
    weekend = days.filter(lambda day: day.weekday() >= SATURDAY)
    makeup = draw(st.sets(weekend, max_size=5))
    typhoons = draw(st.sets(days, max_size=4))
    return OfficeCalendar.build(holidays, makeup).with_days(dict.fromkeys(typhoons, False))


def at(text: str) -> datetime:
    """A moment on a clock in Taipei."""
    return datetime.fromisoformat(text).replace(tzinfo=TAIPEI)


def shown(deadline: datetime) -> str:
    return f"{local(deadline):%Y-%m-%d %H:%M}"


# Working days


@given(calendars(), days, counts)
def test_counting_forward_and_counting_between_undo_each_other(
    calendar: OfficeCalendar, day: date, count: int
) -> None:
    end = calendar.add_working_days(day, count)
    assert calendar.working_days_between(day, end) == count
    assert count == 0 or calendar.is_working_day(end)


@given(calendars(), days, days, days)
def test_working_days_between_add_up_in_any_order(
    calendar: OfficeCalendar, first: date, second: date, third: date
) -> None:
    between = calendar.working_days_between
    assert between(first, second) + between(second, third) == between(first, third)


def test_the_day_counting_starts_from_is_not_counted_and_the_last_one_is() -> None:
    monday, friday = date(2026, 11, 23), date(2026, 11, 27)
    assert OFFICIAL.working_days_between(monday, friday) == 4
    assert OFFICIAL.working_days_between(friday, monday) == -4
    assert OFFICIAL.working_days_between(friday, date(2026, 11, 29)) == 0
    assert OFFICIAL.working_days_between(monday, monday) == 0


def test_no_working_days_from_a_day_off_is_that_day() -> None:
    assert OFFICIAL.add_working_days(date(2026, 2, 17), 0) == date(2026, 2, 17)


@pytest.mark.parametrize("count", [-1, -365])
def test_days_are_not_counted_backward(count: int) -> None:
    with pytest.raises(ValueError, match="forward"):
        OFFICIAL.add_working_days(FIRST, count)
    for basis in ("working", "calendar"):
        with pytest.raises(ValueError, match="forward"):
            OFFICIAL.deadline(start_of(FIRST), count, basis)  # type: ignore[arg-type]  # both are bases


def test_roc_115_is_245_working_days_long_however_they_are_counted() -> None:
    eve, silvester = date(2025, 12, 31), date(2026, 12, 31)
    assert OFFICIAL.working_days_between(eve, silvester) == 245
    assert OFFICIAL.add_working_days(eve, 245) == silvester
    assert OFFICIAL.add_working_days(silvester, 1) == date(2027, 1, 4)


# Deadlines


@given(calendars(), moments, counts, bases)
def test_a_deadline_is_never_on_a_day_off_or_before_its_days_are_over(
    calendar: OfficeCalendar, received: datetime, count: int, basis: Basis
) -> None:
    due = calendar.deadline(received, count, basis)
    assert calendar.is_working_day(last_day(due))
    assert (last_day(due) - local_date(received)).days >= count
    assert local(due).time() in {time(0), time(12)}


@given(calendars(), moments, moments, counts, bases)
def test_a_letter_received_later_is_never_due_earlier(
    calendar: OfficeCalendar, one: datetime, other: datetime, count: int, basis: Basis
) -> None:
    earlier, later = sorted([one, other])
    assert calendar.deadline(earlier, count, basis) <= calendar.deadline(later, count, basis)


@given(calendars(), moments, counts, bases)
def test_one_day_more_is_never_due_earlier(
    calendar: OfficeCalendar, received: datetime, count: int, basis: Basis
) -> None:
    assert calendar.deadline(received, count, basis) <= calendar.deadline(received, count + 1, basis)


@given(calendars(), days, moments, counts, bases)
def test_a_day_that_becomes_off_never_makes_a_deadline_earlier_and_one_that_becomes_worked_never_later(
    calendar: OfficeCalendar, day: date, received: datetime, count: int, basis: Basis
) -> None:
    closed, opened = calendar.with_days({day: False}), calendar.with_days({day: True})
    due = calendar.deadline(received, count, basis)
    assert opened.deadline(received, count, basis) <= due <= closed.deadline(received, count, basis)


@given(calendars(), moments, counts)
def test_working_days_never_end_before_as_many_calendar_days(
    calendar: OfficeCalendar, received: datetime, count: int
) -> None:
    assert calendar.deadline(received, count, "calendar") <= calendar.deadline(received, count, "working")


@pytest.mark.parametrize("basis", ["working", "calendar"])
def test_no_days_end_with_the_day_of_receipt_or_with_the_next_working_day(basis: Basis) -> None:
    assert shown(OFFICIAL.deadline(at("2026-11-23 10:00"), 0, basis)) == "2026-11-24 00:00"
    assert shown(OFFICIAL.deadline(at("2026-11-21 10:00"), 0, basis)) == "2026-11-23 12:00"
    assert shown(OFFICIAL.deadline(at("2026-11-22 10:00"), 0, basis)) == "2026-11-24 00:00"


@pytest.mark.parametrize(
    ("last", "due"),
    [
        ("2026-11-27", "115年11月27日"),  # Friday, worked
        ("2026-11-28", "115年11月30日中午"),  # Saturday → Monday morning
        ("2026-11-29", "115年11月30日"),  # Sunday → Monday
        ("2026-12-25", "115年12月28日中午"),  # Friday off → Saturday → Monday morning
        ("2026-12-26", "115年12月28日中午"),  # the Saturday behind it
        ("2026-12-27", "115年12月28日"),  # the Sunday behind it
        ("2026-10-24", "115年10月27日中午"),  # Saturday, and Monday is off too → Tuesday morning
        ("2026-10-25", "115年10月27日"),  # Sunday and a holiday, Monday off → Tuesday
        ("2026-10-26", "115年10月27日"),  # that Monday → Tuesday
        ("2026-02-28", "115年3月2日中午"),  # Saturday and a holiday: no later than any other Saturday
        ("2026-02-13", "115年2月13日"),  # the last working day before 春節
        ("2026-02-14", "115年2月23日中午"),  # 春節 begins with a Saturday …
        ("2026-02-17", "115年2月23日中午"),  # … and whatever ends in it passes over another
        ("2026-02-22", "115年2月23日"),  # its last Sunday
        ("2025-02-08", "114年2月8日"),  # a make-up Saturday is a working day
        ("2027-01-01", "116年1月4日中午"),  # 元旦 on a Friday, over the ROC new year
    ],
)
def test_where_a_last_day_ends(last: str, due: str) -> None:
    assert roc_deadline(OFFICIAL.end_of_period(date.fromisoformat(last))) == due


def test_a_last_day_that_a_typhoon_closes_moves_on() -> None:
    closed = OFFICIAL.with_days({date(2026, 11, 25): False})
    assert shown(closed.deadline(at("2026-11-23 10:00"), 2, "calendar")) == "2026-11-27 00:00"
    assert shown(closed.deadline(at("2026-11-23 10:00"), 2, "working")) == "2026-11-27 00:00"


# A clock that stood still


@given(calendars(), moments, counts, bases, moments, moments)
def test_a_pause_never_brings_a_deadline_forward_or_onto_a_day_off(
    calendar: OfficeCalendar, received: datetime, count: int, basis: Basis, one: datetime, other: datetime
) -> None:
    due = calendar.deadline(received, count, basis)
    resumed = calendar.resume(due, *sorted([one, other]), basis)
    assert resumed >= due
    assert calendar.is_working_day(last_day(resumed))


@given(
    calendars(), moments, counts, bases, days, st.tuples(st.sampled_from([8, 12]), st.sampled_from([12, 23]))
)
def test_a_pause_that_ends_the_day_it_began_changes_nothing(
    calendar: OfficeCalendar, received: datetime, count: int, basis: Basis, day: date, hours: tuple[int, int]
) -> None:
    due = calendar.deadline(received, count, basis)
    paused, resumed = (datetime.combine(day, time(hour), TAIPEI) for hour in hours)
    assert calendar.resume(due, paused, resumed, basis) == due


@given(calendars(), moments, counts, bases, st.tuples(moments, moments, moments).map(sorted))
def test_a_longer_pause_never_gives_an_earlier_deadline(
    calendar: OfficeCalendar, received: datetime, count: int, basis: Basis, three: list[datetime]
) -> None:
    due = calendar.deadline(received, count, basis)
    paused, sooner, later = three
    assert calendar.resume(due, paused, sooner, basis) <= calendar.resume(due, paused, later, basis)
    assert calendar.resume(due, sooner, later, basis) <= calendar.resume(due, paused, later, basis)


@given(calendars(), moments, counts, st.tuples(moments, moments, moments).map(sorted))
def test_two_pauses_in_a_row_are_one_when_working_days_are_counted(
    calendar: OfficeCalendar, received: datetime, count: int, three: list[datetime]
) -> None:
    due = calendar.deadline(received, count, "working")
    first, between, last = three
    twice = calendar.resume(calendar.resume(due, first, between, "working"), between, last, "working")
    assert twice == calendar.resume(due, first, last, "working")


@given(calendars(), moments, counts, st.tuples(moments, moments, moments).map(sorted))
def test_of_calendar_days_two_pauses_in_a_row_are_at_least_one(
    calendar: OfficeCalendar, received: datetime, count: int, three: list[datetime]
) -> None:
    due = calendar.deadline(received, count, "calendar")
    first, between, last = three
    twice = calendar.resume(calendar.resume(due, first, between, "calendar"), between, last, "calendar")
    assert twice >= calendar.resume(due, first, last, "calendar")


@given(calendars(), days, moments, st.integers(1, 45), bases, moments)
def test_a_day_that_becomes_off_never_makes_a_resumed_deadline_earlier(
    calendar: OfficeCalendar, day: date, received: datetime, count: int, basis: Basis, resumed: datetime
) -> None:
    closed = calendar.with_days({day: False})
    if resumed < received:
        return
    old = calendar.resume(calendar.deadline(received, count, basis), received, resumed, basis)
    new = closed.resume(closed.deadline(received, count, basis), received, resumed, basis)
    assert old <= new


def test_the_day_of_the_question_was_counted_and_the_day_of_the_answer_is_not() -> None:
    due = OFFICIAL.deadline(at("2026-11-23 09:00"), 5, "working")
    assert roc_deadline(due) == "115年11月30日"
    asked, answered = at("2026-11-25 17:00"), at("2026-12-02 09:00")  # two of five days are used
    resumed = OFFICIAL.resume(due, asked, answered, "working")
    assert roc_deadline(resumed) == "115年12月7日"
    assert OFFICIAL.working_days_between(local_date(answered), last_day(resumed)) == 3


def test_a_pause_over_the_lunar_new_year_gives_no_days_that_were_off_anyway() -> None:
    due = OFFICIAL.deadline(at("2026-02-11 09:00"), 3, "working")
    assert roc_deadline(due) == "115年2月23日"
    asked, answered = at("2026-02-13 10:00"), at("2026-02-22 10:00")
    assert OFFICIAL.resume(due, asked, answered, "working") == due


def test_calendar_days_of_a_pause_are_added_and_end_as_every_period_does() -> None:
    due = OFFICIAL.deadline(at("2026-11-23 09:00"), 30, "calendar")
    assert roc_deadline(due) == "115年12月23日"
    asked = at("2026-12-01 09:00")
    assert roc_deadline(OFFICIAL.resume(due, asked, at("2026-12-02 09:00"), "calendar")) == "115年12月24日"
    assert (
        roc_deadline(OFFICIAL.resume(due, asked, at("2026-12-03 09:00"), "calendar")) == "115年12月28日中午"
    )


def test_a_pause_of_calendar_days_split_by_a_weekend_starts_again_from_the_deadline_told() -> None:
    """Friday's deadline, a pause of one day and one of one more: Monday noon was told in between."""
    due = OFFICIAL.deadline(at("2026-11-23 09:00"), 4, "calendar")
    first, between, last = (at(f"2026-11-{day} 09:00") for day in (24, 25, 26))
    told = OFFICIAL.resume(due, first, between, "calendar")
    assert roc_deadline(told) == "115年11月30日中午"
    assert roc_deadline(OFFICIAL.resume(told, between, last, "calendar")) == "115年12月1日"
    assert roc_deadline(OFFICIAL.resume(due, first, last, "calendar")) == "115年11月30日"


def test_a_letter_that_was_late_when_the_citizen_was_asked_is_as_late_afterwards() -> None:
    due = OFFICIAL.deadline(at("2026-11-16 09:00"), 3, "working")
    asked, answered = at("2026-11-23 09:00"), at("2026-11-25 09:00")
    resumed = OFFICIAL.resume(due, asked, answered, "working")
    late = OFFICIAL.working_days_between(last_day(due), local_date(asked))
    assert OFFICIAL.working_days_between(last_day(resumed), local_date(answered)) == late == 2


def test_a_pause_that_ends_before_it_begins_is_refused() -> None:
    due = OFFICIAL.deadline(at("2026-11-23 09:00"), 5, "working")
    for basis in ("working", "calendar"):
        with pytest.raises(ValueError, match="forward"):
            OFFICIAL.resume(due, at("2026-11-25 09:00"), at("2026-11-24 09:00"), basis)  # type: ignore[arg-type]  # both are bases


# Days laid over a calendar


@given(calendars(), days, st.booleans())
def test_a_day_laid_over_a_calendar_is_what_it_says_and_no_other_day_changes(
    calendar: OfficeCalendar, day: date, is_working: bool
) -> None:
    changed = calendar.with_days({day: is_working})
    assert changed.is_working_day(day) == is_working
    assert changed.days_unlike(calendar) == ({day} if calendar.is_working_day(day) != is_working else set())


def test_a_year_left_out_keeps_its_weekends() -> None:
    bare = OFFICIAL.without_years({2025})
    assert bare.is_working_day(date(2025, 1, 1))
    assert not bare.is_working_day(date(2025, 2, 8))
    assert not bare.is_working_day(date(2026, 1, 1))
