"""Which unit and which person has a letter: sorting out, transfers, assignment, co-handling."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.models import (
    Case,
    Consultation,
    Draft,
    DraftState,
    EventKind,
    Outcome,
    Transfer,
)
from feedback.services.acting import advance, keep, load
from feedback.services.escalation import tell_new_unit
from feedback.states import Act
from portal.access import Actor, Permission
from portal.accounts.models import User
from portal.calendars import office_calendar
from portal.db import transaction
from portal.errors import BadInput, Conflict, NotFound
from portal.profile import Profile
from portal.units import Unit

RESTRICTED_STAYS = "限閱的信不能移轉。如果不屬這類事項，請更正主題，信會移到負責的單位。"


class AlreadyConsulted(Conflict):
    message = "已經請這個單位表示意見，還在等回復。"


def hand_over(session: Session, case: Case, unit: Unit, *, by: Actor, now: datetime, reason: str) -> None:
    """Put the letter with a unit, in the caller's transaction, which has checked that this may be done."""
    advance(case, Act.DISPATCH, now=now)
    _settle_pending(session, case, Outcome.CANCELLED, by, now)
    move_to(session, case, unit, now=now)
    keep(session, case, EventKind.DISPATCHED, by=by, now=now, note=reason, unit=unit.code)


def move_to(session: Session, case: Case, unit: Unit, *, now: datetime) -> None:
    """The letter belongs to another unit; what the last one was writing stays behind as not used."""
    case.unit_id, case.unit, case.handler_id = unit.id, unit, None
    session.execute(
        sa.update(Draft)
        .where(Draft.case_id == case.id, Draft.state == DraftState.WORKING)
        .values(state=DraftState.DROPPED)
    )
    if case.restricted:
        drop_all_consultations(session, case, now=now)
    tell_new_unit(session, case, now=now)


def propose(session: Session, case: Case, unit: Unit, *, by: Actor, now: datetime, reason: str) -> None:
    """Ask a unit to take the letter over, in the caller's transaction."""
    advance(case, Act.TRANSFER, now=now)
    session.add(
        Transfer(
            case_id=case.id, from_unit_id=case.unit_id, to_unit_id=unit.id, reason=reason,
            proposed_by=by.id, proposed_at=now,
        )
    )  # fmt: skip
    keep(
        session,
        case,
        EventKind.TRANSFER_PROPOSED,
        by=by,
        now=now,
        note=reason,
        unit_id=unit.id,
        unit=unit.code,
    )


def dispatch(case_id: int, *, unit_id: int, reason: str, by: Actor, now: datetime) -> Case:
    """Send a letter to the unit that shall answer it (分文、改分). Only the secretariat does, and its word
    ends a transfer that two units cannot agree on."""
    with transaction() as session:
        case = load(session, case_id, by, Act.DISPATCH)
        unit = _another_unit(session, case, unit_id)
        hand_over(session, case, unit, by=by, now=now, reason=reason)
    return case


def transfer(case_id: int, *, unit_id: int, reason: str, by: Actor, now: datetime) -> Case:
    """Ask another unit to take a letter over, saying why. It stays here until that unit accepts.

    A restricted letter leaves its owner by correcting its topic only: elsewhere nobody could see it.
    """
    with transaction() as session:
        case = load(session, case_id, by, Act.TRANSFER)
        propose(session, case, _another_unit(session, case, unit_id), by=by, now=now, reason=reason)
    return case


def accept(case_id: int, *, by: Actor, now: datetime) -> Case:
    """Take over a letter that another unit offers."""
    with transaction() as session:
        case = load(session, case_id, by, Act.ACCEPT_TRANSFER)
        _settle_pending(session, case, Outcome.ACCEPTED, by, now)
        advance(case, Act.ACCEPT_TRANSFER, now=now)
        move_to(session, case, session.get_one(Unit, by.unit_id), now=now)
        keep(session, case, EventKind.TRANSFERRED, by=by, now=now, unit=case.unit.code)
    return case


def refuse(case_id: int, *, reason: str, by: Actor, now: datetime) -> Case:
    """Leave a letter with the unit that offered it, saying why."""
    with transaction() as session:
        case = load(session, case_id, by, Act.REFUSE_TRANSFER)
        _settle_pending(session, case, Outcome.REFUSED, by, now, reason)
        advance(case, Act.REFUSE_TRANSFER, now=now)
        keep(session, case, EventKind.TRANSFER_REFUSED, by=by, now=now, note=reason, unit_id=by.unit_id)
    return case


def cancel(case_id: int, *, by: Actor, now: datetime) -> Case:
    """Take an offer back before the other unit has decided."""
    with transaction() as session:
        case = load(session, case_id, by, Act.CANCEL_TRANSFER)
        _settle_pending(session, case, Outcome.CANCELLED, by, now)
        advance(case, Act.CANCEL_TRANSFER, now=now)
        keep(session, case, EventKind.TRANSFER_CANCELLED, by=by, now=now)
    return case


def assign(case_id: int, *, handler_id: int, by: Actor, now: datetime) -> Case:
    """Give a letter to a person of the unit that owns it."""
    with transaction() as session:
        case = load(session, case_id, by, Act.ASSIGN)
        handler = session.get(User, handler_id)
        if handler is None or not handler.active or handler.unit_id != case.unit_id:
            raise BadInput("請選擇本單位的同仁。")
        case.handler_id = handler.id
        advance(case, Act.ASSIGN, now=now)
        keep(session, case, EventKind.ASSIGNED, by=by, now=now, note=handler.name, handler_id=handler.id)
    return case


def consult(
    case_id: int,
    *,
    unit_id: int,
    question: str,
    by: Actor,
    profile: Profile,
    now: datetime,
    shown: str | None = None,
) -> Consultation:
    """Ask another unit for its opinion (會辦); the main unit answers for both.

    About a restricted letter the other unit gets `shown`, a text from which nobody can tell who wrote, and
    never the letter. Raises AlreadyConsulted when it has not answered the last question yet.
    """
    with transaction() as session:
        case = load(session, case_id, by, Act.CONSULT)
        unit = _another_unit(session, case, unit_id, restricted=True)
        if case.restricted and not shown:
            raise BadInput("限閱的信只能給去識別的內容，請寫下要給對方看的文字。")
        waiting = sa.exists().where(_open_consultations(case), Consultation.unit_id == unit.id)
        if session.scalar(sa.select(waiting)):
            raise AlreadyConsulted
        deadline, calendar = profile.deadlines.consultation, office_calendar(session, profile)
        asked = Consultation(
            case_id=case.id, unit_id=unit.id, question=question, shown=shown if case.restricted else None,
            asked_by=by.id, asked_at=now, due_at=calendar.deadline(now, deadline.days, deadline.basis),
        )  # fmt: skip
        session.add(asked)
        advance(case, Act.CONSULT, now=now)
        keep(session, case, EventKind.CONSULTED, by=by, now=now, unit_id=unit.id, unit=unit.code)
    return asked


def give_opinion(consultation_id: int, *, opinion: str, by: Actor, now: datetime) -> Consultation:
    """Answer a question of the main unit, once. Raises NotFound when it was not asked of this unit."""
    with transaction() as session:
        asked, case = _locked(session, consultation_id)
        if asked.unit_id != by.unit_id or asked.dropped_at is not None or not by.may(Permission.CASE_REPLY):
            raise NotFound
        if asked.answered_at is not None:
            raise Conflict("貴單位已經回復過這次會辦。")
        advance(case, Act.GIVE_OPINION, now=now)
        asked.opinion, asked.answered_by, asked.answered_at = opinion, by.id, now
        keep(session, case, EventKind.OPINION_GIVEN, by=by, now=now, unit_id=asked.unit_id)
    return asked


def drop_consultation(consultation_id: int, *, by: Actor, now: datetime) -> Consultation:
    """Stop waiting for a unit's opinion."""
    with transaction() as session:
        asked, case = _locked(session, consultation_id)
        load(session, case.id, by, Act.DROP_CONSULTATION)
        if asked.answered_at is not None or asked.dropped_at is not None:
            raise Conflict("這個單位已經回復，或會辦已經取消。")
        asked.dropped_at = now
        keep(session, case, EventKind.CONSULTATION_DROPPED, by=by, now=now, unit_id=asked.unit_id)
    return asked


def _locked(session: Session, consultation_id: int) -> tuple[Consultation, Case]:
    """A question and its letter, which is locked first, as every act does."""
    wanted = sa.select(Case).join(Consultation, Consultation.case_id == Case.id)
    case = session.scalar(wanted.where(Consultation.id == consultation_id).with_for_update(of=Case))
    if case is None:
        raise NotFound
    asked = session.get_one(Consultation, consultation_id, populate_existing=True)
    return asked, case


def _open_consultations(case: Case) -> sa.ColumnElement[bool]:
    return sa.and_(
        Consultation.case_id == case.id,
        Consultation.answered_at.is_(None),
        Consultation.dropped_at.is_(None),
    )


def drop_all_consultations(session: Session, case: Case, *, now: datetime) -> None:
    """Nobody is asked any more, in the caller's transaction."""
    session.execute(sa.update(Consultation).where(_open_consultations(case)).values(dropped_at=now))


def units_waited_for(session: Session, case: Case) -> list[str]:
    """Names of the co-handling units that have not answered yet."""
    wanted = sa.select(Unit.name).join(Consultation, Consultation.unit_id == Unit.id)
    return list(session.scalars(wanted.where(_open_consultations(case)).order_by(Consultation.id)))


def _another_unit(session: Session, case: Case, unit_id: int, *, restricted: bool = False) -> Unit:
    if case.restricted and not restricted:
        raise BadInput(RESTRICTED_STAYS)
    unit = session.get(Unit, unit_id)
    if unit is None or not unit.active or unit.parent_id is None or unit.id == case.unit_id:
        raise BadInput("請選擇另一個單位。")
    return unit


def _settle_pending(
    session: Session, case: Case, outcome: Outcome, by: Actor, now: datetime, answer: str = ""
) -> None:
    session.execute(
        sa.update(Transfer)
        .where(Transfer.case_id == case.id, Transfer.outcome == Outcome.PENDING)
        .values(outcome=outcome, answer=answer, decided_by=by.id, decided_at=now)
    )
