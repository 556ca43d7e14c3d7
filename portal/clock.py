"""Time as the bureau counts it: stored in UTC, shown and counted in Taipei, printed in ROC years."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

TAIPEI = ZoneInfo("Asia/Taipei")
ROC_OFFSET = 1911
SATURDAY = 5

Basis = Literal["working", "calendar"]


def utcnow() -> datetime:
    """The present moment, aware, in UTC. Services take it as `now`; only the edges call this."""
    return datetime.now(UTC)


def local(moment: datetime) -> datetime:
    """The same moment on a clock in Taipei."""
    return moment.astimezone(TAIPEI)


def local_date(moment: datetime) -> date:
    """The calendar day in Taipei on which a moment falls."""
    return local(moment).date()


def start_of(day: date) -> datetime:
    """The first moment of a Taipei day, in UTC."""
    return datetime.combine(day, time.min, TAIPEI).astimezone(UTC)


def last_day(deadline: datetime) -> date:
    """The day on which a deadline is met at the latest; one at midnight belongs to the day it ends."""
    return local_date(deadline - timedelta(microseconds=1))


def roc_date(value: date | datetime) -> str:
    """A day in words: 115年11月23日."""
    day = local_date(value) if isinstance(value, datetime) else value
    return f"{day.year - ROC_OFFSET}年{day.month}月{day.day}日"


def roc_datetime(moment: datetime) -> str:
    """A moment in words: 115年11月23日 14:05."""
    return f"{roc_date(moment)} {local(moment):%H:%M}"


def roc_deadline(deadline: datetime) -> str:
    """The day to which a deadline runs, in words: 115年12月24日, or 115年12月28日中午."""
    noon = "中午" if local(deadline).time() == time(12) else ""
    return roc_date(last_day(deadline)) + noon


@dataclass(frozen=True, order=True)
class Period:
    """One calendar month in Taipei; the unit in which summaries and trends are counted."""

    year: int
    month: int

    @classmethod
    def of(cls, moment: datetime | date) -> Period:
        day = local_date(moment) if isinstance(moment, datetime) else moment
        return cls(day.year, day.month)

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read a ROC month such as 115-11; ValueError says what is expected."""
        found = re.fullmatch(r"(\d{2,3})-(\d{1,2})", text.strip())
        if not found or not 1 <= int(found[2]) <= 12:
            raise ValueError(f"期間「{text}」的格式不對，請寫成民國年-月，例如 115-11。")
        return cls(int(found[1]) + ROC_OFFSET, int(found[2]))

    @property
    def start(self) -> datetime:
        return start_of(date(self.year, self.month, 1))

    @property
    def end(self) -> datetime:
        """The first moment after the month."""
        return self.next().start

    def next(self) -> Period:
        return self.shift(1)

    def previous(self) -> Period:
        return self.shift(-1)

    def shift(self, months: int) -> Period:
        index = self.year * 12 + self.month - 1 + months
        return Period(index // 12, index % 12 + 1)

    def __str__(self) -> str:
        return f"{self.year - ROC_OFFSET}-{self.month:02d}"

    @property
    def label(self) -> str:
        return f"{self.year - ROC_OFFSET}年{self.month}月"


@dataclass(frozen=True)
class OfficeCalendar:
    """Days off and make-up workdays (政府行政機關辦公日曆表); outside its table, weekends are off."""

    holidays: frozenset[date]
    makeup_workdays: frozenset[date] = frozenset()

    @classmethod
    def build(cls, holidays: Iterable[date], makeup_workdays: Iterable[date] = ()) -> OfficeCalendar:
        return cls(frozenset(holidays), frozenset(makeup_workdays))

    def is_working_day(self, day: date) -> bool:
        if day in self.makeup_workdays:
            return True
        return day.weekday() < SATURDAY and day not in self.holidays

    def next_working_day(self, day: date) -> date:
        """The day itself when it is worked, otherwise the first worked day after it."""
        while not self.is_working_day(day):
            day += timedelta(days=1)
        return day

    def add_working_days(self, day: date, count: int) -> date:
        """Count working days; the first day is not counted (行政程序法 §48：始日不計)."""
        while count > 0:
            day += timedelta(days=1)
            count -= self.is_working_day(day)
        return day

    def deadline(self, received: datetime, days: int, basis: Basis) -> datetime:
        """The last moment to answer, in UTC: end of the last day, which is never a day off.

        The first day is not counted. A last day on a holiday or Sunday moves to the next working
        day; one on a Saturday moves to the next working day's noon (行政程序法 §48).
        """
        start = local_date(received)
        if basis == "working":
            return start_of(self.add_working_days(start, days) + timedelta(days=1))
        last = start + timedelta(days=days)
        if self.is_working_day(last):
            return start_of(last + timedelta(days=1))
        due = self.next_working_day(last)
        if last.weekday() == SATURDAY:
            return datetime.combine(due, time(12), TAIPEI).astimezone(UTC)
        return start_of(due + timedelta(days=1))
