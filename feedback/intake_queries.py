"""What may be read of a letter's channel: the facts beside it, letters that refer to each other, drafts."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import defer

from feedback.channel_models import CaseIntake, IntakeDraft
from feedback.models import Case
from feedback.queries import visible_to
from portal.access import Actor
from portal.accounts.models import User
from portal.db import db


@dataclass(frozen=True)
class IntakeShown:
    """What the letter page tells of the channel. `earlier` and `later` are those the person may read."""

    facts: CaseIntake | None
    people: dict[int, str]
    earlier: Case | None
    later: list[Case]


def shown(actor: Actor, case_id: int) -> IntakeShown:
    """The channel's facts of a letter that the person may read."""
    facts = db.session.get(CaseIntake, case_id)
    referring = sa.select(CaseIntake.case_id).where(CaseIntake.refers_to == case_id)
    later = _readable(actor, Case.id.in_(referring))
    earlier = _readable(actor, Case.id == facts.refers_to) if facts and facts.refers_to else []
    return IntakeShown(facts, _names(facts), earlier[0] if earlier else None, later)


def drafts(actor: Actor) -> list[tuple[IntakeDraft, str]]:
    """The drafts of the person's unit, newest first, each with the name of who saved it last."""
    rows = db.session.execute(
        sa.select(IntakeDraft, User.name)
        .join(User, User.id == IntakeDraft.saved_by)
        .where(IntakeDraft.unit_id == actor.unit_id)
        .order_by(IntakeDraft.saved_at.desc(), IntakeDraft.id.desc())
        .execution_options(populate_existing=True)
    )
    return [(draft, name) for draft, name in rows]


def _readable(actor: Actor, which: sa.ColumnElement[bool]) -> list[Case]:
    return list(
        db.session.scalars(visible_to(actor).where(which).order_by(Case.id).options(defer(Case.body)))
    )


def _names(facts: CaseIntake | None) -> dict[int, str]:
    ids = {facts.entered_by, facts.read_back_by} - {None} if facts else set()
    if not ids:
        return {}
    rows = db.session.execute(sa.select(User.id, User.name).where(User.id.in_(ids)))
    return {row.id: row.name for row in rows}
