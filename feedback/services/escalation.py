"""Telling people at once: a letter about fire, injury or shock does not wait for somebody to look."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback import mails
from feedback.models import Case, CaseEvent, EventKind
from portal.access import PERMISSIONS, Permission, Role
from portal.accounts.models import User
from portal.profile import Profile

CHIEFS = tuple(role for role, may in PERMISSIONS.items() if Permission.CASE_APPROVE in may)


def escalate(session: Session, case: Case, *, profile: Profile, now: datetime) -> None:
    """Mail the named people and the heads that a letter is urgent, in the caller's transaction."""
    named = [] if case.restricted else [*profile.urgent_to, *_secretariat(session)]
    _warn(session, case, {*named, *heads_of(session, case)}, now)


def tell_new_unit(session: Session, case: Case, *, now: datetime) -> None:
    """An urgent letter came to another unit: mail its heads too."""
    if case.urgent:
        _warn(session, case, set(heads_of(session, case)), now)


def _warn(session: Session, case: Case, addresses: set[str], now: datetime) -> None:
    """One mail to each address; a unit is told of a letter once."""
    for index, address in enumerate(sorted(addresses)):
        mails.warn_of_danger(session, case, address, ref=f"{case.number}/{case.unit_id}/{index}", now=now)
    session.add(CaseEvent(case_id=case.id, at=now, kind=EventKind.ESCALATED, unit_id=case.unit_id))


def everybody_above(session: Session, case: Case) -> list[str]:
    """Addresses of those who hear when a deadline has long passed: the unit's heads and the secretariat."""
    above = [] if case.restricted else _secretariat(session)
    return sorted({*heads_of(session, case), *above})


def heads_of(session: Session, case: Case) -> list[str]:
    """Addresses of those who answer for the letter's unit and may read it.

    Of a restricted letter only those hear who may read it.
    """
    roles = (Role.ETHICS,) if case.restricted else CHIEFS
    return _addresses(session, User.unit_id == case.unit_id, User.role.in_(roles))


def _secretariat(session: Session) -> list[str]:
    return _addresses(session, User.role == Role.SECRETARIAT)


def _addresses(session: Session, *conditions: sa.ColumnElement[bool]) -> list[str]:
    wanted = sa.select(User.email).where(User.active, User.email != "", *conditions).order_by(User.id)
    return list(session.scalars(wanted))
