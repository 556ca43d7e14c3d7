"""What a letter's page shows besides the letter: drafts, transfers, questions to other units, people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from feedback import queries
from feedback.attachments import queries as attached
from feedback.attachments.models import Attachment
from feedback.models import Case, Consultation, Draft, Outcome, Pause, Referral, Transfer
from feedback.services import presence
from portal.access import Actor
from portal.accounts.models import User
from portal.audit import AuditEvent
from portal.db import db


@dataclass(frozen=True)
class CaseFile:
    """Everything about one letter that is kept in tables of its own.

    `people` and `units` are names by id. `transfer` is the one that waits for an answer. `merged` are the
    letters handled together with this one. `present` are colleagues who have it open.
    """

    judged: list[AuditEvent]
    drafts: list[Draft]
    transfer: Transfer | None
    consultations: list[Consultation]
    pause: Pause | None
    referral: Referral | None
    merged: list[Case]
    files: list[Attachment]
    present: list[str]
    people: dict[int, str]
    units: dict[int, str]


def read(case: Case, actor: Actor, now: datetime) -> CaseFile:
    """Collect it. The caller has checked that the person may open the letter."""
    judged, drafts, consultations = queries.judgements(case), _drafts(case), _consultations(case)
    ids = {event.actor_id for event in case.events} | {event.actor_id for event in judged}
    ids |= {draft.author_id for draft in drafts} | {draft.decided_by for draft in drafts}
    ids |= {item.asked_by for item in consultations} | {item.answered_by for item in consultations}
    ids |= {message.author_id for message in case.messages}
    ids |= {case.topic_confirmed_by, case.reply.author_id if case.reply else None}
    return CaseFile(
        judged=judged,
        drafts=drafts,
        transfer=pending_transfer(case),
        consultations=consultations,
        pause=db.session.scalar(sa.select(Pause).where(Pause.case_id == case.id, Pause.ended_at.is_(None))),
        referral=db.session.get(Referral, case.id),
        merged=_merged(case, actor),
        files=attached.of(case),
        present=presence.others(case.id, by=actor, now=now),
        people=people_named(ids),
        units=queries.units_named(),
    )


def pending_transfer(case: Case) -> Transfer | None:
    """The transfer that the other unit has not decided about."""
    return db.session.scalar(
        sa.select(Transfer)
        .where(Transfer.case_id == case.id, Transfer.outcome == Outcome.PENDING)
        .options(joinedload(Transfer.from_unit), joinedload(Transfer.to_unit))
    )


def is_offered(actor: Actor, case: Case) -> bool:
    """Whether a person's unit is asked to take the letter over."""
    transfer = pending_transfer(case)
    return transfer is not None and transfer.to_unit_id == actor.unit_id


def newest_draft(case: Case) -> Draft | None:
    return db.session.scalar(
        sa.select(Draft).where(Draft.case_id == case.id).order_by(Draft.version.desc()).limit(1)
    )


def _drafts(case: Case) -> list[Draft]:
    return list(db.session.scalars(sa.select(Draft).where(Draft.case_id == case.id).order_by(Draft.version)))


def _consultations(case: Case) -> list[Consultation]:
    wanted = sa.select(Consultation).where(Consultation.case_id == case.id, Consultation.dropped_at.is_(None))
    return list(db.session.scalars(wanted.options(joinedload(Consultation.unit)).order_by(Consultation.id)))


def _merged(case: Case, actor: Actor) -> list[Case]:
    wanted = queries.visible_to(actor).where(Case.merged_into_id == case.id).order_by(Case.id)
    return list(db.session.scalars(wanted))


def people_named(ids: set[int | None]) -> dict[int, str]:
    """Names of staff by id."""
    wanted = sa.select(User.id, User.name).where(User.id.in_(ids - {None}))
    return {row.id: row.name for row in db.session.execute(wanted)}
