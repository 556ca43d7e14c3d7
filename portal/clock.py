"""Time as the bureau counts it: stored in UTC, shown and counted in Taipei, printed in ROC years."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

TAIPEI = ZoneInfo("Asia/Taipei")
ROC_OFFSET = 1911
SATURDAY = 5
ONE_DAY = timedelta(days=1)

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
    """Days off and make-up workdays (政府行政機關辦公日曆表); outside its table, weekends are off.

    The rules, with the articles they come from and worked examples, are in docs/clocks.md.
    """

    holidays: frozenset[date]
    makeup_workdays: frozenset[date] = frozenset()

    @classmethod
    def build(cls, holidays: Iterable[date], makeup_workdays: Iterable[date] = ()) -> OfficeCalendar:
        return cls(frozenset(holidays), frozenset(makeup_workdays))

    def with_days(self, days: Mapping[date, bool]) -> OfficeCalendar:
        """The calendar in which the days given are worked (True) or off (False), whatever they were."""
        worked = {day for day, is_working in days.items() if is_working}
        return OfficeCalendar(
            (self.holidays | days.keys()) - worked, (self.makeup_workdays - days.keys()) | worked
        )

    def without_years(self, years: Set[int]) -> OfficeCalendar:
        """The calendar that knows nothing of these Gregorian years but their weekends."""
        return OfficeCalendar(
            frozenset(day for day in self.holidays if day.year not in years),
            frozenset(day for day in self.makeup_workdays if day.year not in years),
        )

    def days_unlike(self, other: OfficeCalendar) -> frozenset[date]:
        """The days that are worked in one of the two calendars and off in the other."""
        named = (self.holidays ^ other.holidays) | (self.makeup_workdays ^ other.makeup_workdays)
        return frozenset(day for day in named if self.is_working_day(day) != other.is_working_day(day))

    def is_working_day(self, day: date) -> bool:
        if day in self.makeup_workdays:
            return True
        return day.weekday() < SATURDAY and day not in self.holidays

    def next_working_day(self, day: date) -> date:
        """The day itself when it is worked, otherwise the first worked day after it."""
        while not self.is_working_day(day):
            day += ONE_DAY
        return day

    def add_working_days(self, day: date, count: int) -> date:
        """The working day on which the count is reached; the first day is not counted (行政程序法 §48).

        `count` 0 gives the day itself, worked or not. Raises ValueError for a negative count.
        """
        _refuse_negative(count)
        while count > 0:
            day += ONE_DAY
            count -= self.is_working_day(day)
        return day

    def working_days_between(self, start: date, end: date) -> int:
        """How many working days lie after `start` up to and with `end`.

        Negative when `end` is before `start`, so that a → b and b → c always add up to a → c.
        """
        if end < start:
            return -self.working_days_between(end, start)
        return sum(
            self.is_working_day(start + timedelta(days=step)) for step in range(1, (end - start).days + 1)
        )

    def deadline(self, received: datetime, days: int, basis: Basis) -> datetime:
        """The last moment to answer, in UTC: the end of the last day, which is never a day off.

        The day of receipt is not counted. `days` are working days or calendar days; a last day that is
        off moves on as `end_of_period` says. Raises ValueError for a negative number of days.
        """
        return self.end_of_period(self._count(local_date(received), days, basis))

    def end_of_period(self, last: date) -> datetime:
        """The moment, in UTC, at which a period with this last day ends (行政程序法 §48 第4項).

        A working day ends at its midnight. A holiday or Sunday gives way to the next day, a Saturday to
        Monday morning; that is looked at again for each day it moves to. So days off end with the next
        working day, at noon when a Saturday was among those passed over.
        """
        due = self.next_working_day(last)
        passed = (last + timedelta(days=step) for step in range((due - last).days))
        if any(day.weekday() == SATURDAY for day in passed):
            return datetime.combine(due, time(12), TAIPEI).astimezone(UTC)
        return start_of(due + ONE_DAY)

    def resume(self, due: datetime, paused_at: datetime, resumed_at: datetime, basis: Basis) -> datetime:
        """The new deadline after a clock stood still, in UTC; never before the old one or on a day off.

        As many days are added to the old last day as lie in the pause. The day on which it begins is not
        among them, for it was still counted; the day on which it ends is, for counting goes on with the
        day after it. A pause without such a day leaves the deadline as it is, noon included; otherwise
        the period ends as every period does. Raises ValueError when the pause ends before it begins.
        """
        first, final, last = local_date(paused_at), local_date(resumed_at), last_day(due)
        stood = self.working_days_between(first, final) if basis == "working" else (final - first).days
        if not stood and self.is_working_day(last):
            return due
        return self.end_of_period(self._count(last, stood, basis))

    def _count(self, day: date, days: int, basis: Basis) -> date:
        """The day that is so many days after `day`, by the basis."""
        _refuse_negative(days)
        return self.add_working_days(day, days) if basis == "working" else day + timedelta(days=days)


def _refuse_negative(days: int) -> None:
    if days < 0:
        raise ValueError("days are counted forward")
