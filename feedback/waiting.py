"""What waits for a person: on top of the inbox and on the staff's first page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager, defer, joinedload

from feedback import queries
from feedback.models import Case, Consultation, Draft, DraftState, Outcome, Transfer
from feedback.states import Status
from portal.access import Actor, Permission
from portal.db import db
from portal.guide import Todo

MOST_SHOWN = 20


@dataclass(frozen=True)
class Waiting:
    """Letters that come first: dangers, the soonest due first, and those that other units offer."""

    urgent: list[Case]
    offered: list[Transfer]


def first(actor: Actor, *, urgent: int) -> Waiting:
    """At most `MOST_SHOWN` of each kind. `urgent` is how many were counted; without any, none is read."""
    dangers = _urgent(actor).order_by(Case.due_at, Case.id).limit(MOST_SHOWN)
    return Waiting(
        list(db.session.scalars(dangers)) if urgent else [],
        list(db.session.scalars(_offered(actor).order_by(Transfer.id).limit(MOST_SHOWN))),
    )


def todos(actor: Actor, now: datetime) -> list[Todo]:
    """How much of what waits for this person, each with the page that shows it; nothing that is zero."""
    if not actor.may(Permission.CASE_READ):
        return []
    counted = queries.counters(actor, now)
    found = [
        Todo("緊急", counted.urgent, "cases.inbox", (("urgent", "1"),)),
        Todo("逾期", counted.overdue, "cases.inbox", (("state", "overdue"),)),
        Todo("請我們收件", _count(_offered(actor)), "cases.inbox"),
        Todo("等我核判", _to_sign(actor), "cases.inbox", (("state", "review"),)),
        Todo("退回我修改", _count(_returned(actor)), "cases.inbox", (("mine", "1"),)),
        Todo("可以發文", _own(actor, Status.APPROVED), "cases.inbox", (("state", "approved"),)),
        Todo("等我們會辦", _count(_questions(actor)), "consultations.index"),
        Todo("待辦", counted.open, "cases.inbox"),
    ]
    return [todo for todo in found if todo.count]


def _urgent(actor: Actor) -> sa.Select[Case]:
    return (
        queries.visible_to(actor)
        .where(Case.settled_at.is_(None), Case.urgent.is_(sa.true()))
        .options(defer(Case.body), joinedload(Case.unit), joinedload(Case.handler))
    )


def _offered(actor: Actor) -> sa.Select[Transfer]:
    """Letters that other units ask the person's unit to take over."""
    return (
        sa.select(Transfer)
        .join(Transfer.case)
        .where(
            Transfer.to_unit_id == actor.unit_id, Transfer.outcome == Outcome.PENDING, queries.reach(actor)
        )
        .options(contains_eager(Transfer.case).defer(Case.body), joinedload(Transfer.from_unit))
    )


def _questions(actor: Actor) -> sa.Select[Consultation]:
    return sa.select(Consultation).where(
        Consultation.unit_id == actor.unit_id,
        Consultation.answered_at.is_(None),
        Consultation.dropped_at.is_(None),
    )


def _returned(actor: Actor) -> sa.Select[Draft]:
    """The person's drafts that came back and have not been written anew."""
    newer = sa.orm.aliased(Draft)
    return (
        sa.select(Draft)
        .join(Case, Case.id == Draft.case_id)
        .where(
            Draft.author_id == actor.id,
            Draft.state == DraftState.RETURNED,
            Case.settled_at.is_(None),
            queries.visibility(actor),
            ~sa.exists().where(newer.case_id == Draft.case_id, newer.version > Draft.version),
        )
    )


def _to_sign(actor: Actor) -> int:
    return _own(actor, Status.IN_REVIEW) if actor.may(Permission.CASE_APPROVE) else 0


def _own(actor: Actor, status: Status) -> int:
    own = queries.visible_to(actor).where(Case.unit_id == actor.unit_id, Case.status == status)
    return _count(own)


def _count(query: sa.Select[Any]) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(query.order_by(None).subquery())) or 0
