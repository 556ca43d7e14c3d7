"""Scheduled work of the letters: reminding staff before and after a deadline."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Session

from feedback import mails
from feedback.models import Case
from portal.access import PERMISSIONS, Permission, Role
from portal.accounts.models import User
from portal.audit import AuditEvent
from portal.clock import local_date, start_of
from portal.db import db, transaction
from portal.outbox import OutboxMessage
from portal.profile import Profile
from portal.units import Unit

BATCH = 500
HEADS = tuple(role for role, may in PERMISSIONS.items() if Permission.CASE_ASSIGN in may)

Addressees = dict[tuple[int, bool], list[str]]


def remind_overdue(now: datetime) -> int:
    """Remind whoever must act of letters that are nearly due and of those that are late.

    Each letter is mailed about at most twice: once before its deadline and once after. One that was
    imported past its deadline causes none: the list of overdue letters has it. Returns how many mails
    were queued.
    """
    profile: Profile = current_app.extensions["profile"]
    late = _waiting(sa.and_(Case.due_at < now, ~_came_late()), "case.overdue")
    soon = _waiting(sa.and_(Case.due_at >= now, Case.due_at <= _horizon(profile, now)), "case.due_soon")
    return _remind(late, late=True, now=now) + _remind(soon, late=False, now=now)


def _horizon(profile: Profile, now: datetime) -> datetime:
    """The end of the last working day that counts as "nearly due"."""
    days = profile.deadlines.remind_before_days
    return start_of(profile.office_calendar.add_working_days(local_date(now), days) + timedelta(days=1))


def _came_late() -> sa.ColumnElement[bool]:
    """Imported letters that were taken in after their deadline, which the audit trail tells."""
    taken_in_late = sa.exists().where(
        AuditEvent.object_type == "case",
        AuditEvent.object_id == Case.number,
        AuditEvent.action == "case.opened",
        AuditEvent.at > Case.due_at,
    )
    return sa.and_(Case.source_key.is_not(None), taken_in_late)


def _waiting(when: sa.ColumnElement[bool], kind: str) -> sa.Select[int]:
    """Ids of open letters that nobody was reminded of yet."""
    told = sa.exists().where(OutboxMessage.kind == kind, OutboxMessage.ref == Case.number)
    return sa.select(Case.id).where(Case.answered_at.is_(None), when, ~told).order_by(Case.due_at, Case.id)


def _remind(waiting: sa.Select[int], *, late: bool, now: datetime) -> int:
    ids, addressees, count = list(db.session.scalars(waiting)), _addressees(), 0
    for start in range(0, len(ids), BATCH):
        with transaction() as session:
            rows = session.execute(_with_handler(ids[start : start + BATCH])).all()
            for case, handler_email in rows:
                heads = addressees.get((case.unit_id, case.restricted), [])
                count += _queue(session, case, [handler_email] if handler_email else heads, late, now)
    return count


def _queue(session: Session, case: Case, emails: list[str], late: bool, now: datetime) -> int:
    for index, email in enumerate(emails):
        ref = f"{case.number}/{index}" if index else case.number
        mails.remind_unit(session, case, email, ref=ref, late=late, now=now)
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
        .where(Case.id.in_(ids), Case.answered_at.is_(None))
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
