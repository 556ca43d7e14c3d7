"""The calendar that holds now: the profile's, overlaid by imported years and by entered days."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.calendars.models import CalendarDay, Source
from portal.clock import OfficeCalendar
from portal.profile import Profile

Rows = Iterable[sa.Row[date, bool, Source]]


def office_calendar(session: Session, profile: Profile) -> OfficeCalendar:
    """The agency's calendar as of this transaction: one small select (about 30 rows for each year)."""
    return overlaid(
        profile, session.execute(sa.select(CalendarDay.day, CalendarDay.is_working, CalendarDay.source))
    )


def overlaid(profile: Profile, rows: Rows) -> OfficeCalendar:
    """The profile's calendar under these rows; years of the official table replace the profile's."""
    official: dict[date, bool] = {}
    entered: dict[date, bool] = {}
    for day, is_working, source in rows:
        (official if source is Source.CSV else entered)[day] = is_working
    imported = {day.year for day in official}
    return profile.office_calendar.without_years(imported).with_days(official | entered)


def known_years(session: Session, profile: Profile) -> set[int]:
    """Gregorian years whose calendar is complete: the profile's and those imported."""
    return set(profile.calendar.years) | imported_years(session)


def imported_years(session: Session) -> set[int]:
    official = sa.select(CalendarDay.day).where(CalendarDay.source == Source.CSV)
    return {day.year for day in session.scalars(official)}


def days_of(session: Session, year: int) -> list[CalendarDay]:
    """Every row of one Gregorian year by day, the official one before an entered one."""
    within = CalendarDay.day.between(date(year, 1, 1), date(year, 12, 31))
    return list(
        session.scalars(sa.select(CalendarDay).where(within).order_by(CalendarDay.day, CalendarDay.source))
    )
