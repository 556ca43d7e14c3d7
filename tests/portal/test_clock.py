"""How days are counted: Taipei days, ROC years, office days, and 行政程序法 §48."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from portal.clock import (
    TAIPEI,
    Basis,
    OfficeCalendar,
    Period,
    local,
    local_date,
    roc_date,
    roc_datetime,
    roc_deadline,
    start_of,
)
from portal.profile import PROFILES, load_profile

CALENDAR = load_profile(PROFILES / "bsmi.yaml").office_calendar


def at(text: str) -> datetime:
    """A moment on a clock in Taipei."""
    return datetime.fromisoformat(text).replace(tzinfo=TAIPEI)


def due(received: str, days: int, basis: Basis) -> str:
    return f"{local(CALENDAR.deadline(at(received), days, basis)):%Y-%m-%d %H:%M}"


def working_days(year: int) -> int:
    first = date(year, 1, 1)
    length = (date(year + 1, 1, 1) - first).days
    return sum(CALENDAR.is_working_day(first + timedelta(days=offset)) for offset in range(length))


# Dates


def test_a_letter_after_midnight_in_taipei_belongs_to_the_new_day() -> None:
    assert local_date(datetime(2026, 12, 31, 16, 0, tzinfo=UTC)) == date(2027, 1, 1)
    assert local_date(datetime(2026, 12, 31, 15, 59, tzinfo=UTC)) == date(2026, 12, 31)


def test_a_day_begins_at_midnight_in_taipei_and_is_kept_in_utc() -> None:
    assert start_of(date(2027, 1, 1)) == datetime(2026, 12, 31, 16, 0, tzinfo=UTC)
    assert start_of(date(2027, 1, 1)).tzinfo is UTC


def test_dates_are_printed_in_roc_years() -> None:
    assert roc_date(date(2026, 11, 23)) == "115年11月23日"
    assert roc_date(datetime(2026, 12, 31, 20, 0, tzinfo=UTC)) == "116年1月1日"
    assert roc_datetime(datetime(2026, 11, 23, 6, 5, tzinfo=UTC)) == "115年11月23日 14:05"


# Periods


@pytest.mark.parametrize("text", ["115-11", " 115-11 "])
def test_a_period_is_read_as_a_roc_month(text: str) -> None:
    assert Period.parse(text) == Period(2026, 11)


def test_a_period_prints_as_it_is_read() -> None:
    assert str(Period.parse("115-1")) == "115-01"
    assert str(Period.parse("99-12")) == "99-12"
    assert Period(2026, 11).label == "115年11月"


@pytest.mark.parametrize("text", ["", "115", "115-13", "115-0", "2026-11", "115/11", "115-11-23"])
def test_a_period_in_another_form_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="例如 115-11"):
        Period.parse(text)


def test_periods_run_over_the_new_year() -> None:
    december = Period.parse("115-12")
    assert str(december.next()) == "116-01"
    assert december.next().previous() == december
    assert str(december.shift(-12)) == "114-12"
    assert str(december.shift(14)) == "117-02"
    assert december < december.next()


def test_a_period_ends_where_the_next_begins() -> None:
    december = Period.parse("115-12")
    assert december.end == december.next().start == datetime(2026, 12, 31, 16, 0, tzinfo=UTC)


def test_a_moment_belongs_to_its_month_in_taipei() -> None:
    assert str(Period.of(datetime(2026, 12, 31, 16, 0, tzinfo=UTC))) == "116-01"
    assert str(Period.of(date(2026, 12, 31))) == "115-12"


# Office days


def test_roc_115_has_245_working_days_and_116_has_244() -> None:
    assert (working_days(2026), working_days(2027)) == (245, 244)


def test_a_makeup_saturday_is_worked() -> None:
    assert CALENDAR.is_working_day(date(2025, 2, 8))
    assert not CALENDAR.is_working_day(date(2025, 2, 15))


def test_weekends_and_holidays_are_not_worked() -> None:
    off = [date(2026, 9, 28), date(2026, 12, 25), date(2026, 11, 28), date(2026, 11, 29)]
    assert not any(CALENDAR.is_working_day(day) for day in off)
    assert CALENDAR.is_working_day(date(2026, 11, 23))


def test_a_makeup_day_is_worked_even_when_a_holiday_is_named_for_it() -> None:
    day = date(2027, 3, 6)
    assert OfficeCalendar.build([day], [day]).is_working_day(day)


def test_beyond_its_table_a_calendar_rests_on_weekends_only() -> None:
    assert CALENDAR.is_working_day(date(2030, 1, 1))
    assert not CALENDAR.is_working_day(date(2030, 1, 5))


def test_the_next_working_day_of_a_working_day_is_itself() -> None:
    assert CALENDAR.next_working_day(date(2026, 11, 23)) == date(2026, 11, 23)
    assert CALENDAR.next_working_day(date(2026, 2, 14)) == date(2026, 2, 23)


# Deadlines: the end of a day is the first moment of the next one


@pytest.mark.parametrize("clock", ["00:00", "09:30", "23:59"])
def test_the_first_day_is_not_counted(clock: str) -> None:
    assert due(f"2026-11-23 {clock}", 1, "working") == "2026-11-25 00:00"
    assert due(f"2026-11-23 {clock}", 1, "calendar") == "2026-11-25 00:00"


def test_a_last_day_on_a_saturday_moves_to_monday_noon() -> None:
    assert due("2026-11-18 10:00", 3, "calendar") == "2026-11-23 12:00"


def test_a_deadline_is_told_by_its_last_day_not_by_the_midnight_after() -> None:
    received = at("2026-11-23 10:00")
    assert roc_deadline(CALENDAR.deadline(received, 30, "calendar")) == "115年12月23日"
    assert roc_deadline(CALENDAR.deadline(at("2026-11-18 10:00"), 3, "calendar")) == "115年11月23日中午"


def test_a_last_day_on_a_sunday_moves_to_the_end_of_monday() -> None:
    assert due("2026-11-19 10:00", 3, "calendar") == "2026-11-24 00:00"


def test_a_last_day_on_a_holiday_moves_to_the_next_working_day() -> None:
    assert due("2027-09-05 10:00", 10, "calendar") == "2027-09-17 00:00"


def test_a_holiday_before_a_saturday_moves_with_it_to_monday_noon() -> None:
    assert due("2026-06-09 10:00", 10, "calendar") == "2026-06-22 12:00"


def test_a_saturday_before_a_day_off_moves_to_noon_of_the_next_working_day() -> None:
    assert due("2026-09-26 10:00", 29, "calendar") == "2026-10-28 00:00"
    assert due("2026-09-26 10:00", 28, "calendar") == "2026-10-27 12:00"


def test_a_last_day_on_a_makeup_saturday_stays_there() -> None:
    assert due("2025-02-03 10:00", 5, "calendar") == "2025-02-09 00:00"
    assert due("2025-02-03 10:00", 5, "working") == "2025-02-09 00:00"


def test_working_days_pass_over_the_lunar_new_year() -> None:
    assert due("2026-02-12 10:00", 3, "working") == "2026-02-25 00:00"
    assert due("2027-02-01 10:00", 5, "working") == "2027-02-16 00:00"


def test_calendar_days_that_end_in_the_lunar_new_year_move_behind_it() -> None:
    assert due("2026-01-18 10:00", 30, "calendar") == "2026-02-23 12:00"
    assert due("2027-01-07 10:00", 30, "calendar") == "2027-02-11 12:00"


def test_a_deadline_runs_over_the_roc_new_year() -> None:
    assert due("2026-12-30 10:00", 3, "working") == "2027-01-06 00:00"


def test_a_deadline_is_kept_in_utc() -> None:
    assert CALENDAR.deadline(at("2026-11-23 10:00"), 1, "working") == datetime(2026, 11, 24, 16, tzinfo=UTC)
