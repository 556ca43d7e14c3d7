"""Which letters have been kept long enough, and which disposal plans a person may see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import defer, joinedload

from feedback.models import Case
from feedback.retention.models import DisposalItem, DisposalPlan, Outcome
from feedback.rights.models import DataRequest
from feedback.states import Status
from portal.access import Actor, Permission, Role
from portal.accounts.models import User
from portal.clock import local_date, start_of
from portal.db import db
from portal.profile.records import Retention

SHOWN = 200


FINAL = (Status.CLOSED, Status.DECLINED, Status.REFERRED, Status.MERGED, Status.WITHDRAWN)
"""States in which a letter's file is complete."""

COMPLETED_AT = sa.func.coalesce(Case.closed_at, Case.settled_at)


def completed_at(case: Case) -> datetime | None:
    """When a letter's file was complete: closed, or left without an answer; None while it is not."""
    return (case.closed_at or case.settled_at) if case.status in FINAL else None


def keep_until(closed_at: datetime, years: int) -> date:
    """The last day a letter must be kept: full calendar years after the one in which it was closed."""
    return date(local_date(closed_at).year + years, 12, 31)


def cutoff(years: int, on: date) -> datetime:
    """Letters closed before this moment have been kept long enough on the day `on`."""
    return start_of(date(on.year - years, 1, 1))


def ended(years: int, on: date) -> sa.ColumnElement[bool]:
    """Completed letters whose retention ended before the day `on`. Open ones never are among them."""
    return sa.and_(Case.status.in_(FINAL), cutoff(years, on) > COMPLETED_AT)


def is_disputed() -> sa.ColumnElement[bool]:
    """Whether a personal-data request about the letter still waits for its decision."""
    return sa.exists().where(DataRequest.case_id == Case.id, DataRequest.decided_at.is_(None))


def was_destroyed() -> sa.ColumnElement[bool]:
    return sa.exists().where(DisposalItem.case_id == Case.id, DisposalItem.outcome == Outcome.DESTROYED)


def _is_planned() -> sa.ColumnElement[bool]:
    """Whether a plan that is neither withdrawn nor finished holds the letter."""
    return sa.exists().where(
        DisposalItem.case_id == Case.id,
        DisposalItem.plan_id == DisposalPlan.id,
        DisposalItem.outcome.is_(None),
        DisposalPlan.withdrawn_at.is_(None),
        DisposalPlan.finished_at.is_(None),
    )


def disposable(retention: Retention, on: date) -> sa.Select[Case]:
    """Letters that may go into a plan on a day. None at all while the agency has not set its retention."""
    years = retention.disposable_after
    if years is None:
        return sa.select(Case).where(sa.false())
    return sa.select(Case).where(ended(years, on), ~is_disputed(), ~was_destroyed(), ~_is_planned())


def of_scope(query: sa.Select[Case], restricted: bool, unit_id: int | None) -> sa.Select[Case]:
    """Ordinary letters of every unit, or the restricted ones of one."""
    if not restricted:
        return query.where(Case.restricted.is_(sa.false()))
    return query.where(Case.restricted, Case.unit_id == unit_id)


def scope_of(actor: Actor) -> tuple[bool, int | None]:
    """What a person's plans are about: (restricted letters?, of which unit)."""
    return (True, actor.unit_id) if actor.role is Role.ETHICS else (False, None)


def waiting(actor: Actor, retention: Retention, on: date) -> int:
    """How many letters this person could put into a plan today."""
    ids = of_scope(disposable(retention, on), *scope_of(actor)).with_only_columns(Case.id).subquery()
    return db.session.scalar(sa.select(sa.func.count()).select_from(ids)) or 0


def visible_to(actor: Actor) -> sa.Select[DisposalPlan]:
    if not actor.may(Permission.RETENTION):
        return sa.select(DisposalPlan).where(sa.false())
    restricted, unit_id = scope_of(actor)
    query = sa.select(DisposalPlan).where(
        DisposalPlan.restricted.is_(sa.true() if restricted else sa.false())
    )
    return query.where(DisposalPlan.unit_id == unit_id) if restricted else query


def plans(actor: Actor) -> list[tuple[DisposalPlan, int]]:
    """The person's plans with the number of letters in each, newest first."""
    size = sa.select(sa.func.count()).where(DisposalItem.plan_id == DisposalPlan.id).scalar_subquery()
    newest = visible_to(actor).add_columns(size).order_by(DisposalPlan.id.desc()).limit(SHOWN)
    return [(plan, count) for plan, count in db.session.execute(newest)]


def one(actor: Actor, plan_id: int) -> DisposalPlan | None:
    return db.session.scalar(visible_to(actor).where(DisposalPlan.id == plan_id))


def items(plan_id: int, limit: int | None = None) -> Sequence[DisposalItem]:
    wanted = sa.select(DisposalItem).where(DisposalItem.plan_id == plan_id).order_by(DisposalItem.number)
    return db.session.scalars(wanted.limit(limit)).all()


def tally(plan_id: int) -> Counter[Outcome | None]:
    """How many letters of a plan have which outcome; None are those not yet carried out."""
    rows = db.session.execute(
        sa.select(DisposalItem.outcome, sa.func.count())
        .where(DisposalItem.plan_id == plan_id)
        .group_by(DisposalItem.outcome)
    )
    return Counter({row[0]: row[1] for row in rows})


def people_named(plan: DisposalPlan) -> dict[int, str]:
    ids = {plan.made_by, plan.approved_by} - {None}
    return {
        row.id: row.name for row in db.session.execute(sa.select(User.id, User.name).where(User.id.in_(ids)))
    }


def listed(retention: Retention, on: date) -> Sequence[Case]:
    """The ordinary letters of a report, without their words, oldest first."""
    query = of_scope(disposable(retention, on), False, None)
    return db.session.scalars(
        query.options(joinedload(Case.unit), defer(Case.body), defer(Case.subject)).order_by(
            COMPLETED_AT, Case.id
        )
    ).all()


def hidden_count(retention: Retention, on: date) -> int:
    """How many restricted letters could go; their numbers are for their own unit's plan only."""
    ids = disposable(retention, on).where(Case.restricted).with_only_columns(Case.id).subquery()
    return db.session.scalar(sa.select(sa.func.count()).select_from(ids)) or 0


def by_closing_year() -> Counter[int]:
    """How many closed letters there are that were not destroyed, by the Gregorian year of closing."""
    closed = sa.select(COMPLETED_AT).where(Case.status.in_(FINAL), ~was_destroyed())
    moments = db.session.scalars(closed.execution_options(yield_per=5000))
    return Counter(local_date(moment).year for moment in moments)
