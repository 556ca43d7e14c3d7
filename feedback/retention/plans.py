"""Disposal plans: made by one person, approved by another. The only writers of plans."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, defer, joinedload

from feedback.models import Case
from feedback.retention import queries
from feedback.retention.models import DisposalItem, DisposalPlan, Outcome, PlanState
from portal.access import Actor
from portal.audit import record
from portal.clock import local_date
from portal.db import transaction
from portal.errors import BadInput, Conflict, NotFound
from portal.profile import Profile

NOT_SET = "機關還沒有確認陳情案件的保存年限，或訂為永久保存，所以不會銷毀任何信件。"


class NothingDisposable(BadInput):
    message = "沒有保存年限已屆滿、可以列入計畫的信件。"


class NoLongerProposed(Conflict):
    message = "這個計畫已經核准或撤回，不能再更動。"


class OwnPlan(BadInput):
    message = "自己擬的銷毀計畫不能自己核准，請由另一位同仁核准。"


def propose(*, by: Actor, profile: Profile, now: datetime) -> DisposalPlan:
    """Make a plan of every letter in the person's care whose retention has ended today."""
    on, retention = local_date(now), profile.retention
    years = retention.disposable_after
    if years is None:
        raise BadInput(NOT_SET)
    restricted, unit_id = queries.scope_of(by)
    with transaction() as session:
        query = queries.of_scope(queries.disposable(retention, on), restricted, unit_id)
        loaded = query.options(joinedload(Case.unit), defer(Case.body), defer(Case.subject))
        found = session.scalars(loaded.order_by(queries.COMPLETED_AT, Case.id)).all()
        if not found:
            raise NothingDisposable
        plan = DisposalPlan(
            restricted=restricted, unit_id=unit_id, as_of=on, retention_years=years,
            archive_class=retention.archive_class, made_by=by.id, made_at=now,
        )  # fmt: skip
        session.add(plan)
        session.flush()
        session.add_all(
            _line(plan, case, at, profile) for case in found if (at := queries.completed_at(case))
        )
        _note(session, plan, "proposed", by, now, letters=len(found))
    return plan


def _line(plan: DisposalPlan, case: Case, closed_at: datetime, profile: Profile) -> DisposalItem:
    """The catalogue line; the subject is the topic's name, because a letter's own may name people."""
    return DisposalItem(
        plan_id=plan.id, case_id=case.id, number=case.number, topic=profile.topic_name(case.topic),
        unit=case.unit.name, received_on=local_date(case.received_at), closed_on=local_date(closed_at),
        keep_until=queries.keep_until(closed_at, plan.retention_years),
    )  # fmt: skip


def take_out(plan_id: int, *, case_number: str, by: Actor, now: datetime) -> DisposalPlan:
    """Keep one letter of a proposed plan, for example for a lawsuit; the next plan may hold it again."""
    with transaction() as session:
        plan = _load(session, plan_id, by)
        item = session.scalar(
            sa.select(DisposalItem).where(
                DisposalItem.plan_id == plan_id,
                DisposalItem.number == case_number,
                DisposalItem.outcome.is_(None),
            )
        )
        if item is None:
            raise BadInput("這個計畫裡沒有這個案件編號。")
        item.outcome, item.outcome_at, item.why = Outcome.KEPT, now, "taken-out"
        _note(session, plan, "taken_out", by, now, case_id=item.case_id)
    return plan


def withdraw(plan_id: int, *, by: Actor, now: datetime) -> DisposalPlan:
    with transaction() as session:
        plan = _load(session, plan_id, by)
        plan.withdrawn_at = now
        _note(session, plan, "withdrawn", by, now)
    return plan


def approve(plan_id: int, *, reference: str, by: Actor, now: datetime) -> DisposalPlan:
    """Approve somebody else's plan. `reference` is the number of the archives' consent (檔案法 §12)."""
    with transaction() as session:
        plan = _load(session, plan_id, by)
        if plan.made_by == by.id:
            raise OwnPlan
        plan.approved_by, plan.approved_at, plan.reference = by.id, now, reference
        _note(session, plan, "approved", by, now)
    return plan


def exported(plan_id: int, *, by: Actor, now: datetime) -> DisposalPlan:
    """The catalogue leaves the system; that is kept."""
    with transaction() as session:
        plan = session.scalar(queries.visible_to(by).where(DisposalPlan.id == plan_id))
        if plan is None:
            raise NotFound
        _note(session, plan, "exported", by, now)
    return plan


def _load(session: Session, plan_id: int, by: Actor) -> DisposalPlan:
    """The plan, locked, if the person may see it and it is still a proposal."""
    query = queries.visible_to(by).where(DisposalPlan.id == plan_id).with_for_update()
    plan = session.scalar(query.execution_options(populate_existing=True))
    if plan is None:
        raise NotFound
    if plan.state is not PlanState.PROPOSED:
        raise NoLongerProposed
    return plan


def _note(
    session: Session, plan: DisposalPlan, what: str, by: Actor, now: datetime, **detail: object
) -> None:
    record(session, f"disposal.{what}", "disposal_plan", plan.id, actor_id=by.id, now=now, **detail)
