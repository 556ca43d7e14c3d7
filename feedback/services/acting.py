"""What every act on a letter does first and last: who may, from which state, and what is kept of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from feedback.models import Case, CaseEvent, Consultation, EventKind, Outcome, Transfer
from feedback.queries import reachable_by
from feedback.states import OPEN, TRANSITIONS, Act, NotAllowed, Party, Status, move
from portal.access import Actor
from portal.audit import record
from portal.errors import Conflict, NotFound

ACTIONS: Mapping[EventKind, str] = {kind: f"case.{kind.value}" for kind in EventKind}


def load(
    session: Session, case_id: int, by: Actor, act: Act, *, refused: type[Conflict] = NotAllowed
) -> Case:
    """The letter, locked, when the person may do this to it now.

    Raises NotFound when they may not see it or are not of the party that does this, `refused` when the
    act does not start from its state.
    """
    case = session.scalar(
        reachable_by(by)
        .where(Case.id == case_id)
        .options(joinedload(Case.unit), joinedload(Case.contact))
        .with_for_update(of=Case)
        .execution_options(populate_existing=True)
    )
    if case is None or not is_party(session, case, by, act):
        raise NotFound
    try:
        move(case.status, act, answered=case.answered_at is not None)
    except NotAllowed:
        raise refused from None
    return case


def load_for_citizen(session: Session, case_id: int, act: Act) -> Case:
    """The letter, locked, for its sender, who has shown the secret. Raises NotFound or NotAllowed."""
    case = session.scalar(
        sa.select(Case)
        .where(Case.id == case_id)
        .options(joinedload(Case.unit), joinedload(Case.contact))
        .with_for_update(of=Case)
        .execution_options(populate_existing=True)
    )
    if case is None:
        raise NotFound
    move(case.status, act, answered=case.answered_at is not None)
    return case


def is_party(session: Session, case: Case, by: Actor, act: Act) -> bool:
    """Whether a person is the one who does this to the letter, whatever state it is in."""
    transition = TRANSITIONS[act]
    if transition.permission is None or not by.may(transition.permission):
        return False
    if transition.party is Party.OWNER:
        return by.unit_id == case.unit_id
    if transition.party is Party.SORTER:
        return by.unit_id == case.unit_id or by.sees_all_units
    if transition.party is Party.DISPATCHER:
        return by.sees_all_units
    if transition.party is Party.RECEIVER:
        return bool(session.scalar(_asked_to_take_over(case, by)))
    return transition.party is Party.CONSULTED and bool(session.scalar(_asked_for_opinion(case, by)))


def _asked_to_take_over(case: Case, by: Actor) -> sa.Select[bool]:
    pending = sa.exists().where(
        Transfer.case_id == case.id, Transfer.to_unit_id == by.unit_id, Transfer.outcome == Outcome.PENDING
    )
    return sa.select(pending)


def _asked_for_opinion(case: Case, by: Actor) -> sa.Select[bool]:
    waiting = sa.exists().where(
        Consultation.case_id == case.id,
        Consultation.unit_id == by.unit_id,
        Consultation.answered_at.is_(None),
        Consultation.dropped_at.is_(None),
    )
    return sa.select(waiting)


def advance(case: Case, act: Act, *, now: datetime) -> Status:
    """Bring the letter to the state that the act leads to, with its times; return the state it had."""
    before = case.status
    case.status = move(before, act, answered=case.answered_at is not None)
    if case.status in OPEN:
        case.settled_at = case.closed_at = None
    elif before in OPEN:
        case.settled_at = now
    if case.status is Status.CLOSED:
        case.closed_at = now
    return before


def keep(
    session: Session,
    case: Case,
    kind: EventKind,
    *,
    by: Actor | None,
    now: datetime,
    note: str = "",
    topic: str | None = None,
    unit_id: int | None = None,
    **detail: Any,
) -> None:
    """Write one step into the letter's history and into the audit trail.

    `note` is a staff member's words, for the history only; `detail` are codes and ids, for the trail only.
    """
    actor_id = by.id if by else None
    session.add(
        CaseEvent(
            case_id=case.id, at=now, kind=kind, actor_id=actor_id, unit_id=unit_id or case.unit_id,
            topic=topic, note=note,
        )
    )  # fmt: skip
    if topic is not None:
        detail["topic"] = topic
    record(session, ACTIONS[kind], "case", case.number, actor_id=actor_id, now=now, **detail)
