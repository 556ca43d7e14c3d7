"""The staff's side of disposal: what has been kept long enough, plans, their approval."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, abort, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from feedback.act_forms import ActForm
from feedback.queries import MAX_ID
from feedback.retention import plans, queries
from feedback.retention.catalogue import as_csv
from feedback.retention.forms import ApproveForm, TakeOutForm
from feedback.retention.models import WHY, DisposalPlan, Outcome, PlanState
from feedback.secrets import tidy_number
from portal.access import Permission, requires
from portal.app import profile
from portal.clock import local_date, utcnow
from portal.errors import BadInput, Conflict
from portal.forms import BaseForm

retention = Blueprint("retention", "feedback", url_prefix="/staff/retention")

ONE = f"/<int(max={MAX_ID}):plan_id>"
TONES = {
    PlanState.PROPOSED: "info",
    PlanState.APPROVED: "warning",
    PlanState.DONE: "success",
    PlanState.WITHDRAWN: "neutral",
}


@retention.get("/")
@requires(Permission.RETENTION)
def index() -> ResponseReturnValue:
    return _index()


@retention.post("/")
@requires(Permission.RETENTION)
def propose() -> ResponseReturnValue:
    if not ActForm().validate_on_submit():
        abort(400)
    try:
        plan = plans.propose(by=g.user, profile=profile(), now=utcnow())
    except BadInput as fault:
        return _index(422, fault.message)
    flash(f"已擬定銷毀計畫 {plan.number}。", "success")
    return redirect(url_for(".show", plan_id=plan.id), 303)


@retention.get(ONE)
@requires(Permission.RETENTION)
def show(plan_id: int) -> ResponseReturnValue:
    return _page(_one(plan_id))


@retention.post(f"{ONE}/approve")
@requires(Permission.RETENTION)
def approve(plan_id: int) -> ResponseReturnValue:
    form = ApproveForm()

    def done() -> None:
        plans.approve(plan_id, reference=form.reference.data, by=g.user, now=utcnow())

    return _act(plan_id, "approve", form, done, "已核准。由系統管理者在主機上執行。")


@retention.post(f"{ONE}/take-out")
@requires(Permission.RETENTION)
def take_out(plan_id: int) -> ResponseReturnValue:
    form = TakeOutForm()

    def done() -> None:
        plans.take_out(plan_id, case_number=tidy_number(form.number.data), by=g.user, now=utcnow())

    return _act(plan_id, "take_out", form, done, "已移出這個計畫。")


@retention.post(f"{ONE}/withdraw")
@requires(Permission.RETENTION)
def withdraw(plan_id: int) -> ResponseReturnValue:
    def done() -> None:
        plans.withdraw(plan_id, by=g.user, now=utcnow())

    return _act(plan_id, "withdraw", ActForm(), done, "已撤回這個計畫。")


@retention.post(f"{ONE}/catalogue.csv")
@requires(Permission.RETENTION)
def catalogue(plan_id: int) -> ResponseReturnValue:
    if not ActForm().validate_on_submit():
        abort(400)
    plan = plans.exported(plan_id, by=g.user, now=utcnow())
    text = as_csv(
        (
            item.number, plan.archive_class, item.topic, item.unit, item.received_on, item.closed_on,
            plan.retention_years, item.keep_until,
        )
        for item in queries.items(plan_id)
        if item.outcome is not Outcome.KEPT
    )  # fmt: skip
    answer = Response(text, mimetype="text/csv")
    answer.headers["Content-Disposition"] = f"attachment; filename=disposal-{plan.id:04d}.csv"
    return answer


def _one(plan_id: int) -> DisposalPlan:
    return queries.one(g.user, plan_id) or abort(404)


def _act(plan_id: int, name: str, form: BaseForm, do: Callable[[], None], done: str) -> ResponseReturnValue:
    plan = _one(plan_id)
    if not form.validate_on_submit():
        return _page(plan, 422, used={name: form})
    try:
        do()
    except BadInput as fault:
        form.form_errors.append(fault.message)
        return _page(_one(plan_id), 422, used={name: form})
    except Conflict as late:
        return _page(_one(plan_id), 409, late=late.message)
    flash(done, "success")
    return redirect(url_for(".show", plan_id=plan_id), 303)


def _index(status: int = 200, late: str = "") -> ResponseReturnValue:
    rules = profile().retention
    page = render_template(
        "feedback/retention/index.html",
        rules=rules,
        waiting=queries.waiting(g.user, rules, local_date(utcnow())),
        plans=queries.plans(g.user),
        tones=TONES,
        late=late,
        not_set=plans.NOT_SET,
    )
    return page, status


def _page(
    plan: DisposalPlan, status: int = 200, *, used: dict[str, BaseForm] | None = None, late: str = ""
) -> ResponseReturnValue:
    used = used or {}
    fresh: dict[str, BaseForm] = {}
    if plan.state is PlanState.PROPOSED:
        fresh = {"take_out": TakeOutForm(formdata=None)}
        if plan.made_by != g.user.id:
            fresh["approve"] = ApproveForm(formdata=None)
    page = render_template(
        "feedback/retention/plan.html",
        plan=plan,
        items=queries.items(plan.id, queries.SHOWN),
        tally=queries.tally(plan.id),
        outcomes=Outcome,
        people=queries.people_named(plan),
        proposed=plan.state is PlanState.PROPOSED,
        tone=TONES[plan.state],
        why=WHY,
        forms=fresh | used,
        form=next(iter(used.values()), None),
        late=late,
    )
    return page, status
