"""One year of the office calendar, as the page and the command line show it."""

from __future__ import annotations

import calendar as grid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from portal.calendars.models import CalendarDay, Source
from portal.clock import ROC_OFFSET, SATURDAY, OfficeCalendar
from portal.profile import Profile

WEEKDAYS = "一二三四五六日"
SUNDAY_FIRST = grid.Calendar(firstweekday=6)


@dataclass(frozen=True)
class Day:
    """A day and what is particular about it. `entered` marks one that a person put in."""

    day: date
    is_working: bool
    name: str
    entered: bool

    @property
    def weekday(self) -> str:
        return WEEKDAYS[self.day.weekday()]

    @property
    def mark(self) -> str:
        """休 for a day off, 停 for one that a person closed, 班 for one worked against the rule."""
        if self.is_working:
            return "班" if self.entered or self.day.weekday() >= SATURDAY else ""
        return "停" if self.entered else "休"

    @property
    def is_particular(self) -> bool:
        return bool(self.name) or self.entered or self.is_working == (self.day.weekday() >= SATURDAY)

    @property
    def title(self) -> str:
        """Its name, otherwise what it is."""
        return self.name or ("補行上班" if self.is_working else "放假")


@dataclass(frozen=True)
class Month:
    number: int
    weeks: list[list[Day | None]]

    @property
    def days(self) -> list[Day]:
        return [day for week in self.weeks for day in week if day]

    @property
    def particular(self) -> list[Day]:
        return [day for day in self.days if day.is_particular]


@dataclass(frozen=True)
class Year:
    """Twelve months. `source` says where its table comes from; "" means weekends only."""

    number: int
    months: list[Month]
    source: str

    @property
    def roc(self) -> int:
        return self.number - ROC_OFFSET

    @property
    def days(self) -> list[Day]:
        return [day for month in self.months for day in month.days]

    @property
    def particular(self) -> list[Day]:
        return [day for day in self.days if day.is_particular]

    @property
    def worked(self) -> int:
        return sum(day.is_working for day in self.days)

    @property
    def off(self) -> int:
        return len(self.days) - self.worked

    @property
    def made_up(self) -> int:
        """Weekend days that are worked."""
        return sum(day.is_working and day.day.weekday() >= SATURDAY for day in self.days)


def year_of(number: int, calendar: OfficeCalendar, profile: Profile, rows: Sequence[CalendarDay]) -> Year:
    """A Gregorian year. `rows` are the table's rows of that year, `calendar` already holds them."""
    official = {row.day: row.name for row in rows if row.source is Source.CSV}
    entered = {row.day: row.name for row in rows if row.source is Source.MANUAL}
    names = (official or profile.calendar.holidays) | entered

    def day(when: date) -> Day | None:
        if when.month != month:
            return None
        return Day(when, calendar.is_working_day(when), names.get(when, ""), when in entered)

    months = []
    for month in range(1, 13):
        weeks = SUNDAY_FIRST.monthdatescalendar(number, month)
        months.append(Month(month, [[day(when) for when in week] for week in weeks]))
    given = "機關設定檔" if number in profile.calendar.years else ""
    return Year(number, months, "人事行政總處的辦公日曆表" if official else given)
