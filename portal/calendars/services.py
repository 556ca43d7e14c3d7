"""Changing the office calendar: the official table, and days that a person enters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.access import Actor, Permission
from portal.audit import record
from portal.calendars.changes import announce
from portal.calendars.models import CalendarDay, Source
from portal.calendars.official import OfficialTable
from portal.calendars.queries import office_calendar
from portal.clock import OfficeCalendar, local_date
from portal.db import insert, transaction
from portal.errors import BadInput, Conflict, NotFound
from portal.profile import Profile
from portal.units import Unit, UnitKind

LONGEST = timedelta(days=3 * 366)


class UnlikelyDay(BadInput):
    message = "這一天和今天相差超過三年，請檢查年份。"


class AlreadyEntered(Conflict):
    message = "這一天已經有人加過了；要改的話，請先移除原來的，再重新加入。"


@dataclass(frozen=True)
class Change:
    """What came of it: how many days became off or worked, and how many deadlines moved with them."""

    days: int
    deadlines: int


def enter_day(
    day: date, *, is_working: bool, name: str, by: Actor, profile: Profile, now: datetime
) -> Change:
    """Say that the whole agency is closed or open on a day, whatever the official table says of it.

    `name` is the reason, shown to all staff. Raises NotFound without the permission, UnlikelyDay, and
    AlreadyEntered when somebody has entered the day.
    """
    _must_keep(by)
    if abs(day - local_date(now)) > LONGEST:
        raise UnlikelyDay
    with transaction() as session:
        before = _locked(session, profile)
        entered = session.execute(
            insert(session, CalendarDay)
            .values(
                day=day, source=Source.MANUAL, is_working=is_working, name=name, changed_by=by.id,
                changed_at=now,
            )
            .on_conflict_do_nothing(index_elements=["day", "source"])
            .returning(CalendarDay.day)
        ).scalar()  # fmt: skip
        if entered is None:
            raise AlreadyEntered
        record(
            session, "calendar.day_entered", "calendar", day.isoformat(), actor_id=by.id, now=now,
            working=is_working,
        )  # fmt: skip
        return _announced(session, profile, before, by=by, now=now)


def remove_day(day: date, *, by: Actor, profile: Profile, now: datetime) -> Change:
    """Take back an entered day, so that the official table holds again.

    Raises NotFound without the permission and for a day that nobody has entered.
    """
    _must_keep(by)
    with transaction() as session:
        before = _locked(session, profile)
        removed = session.execute(
            sa.delete(CalendarDay)
            .where(CalendarDay.day == day, CalendarDay.source == Source.MANUAL)
            .returning(CalendarDay.is_working)
        ).scalar()
        if removed is None:
            raise NotFound("這一天沒有自訂的紀錄，可能剛被別人移除。")
        record(
            session, "calendar.day_removed", "calendar", day.isoformat(), actor_id=by.id, now=now,
            working=removed,
        )  # fmt: skip
        return _announced(session, profile, before, by=by, now=now)


def import_table(table: OfficialTable, *, by: Actor | None, profile: Profile, now: datetime) -> Change:
    """Put the official table in place of what was known of its years; entered days stay above it.

    Only days that are no ordinary workday or weekend are kept. Importing the same file again changes
    nothing. `by` is None on the command line. Raises NotFound without the permission.
    """
    if by is not None:
        _must_keep(by)
    with transaction() as session:
        before, by_id = _locked(session, profile), by.id if by else None
        for year in table.years:
            of_year = CalendarDay.day.between(date(year, 1, 1), date(year, 12, 31))
            session.execute(sa.delete(CalendarDay).where(CalendarDay.source == Source.CSV, of_year))
        kept = [item for item in table.days if item.is_special]
        session.execute(
            sa.insert(CalendarDay),
            [
                {
                    "day": item.day, "source": Source.CSV, "is_working": item.is_working, "name": item.name,
                    "changed_by": by_id, "changed_at": now,
                }
                for item in kept
            ],
        )  # fmt: skip
        change = _announced(session, profile, before, by=by, now=now)
        for year in table.years:
            record(
                session, "calendar.imported", "calendar", year, actor_id=by_id, now=now, changed=change.days
            )
    return change


def _must_keep(by: Actor) -> None:
    if not by.may(Permission.CALENDAR):
        raise NotFound


def _locked(session: Session, profile: Profile) -> OfficeCalendar:
    """The calendar before a change, with every other change kept waiting until this one is over.

    Deadlines moved by two changes at once would each miss the other's day. The agency's own row stands
    for its calendar; key_share leaves alone what merely refers to the row.
    """
    session.execute(
        sa.select(Unit.id).where(Unit.kind == UnitKind.AGENCY).with_for_update(key_share=True)
    ).all()
    return office_calendar(session, profile)


def _announced(
    session: Session, profile: Profile, before: OfficeCalendar, *, by: Actor | None, now: datetime
) -> Change:
    after = office_calendar(session, profile)
    changed = after.days_unlike(before)
    return Change(len(changed), announce(session, after, changed, by=by, now=now))
