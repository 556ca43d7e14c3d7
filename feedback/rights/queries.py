"""Which requests may be read, and what is held of a letter's sender."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from feedback.models import Case, Contact
from feedback.rights.models import DataRequest, RightKind, SealedContact
from feedback.rights.words import FIELDS, tidy_number
from feedback.secrets import matches
from portal.access import Actor, Permission, Role
from portal.accounts.models import User
from portal.db import db

SHOWN = 100
Holder = Contact | SealedContact


def visible_to(actor: Actor) -> sa.Select[DataRequest]:
    """The requests a person may read and decide.

    Those about restricted letters only by the ethics role of the letter's unit, all others only by the
    secretariat. It follows the letter as it is now: one that becomes restricted takes its requests along.
    """
    return sa.select(DataRequest).outerjoin(Case, Case.id == DataRequest.case_id).where(_visibility(actor))


def _visibility(actor: Actor) -> sa.ColumnElement[bool]:
    if not actor.may(Permission.DATA_RIGHTS):
        return sa.false()
    if actor.role is Role.ETHICS:
        return sa.and_(Case.restricted, Case.unit_id == actor.unit_id)
    return sa.or_(DataRequest.case_id.is_(None), Case.restricted.is_(sa.false()))


def undecided(actor: Actor) -> list[DataRequest]:
    """What waits for this person, soonest due first."""
    return _listed(visible_to(actor).where(DataRequest.decided_at.is_(None)), DataRequest.due_at)


def decided(actor: Actor) -> list[DataRequest]:
    """The decisions of late, newest first, at most `SHOWN`."""
    query = visible_to(actor).where(DataRequest.decided_at.is_not(None))
    return _listed(query, DataRequest.decided_at.desc())


def _listed(query: sa.Select[DataRequest], order: Any) -> list[DataRequest]:
    loaded = joinedload(DataRequest.case).defer(Case.body)
    return list(db.session.scalars(query.options(loaded).order_by(order, DataRequest.id).limit(SHOWN)))


def one(actor: Actor, request_id: int) -> DataRequest | None:
    return db.session.scalar(
        visible_to(actor)
        .where(DataRequest.id == request_id)
        .options(joinedload(DataRequest.case).joinedload(Case.unit))
        .execution_options(populate_existing=True)
    )


def opened_with(number: str, secret: str) -> DataRequest | None:
    """The request that a number and its secret open, both as typed."""
    request = for_requester(tidy_number(number))
    return request if request is not None and matches(request.number, secret, request.secret_hash) else None


def for_requester(number: str) -> DataRequest | None:
    """One request with its letter. The caller has checked the secret."""
    return db.session.scalar(
        sa.select(DataRequest)
        .where(DataRequest.number == number)
        .options(joinedload(DataRequest.case))
        .execution_options(populate_existing=True)
    )


def holders(session: Session, case_id: int) -> dict[str, Holder]:
    """Where each field of a letter's contact data is kept: in use, or sealed. Empty fields are left out."""
    found: dict[str, Holder] = {}
    for holder in (session.get(SealedContact, case_id), session.get(Contact, case_id)):
        found |= {field: holder for field in FIELDS if holder is not None and getattr(holder, field)}
    return found


def about(case_id: int) -> list[DataRequest]:
    """What was decided about the sender's data of one letter, for those who may read the letter."""
    changing = [kind for kind in RightKind if not kind.is_access]
    return list(
        db.session.scalars(
            sa.select(DataRequest)
            .where(DataRequest.case_id == case_id, DataRequest.kind.in_(changing))
            .where(DataRequest.decided_at.is_not(None))
            .order_by(DataRequest.decided_at)
        )
    )


def people_named(request: DataRequest) -> dict[int, str]:
    """The names of those who verified, extended and decided, by id."""
    ids = {request.verified_by, request.extended_by, request.decided_by} - {None}
    return {
        row.id: row.name for row in db.session.execute(sa.select(User.id, User.name).where(User.id.in_(ids)))
    }
