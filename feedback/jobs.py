"""Scheduled work of the letters: reminders, escalation, clocks that go on, closing, tidying."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Session

from feedback import mails
from feedback.models import Case, Reminder, ReminderKind
from feedback.services import answering, deadlines, escalation
from feedback.states import Status
from portal.access import PERMISSIONS, Actor, Permission, Role
from portal.accounts.models import User
from portal.audit import AuditEvent
from portal.calendars import office_calendar
from portal.clock import OfficeCalendar, local_date, start_of
from portal.db import db, transaction
from portal.profile import Profile
from portal.units import Unit

BATCH = 500
HEADS = tuple(role for role, may in PERMISSIONS.items() if Permission.CASE_ASSIGN in may)

Addressees = dict[tuple[int, bool], list[str]]


def remind_overdue(now: datetime) -> int:
    """Remind whoever must act of letters that are nearly due and of those that are late.

    Each deadline is mailed about at most three times: once before it and once after it to the handler, and
    some working days later to the heads of the unit and to the secretariat. A letter that was imported past
    its deadline causes none: the list of overdue letters has it; neither does one whose clock stands still.
    Returns how many mails were queued.
    """
    profile: Profile = current_app.extensions["profile"]
    late = sa.and_(Case.due_at < now, ~_came_late())
    near = sa.and_(Case.due_at >= now, Case.due_at <= _horizon(profile, now))
    ignored = sa.and_(Case.due_at < _long_ago(profile, now), ~_came_late())
    return (
        _remind(late, ReminderKind.LATE, now=now)
        + _remind(near, ReminderKind.SOON, now=now)
        + _remind(ignored, ReminderKind.IGNORED, now=now)
    )


def end_waiting(now: datetime) -> int:
    """Let the clock of letters go on whose sender has not sent what was asked for in time."""
    return deadlines.end_lapsed_pauses(now, profile=current_app.extensions["profile"])


def close_answered(now: datetime) -> int:
    """Close letters that were answered some time ago and not rated low."""
    return answering.close_answered(now, profile=current_app.extensions["profile"])


def calendar_changed(
    session: Session,
    calendar: OfficeCalendar,
    changed_days: frozenset[date],
    *,
    by: Actor | None,
    now: datetime,
) -> int:
    """Move the deadlines that depend on days that became off or worked, in the caller's transaction."""
    profile: Profile = current_app.extensions["profile"]
    return deadlines.reschedule(
        session, changed=changed_days, profile=profile, calendar=calendar, by=by, now=now
    )


def _horizon(profile: Profile, now: datetime) -> datetime:
    """The end of the last working day that counts as "nearly due"."""
    days, calendar = profile.deadlines.remind_before_days, office_calendar(db.session(), profile)
    return start_of(calendar.add_working_days(local_date(now), days) + timedelta(days=1))


def _long_ago(profile: Profile, now: datetime) -> datetime:
    """A deadline before this moment has been over for more than the working days of patience."""
    days, day = profile.deadlines.escalate_after_days, local_date(now)
    calendar = office_calendar(db.session(), profile)
    while days > 0:
        day -= timedelta(days=1)
        days -= calendar.is_working_day(day)
    return start_of(day)


def _came_late() -> sa.ColumnElement[bool]:
    """Imported letters that were taken in after their deadline, which the audit trail tells."""
    taken_in_late = sa.exists().where(
        AuditEvent.object_type == "case",
        AuditEvent.object_id == Case.number,
        AuditEvent.action == "case.opened",
        AuditEvent.at > Case.due_at,
    )
    return sa.and_(Case.source_key.is_not(None), taken_in_late)


def _remind(when: sa.ColumnElement[bool], kind: ReminderKind, *, now: datetime) -> int:
    told = sa.exists().where(
        Reminder.case_id == Case.id, Reminder.kind == kind, Reminder.due_at == Case.due_at
    )
    waiting = sa.select(Case.id).where(
        Case.settled_at.is_(None), Case.status != Status.AWAITING_CITIZEN, when, ~told
    )
    ids, addressees, count = (
        list(db.session.scalars(waiting.order_by(Case.due_at, Case.id))),
        _addressees(),
        0,
    )
    for start in range(0, len(ids), BATCH):
        with transaction() as session:
            for case, handler_email in session.execute(_with_handler(ids[start : start + BATCH])).all():
                heads = addressees.get((case.unit_id, case.restricted), [])
                emails = [handler_email] if handler_email else heads
                if kind is ReminderKind.IGNORED:
                    emails = escalation.everybody_above(session, case)
                count += _queue(session, case, emails, kind, now)
    return count


def _queue(session: Session, case: Case, emails: list[str], kind: ReminderKind, now: datetime) -> int:
    reminder = Reminder(case_id=case.id, kind=kind, due_at=case.due_at, told_at=now)
    session.add(reminder)
    session.flush()
    for index, email in enumerate(emails):
        mails.remind_unit(
            session, case, email, ref=f"{case.number}/{reminder.id}/{index}", kind=kind, now=now
        )
    return len(emails)


def _with_handler(ids: list[int]) -> sa.Select[Case, str]:
    """The letters of a batch that are still open, each with its handler's address."""
    may_read = sa.or_(
        Case.restricted.is_(sa.false()), sa.and_(User.role == Role.ETHICS, User.unit_id == Case.unit_id)
    )
    at_work = sa.and_(User.id == Case.handler_id, User.active, User.email != "", may_read)
    return (
        sa.select(Case, User.email)
        .outerjoin(User, at_work)
        .where(Case.id.in_(ids), Case.settled_at.is_(None))
        .order_by(Case.due_at, Case.id)
    )


def _addressees() -> Addressees:
    """Who answers for a unit's letters, by (unit, restricted): its heads, otherwise the unit's own box.

    Of a restricted letter only those hear who may read it, which of a shared box nobody knows.
    """
    people = db.session.execute(
        sa.select(User.unit_id, User.role, User.email)
        .where(User.active, User.email != "", User.role.in_(HEADS))
        .order_by(User.id)
    ).all()
    found: Addressees = {}
    for unit_id, role, email in people:
        for restricted in {role is Role.ETHICS, False}:
            found.setdefault((unit_id, restricted), []).append(email)
    for unit_id, email in db.session.execute(sa.select(Unit.id, Unit.email).where(Unit.email != "")):
        found.setdefault((unit_id, False), [email])
    return found
