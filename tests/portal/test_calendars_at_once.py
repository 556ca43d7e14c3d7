"""Two people change the calendar at the same moment: each change counts, and deadlines know of both."""

from __future__ import annotations

import threading
from datetime import date, datetime

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from portal import calendars
from portal.access import Actor, Role
from portal.app import profile
from portal.calendars import services
from portal.calendars.models import CalendarDay
from portal.calendars.official import read_table
from portal.clock import OfficeCalendar
from tests import test_concurrency
from tests.factories import NOW, make_actor
from tests.portal.calendar_files import content
from tests.test_concurrency import at_once, count

real = test_concurrency.real
DAYS = [date(2026, 11, 24), date(2026, 11, 25), date(2026, 11, 26), date(2026, 11, 27)]
HERE = "tests.portal.test_calendars_at_once"

seen: list[int] = []
lock = threading.Lock()


def remember(
    session: Session,
    calendar: OfficeCalendar,
    changed_days: frozenset[date],
    *,
    by: Actor | None,
    now: datetime,
) -> int:
    """Notes how many of the days are off in the calendar that deadlines are moved by."""
    with lock:
        seen.append(sum(not calendar.is_working_day(day) for day in DAYS))
    return 0


@pytest.fixture(autouse=True)
def listener(real: Flask) -> None:
    seen.clear()
    calendars.on_change(real, f"{HERE}:remember")


def close_on(day: date, by: Actor) -> services.Change:
    return services.enter_day(day, is_working=False, name="颱風停止上班", by=by, profile=profile(), now=NOW)


def test_each_of_several_changes_at_once_knows_of_those_before_it(real: Flask) -> None:
    keeper = make_actor(Role.SECRETARIAT, "secretariat")
    at_once(real, [lambda day=day: close_on(day, keeper) for day in DAYS])
    assert sorted(seen) == [1, 2, 3, 4]
    assert count(CalendarDay) == 4


def test_one_day_entered_by_several_at_once_is_entered_once(real: Flask) -> None:
    keepers = [make_actor(Role.SECRETARIAT, "secretariat") for _ in range(4)]
    found = at_once(real, [lambda by=by: close_on(DAYS[0], by) for by in keepers])
    assert sum(isinstance(item, services.AlreadyEntered) for item in found) == 3
    assert (count(CalendarDay), seen) == (1, [1])


def test_one_file_imported_by_several_at_once_is_there_once(real: Flask) -> None:
    table, keeper = read_table(content()), make_actor(Role.SECRETARIAT, "secretariat")

    def take_in() -> services.Change:
        return services.import_table(table, by=keeper, profile=profile(), now=NOW)

    found = at_once(real, [take_in] * 3)
    assert sorted(item.days for item in found if isinstance(item, services.Change)) == [0, 0, 10]
    assert count(CalendarDay) == 11
