"""The staff's side of letters: the inbox, one letter, and what is done to it."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from feedback import queries, staff_words
from feedback.models import Case, Contact
from feedback.services import casework, contacts
from feedback.staff_desk import Desk
from feedback.staff_forms import STATES, YES, ActForm, InboxForm, ReplyForm, UrgencyForm
from feedback.states import Act
from portal.access import Permission, requires
from portal.app import profile
from portal.clock import utcnow
from portal.errors import BadInput, Conflict
from portal.forms import BaseForm
from portal.units import answering_units
from portal.urls import site_url

cases = Blueprint("cases", "feedback", url_prefix="/staff/cases", template_folder="templates")

ONE = f"/<int(max={queries.MAX_ID}):case_id>"
SOONEST_FIRST = frozenset({"open", "overdue", "unconfirmed"})


@cases.get("/")
@requires(Permission.CASE_READ)
def inbox() -> ResponseReturnValue:
    now, units = utcnow(), answering_units() if g.user.sees_all_units else []
    form = InboxForm(request.args).prepare(profile(), units)
    by_due = form.state.data in SOONEST_FIRST
    page = queries.page(
        queries.inbox(g.user, form.filters(g.user), now),
        by="due" if by_due else "received",
        after=request.args.get("after", ""),
        before=request.args.get("before", ""),
    )
    counters = queries.counters(g.user, now)
    return render_template(
        "feedback/inbox.html",
        filters=form,
        states=STATES,
        by_due=by_due,
        page=page,
        counters=counters,
        now=now,
        words=staff_words,
    )


@cases.get(ONE)
@requires(Permission.CASE_READ)
def show(case_id: int) -> ResponseReturnValue:
    return _page(_case(case_id))


@cases.post(f"{ONE}/contact")
@requires(Permission.CASE_READ)
def contact(case_id: int) -> ResponseReturnValue:
    if not ActForm().validate_on_submit():
        abort(400)
    seen = contacts.reveal(case_id, by=g.user, now=utcnow())
    return _page(_case(case_id), contact=seen)


@cases.post(f"{ONE}/topic")
@requires(Permission.CASE_REPLY)
def topic(case_id: int) -> ResponseReturnValue:
    def confirm(form: BaseForm) -> Case:
        return casework.confirm_topic(
            case_id, topic=form["topic"].data, by=g.user, profile=profile(), now=utcnow()
        )

    return _act(case_id, Act.CONFIRM_TOPIC, confirm, "已確認主題。")


@cases.post(f"{ONE}/urgency")
@requires(Permission.CASE_REPLY)
def urgency(case_id: int) -> ResponseReturnValue:
    form = UrgencyForm()
    if not form.validate_on_submit():
        abort(400)
    urgent = form.urgent.data == YES
    try:
        casework.judge_urgency(case_id, urgent=urgent, by=g.user, now=utcnow())
    except Conflict as late:
        return _page(_case(case_id), 409, late=late.message)
    flash("已標為緊急。" if urgent else "已記下：不是緊急。", "success")
    return redirect(url_for(".show", case_id=case_id), 303)


@cases.post(f"{ONE}/assign")
@requires(Permission.CASE_ASSIGN)
def assign(case_id: int) -> ResponseReturnValue:
    def give(form: BaseForm) -> Case:
        return casework.assign(case_id, handler_id=form["handler"].data, by=g.user, now=utcnow())

    return _act(case_id, Act.ASSIGN, give, "已指派承辦人。")


@cases.post(f"{ONE}/transfer")
@requires(Permission.CASE_REPLY)
def transfer(case_id: int) -> ResponseReturnValue:
    def hand_over(form: BaseForm) -> Case:
        unit_id, reason = int(form["unit"].data), form["reason"].data
        return casework.transfer(case_id, unit_id=unit_id, reason=reason, by=g.user, now=utcnow())

    return _act(case_id, Act.TRANSFER, hand_over, "已移轉。")


@cases.post(f"{ONE}/reply")
@requires(Permission.CASE_REPLY)
def reply(case_id: int) -> ResponseReturnValue:
    def send(form: BaseForm) -> Case:
        return casework.answer(
            case_id, body=form["body"].data, by=g.user, profile=profile(), site_url=site_url(), now=utcnow()
        )

    if queries.full(g.user, case_id) is None:  # handed over meanwhile: what was typed is not lost
        return render_template("feedback/gone.html", typed=ReplyForm().body.data), 404
    return _act(case_id, Act.REPLY, send, "答復已送出。")


@cases.post(f"{ONE}/close")
@requires(Permission.CASE_REPLY)
def close(case_id: int) -> ResponseReturnValue:
    def put_away(_form: BaseForm) -> Case:
        return casework.close(case_id, by=g.user, now=utcnow())

    return _act(case_id, Act.CLOSE, put_away, "已結案。")


def _case(case_id: int) -> Case:
    return queries.full(g.user, case_id) or abort(404)


def _act(case_id: int, act: Act, do: Callable[[BaseForm], Case], done: str) -> ResponseReturnValue:
    """Do one thing to a letter; when that cannot be, show the letter with what was typed and why."""
    case = _case(case_id)
    form, held_by = Desk(case, g.user, profile(), answering_units()).sent(act), case.unit_id
    if not form.validate_on_submit():
        return _page(case, 422, used={act: form})
    try:
        return _onward(do(form), held_by, done)
    except BadInput as fault:
        form.form_errors.append(fault.message)
        return _page(_case(case_id), 422, used={act: form})
    except Conflict as late:
        return _page(_case(case_id), 409, used={act: form}, late=late.message)


def _onward(case: Case, held_by: int, done: str) -> ResponseReturnValue:
    """Back to the letter, or to the inbox when it went to another unit or out of sight."""
    if case.unit_id == held_by and queries.full(g.user, case.id) is not None:
        flash(done, "success")
        return redirect(url_for(".show", case_id=case.id), 303)
    flash(f"{case.number} 已移到{case.unit.name}。", "success")
    return redirect(url_for(".inbox"), 303)


def _page(
    case: Case,
    status: int = 200,
    *,
    used: dict[Act, BaseForm] | None = None,
    contact: Contact | None = None,
    late: str = "",
) -> ResponseReturnValue:
    """One letter with everything about it."""
    used = used or {}
    judged, units = queries.judgements(case), queries.units_named()
    people = queries.people_named(case, judged)
    subject, body = staff_words.marked(case)
    page = render_template(
        "feedback/case.html",
        case=case,
        contact=contact,
        late=late,
        forms=Desk(case, g.user, profile(), answering_units()).forms(used),
        form=next(iter(used.values()), None),
        due=staff_words.due(case, utcnow()),
        people=people,
        subject=subject,
        body=body,
        neighbours=queries.neighbours(g.user, case.id),
        timeline=staff_words.timeline(case, judged, people, units, profile()),
        words=staff_words,
    )
    return page, status
