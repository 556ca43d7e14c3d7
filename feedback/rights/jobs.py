"""Scheduled work: reminding whoever decides of requests that are nearly due, and of those that are late."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Session, joinedload

from feedback.models import Case
from feedback.rights import mails
from feedback.rights.models import DataRequest
from portal.access import PERMISSIONS, Permission, Role
from portal.accounts.models import User
from portal.calendars import office_calendar
from portal.clock import local_date, start_of
from portal.db import db, transaction
from portal.outbox import OutboxMessage
from portal.profile import Profile
from portal.units import Unit


def remind(now: datetime) -> int:
    """Mail about each undecided request once before its deadline and once after; return how many mails.

    An extension starts anew: what was said of the first deadline does not count for the second.
    """
    profile: Profile = current_app.extensions["profile"]
    days = profile.deadlines.remind_before_days
    calendar = office_calendar(db.session(), profile)
    until = start_of(calendar.add_working_days(local_date(now), days) + timedelta(days=1))
    count = 0
    with transaction() as session:
        waiting = sa.select(DataRequest).where(DataRequest.decided_at.is_(None), DataRequest.due_at <= until)
        loaded = waiting.options(joinedload(DataRequest.case).defer(Case.body)).order_by(DataRequest.due_at)
        for request in session.scalars(loaded).all():
            count += _remind(session, request, request.is_overdue(now), profile, now)
    return count


def _remind(session: Session, request: DataRequest, late: bool, profile: Profile, now: datetime) -> int:
    """Mails queued about one request; none when this deadline was spoken of before."""
    root = f"{request.number}+" if request.extended_at else request.number
    kind = "data_request.overdue" if late else "data_request.due_soon"
    told = sa.exists().where(OutboxMessage.kind == kind, OutboxMessage.ref == f"{root}/0")
    if session.scalar(sa.select(told)):
        return 0
    emails = _deciders(session, request, profile)
    for index, email in enumerate(emails):
        mails.remind_staff(session, request, email, ref=f"{root}/{index}", late=late, now=now)
    return len(emails)


def _deciders(session: Session, request: DataRequest, profile: Profile) -> list[str]:
    """Who may decide it; without any of the secretariat's own addresses, the default owner's box.

    Of a request about a restricted letter no shared box hears.
    """
    roles = [role for role, may in PERMISSIONS.items() if Permission.DATA_RIGHTS in may]
    people = (
        sa.select(User.email).where(User.active, User.email != "", User.role.in_(roles)).order_by(User.id)
    )
    if request.case is not None and request.case.restricted:
        mine = people.where(User.role == Role.ETHICS, User.unit_id == request.case.unit_id)
        return list(session.scalars(mine))
    found = list(session.scalars(people.where(User.role != Role.ETHICS)))
    box = sa.select(Unit.email).where(Unit.code == profile.default_owner, Unit.email != "")
    return found or list(session.scalars(box))
