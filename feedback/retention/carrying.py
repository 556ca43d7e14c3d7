"""Carrying out an approved disposal plan, letter by letter, each looked at once more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, defer

from feedback.models import Case
from feedback.retention import queries
from feedback.retention.holdings import Holding
from feedback.retention.models import DisposalItem, DisposalPlan, Outcome, PlanState
from feedback.retention.plans import NOT_SET
from portal.audit import record
from portal.clock import local_date
from portal.db import transaction
from portal.errors import BadInput, NotFound
from portal.profile import Profile

BATCH = 200


class NotApproved(BadInput):
    message = "這個銷毀計畫沒有核准，不能執行。"


def carry_out(
    plan_id: int, holdings: Sequence[Holding], *, profile: Profile, now: datetime
) -> Counter[Outcome]:
    """Destroy what the plan holds and what may still be destroyed today; the others are kept, with a reason.

    Works in batches, each a transaction; after a stop, a second call goes on. Whatever the plan says, a
    letter that is open, not past its retention, or subject of an undecided request stays. Returns how
    many letters came to which end in this call.
    """
    years = profile.retention.disposable_after
    if years is None:
        raise BadInput(NOT_SET)
    done: Counter[Outcome] = Counter()
    while batch := _batch(plan_id, holdings, years, now):
        done += batch
    return done


def _batch(plan_id: int, holdings: Sequence[Holding], years: int, now: datetime) -> Counter[Outcome]:
    with transaction() as session:
        plan = _approved(session, plan_id)
        items = session.scalars(
            sa.select(DisposalItem)
            .where(DisposalItem.plan_id == plan_id, DisposalItem.outcome.is_(None))
            .order_by(DisposalItem.case_id)
            .limit(BATCH)
        ).all()
        if not items:
            plan.finished_at = plan.finished_at or now
            return Counter()
        reasons = _reasons_to_keep(session, plan, [item.case_id for item in items], years, local_date(now))
        for item in items:
            item.why = reasons[item.case_id]
            item.outcome, item.outcome_at = Outcome.KEPT if item.why else Outcome.DESTROYED, now
        gone = [item for item in items if item.outcome is Outcome.DESTROYED]
        _destroy(session, plan, gone, holdings, now)
        return Counter(item.outcome for item in items if item.outcome)


def _approved(session: Session, plan_id: int) -> DisposalPlan:
    """The plan, locked, so that two runners carry it out one after the other."""
    query = sa.select(DisposalPlan).where(DisposalPlan.id == plan_id).with_for_update()
    plan = session.scalar(query.execution_options(populate_existing=True))
    if plan is None:
        raise NotFound("沒有這個銷毀計畫。")
    if plan.state not in {PlanState.APPROVED, PlanState.DONE}:
        raise NotApproved
    return plan


def _reasons_to_keep(
    session: Session, plan: DisposalPlan, ids: list[int], years: int, on: date
) -> dict[int, str]:
    """By letter, the code of why it must stay; empty when it may go. The letters are locked."""
    # The longer of two periods counts: the plan's own, and what the agency has set since.
    longest = max(years, plan.retention_years)
    locked = sa.select(Case).where(Case.id.in_(ids)).options(defer(Case.body)).with_for_update()
    cases = {case.id: case for case in session.scalars(locked.execution_options(populate_existing=True))}

    def those(condition: sa.ColumnElement[bool]) -> set[int]:
        return set(session.scalars(sa.select(Case.id).where(Case.id.in_(ids), condition)))

    past, disputed = those(queries.ended(longest, on)), those(queries.is_disputed())
    destroyed = those(queries.was_destroyed())

    def reason(case: Case) -> str:
        found = {
            "open": queries.completed_at(case) is None,
            "not-due": case.id not in past,
            "request": case.id in disputed,
            "moved": case.restricted != plan.restricted or plan.unit_id not in {None, case.unit_id},
            "destroyed": case.id in destroyed,
        }
        return next((code for code, applies in found.items() if applies), "")

    return {case_id: reason(case) for case_id, case in cases.items()}


def _destroy(
    session: Session,
    plan: DisposalPlan,
    gone: Sequence[DisposalItem],
    holdings: Sequence[Holding],
    now: datetime,
) -> None:
    session.flush()
    ids = [item.case_id for item in gone]
    for holding in holdings:
        if ids and holding.destroy is not None:
            holding.destroy(session, ids)
    for item in gone:
        record(session, "case.destroyed", "case", item.number, actor_id=None, now=now, plan_id=plan.id)
    session.expire_all()
