"""The staff's side of letters: the inbox, one letter, and what is done to it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from feedback import (
    casefile,
    intake_queries,
    queries,
    repeats,
    reply_check,
    reply_templates,
    staff_words,
    waiting,
)
from feedback.act_forms import ReplyForm, RevealForm
from feedback.intake_forms import LANGUAGES
from feedback.models import Case, Contact, Draft, DraftState
from feedback.services import contacts, presence
from feedback.staff_acts import DEEDS, Deed, Press, permission
from feedback.staff_desk import ANSWERING, Desk
from feedback.staff_forms import STATES, InboxForm
from feedback.staff_timeline import timeline
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
LOOKED_OVER = frozenset(DraftState) - {DraftState.SENT, DraftState.DROPPED}
SOONEST_FIRST = frozenset({"open", "overdue", "unconfirmed", "asked", "review", "approved"})


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
        waiting=waiting.first(g.user, urgent=counters.urgent),
        now=now,
        words=staff_words,
    )


@cases.get(ONE)
@requires(Permission.CASE_READ)
def show(case_id: int) -> ResponseReturnValue:
    case = _case(case_id)
    presence.note(case_id, by=g.user, now=utcnow())
    return _page(case)


@cases.post(f"{ONE}/contact")
@requires(Permission.CASE_READ)
def contact(case_id: int) -> ResponseReturnValue:
    form = RevealForm()
    if not form.validate_on_submit():
        return _page(_case(case_id), 422, reveal=form)
    try:
        seen = contacts.reveal(case_id, reason=form.reason.data, by=g.user, now=utcnow())
    except BadInput as fault:
        form.reason.errors = [fault.message]
        return _page(_case(case_id), 422, reveal=form)
    return _page(_case(case_id), contact=seen)


def _act(case_id: int, act: Act) -> ResponseReturnValue:
    """Do one thing to a letter; when that cannot be, show the letter with what was typed and why."""
    case = queries.full(g.user, case_id)
    if case is None and act in ANSWERING:  # handed over meanwhile: what was typed is not lost
        return render_template("feedback/gone.html", typed=ReplyForm().body.data), 404
    if case is None:
        abort(404)
    form, held_by = _desk(case).sent(act), case.unit_id
    if not form.validate_on_submit():
        return _page(case, 422, used={act: form})
    deed = DEEDS[act]
    try:
        deed.do(case_id, Press(g.user, utcnow(), profile(), site_url()), form)
    except BadInput as fault:
        form.form_errors.append(fault.message)
        return _page(_case(case_id), 422, used={act: form})
    except Conflict as late:
        return _page(_case(case_id), 409, used={act: form}, late=late.message)
    return _onward(case_id, held_by, deed)


def _onward(case_id: int, held_by: int, deed: Deed) -> ResponseReturnValue:
    """Back to the letter, or to the inbox when it went to another unit or out of sight."""
    case = queries.full(g.user, case_id)
    if case is not None and case.unit_id in (held_by, g.user.unit_id):
        flash(deed.done, "success")
        return redirect(url_for(".show", case_id=case_id), 303)
    number, unit = queries.whereabouts(case_id)
    flash(f"{number} 已移到{unit}。", "success")
    return redirect(url_for(".inbox"), 303)


def _case(case_id: int) -> Case:
    return queries.full(g.user, case_id) or abort(404)


def _desk(case: Case) -> Desk:
    return Desk(
        case,
        g.user,
        profile(),
        answering_units(),
        incoming=casefile.is_offered(g.user, case),
        draft=casefile.newest_draft(case),
        alike=queries.neighbours(g.user, case.id),
        template=reply_templates.chosen(case, profile(), request.args.get("template", type=int)),
    )


def _page(
    case: Case,
    status: int = 200,
    *,
    used: dict[Act, BaseForm] | None = None,
    contact: Contact | None = None,
    reveal: RevealForm | None = None,
    late: str = "",
) -> ResponseReturnValue:
    """One letter with everything about it."""
    used, desk, now = used or {}, _desk(case), utcnow()
    file = casefile.read(case, g.user, now)
    subject, body = staff_words.marked(case)
    page = render_template(
        "feedback/case.html",
        case=case,
        contact=contact,
        reveal=reveal or RevealForm(formdata=None),
        protected=contacts.is_protected(case),
        late=late,
        forms=desk.forms(used),
        form=next(iter(used.values()), reveal),
        due=staff_words.due(case, now),
        file=file,
        draft=desk.draft,
        template=desk.template,
        templates_for=partial(reply_templates.fitting, case, profile()),
        findings=_findings(desk.draft),
        topic_spec=profile().topic(case.likely_topic),
        typed_answer=bool(used.keys() & ANSWERING),
        subject=subject,
        body=body,
        neighbours=desk.alike,
        answered_before=repeats.answered_before(case, desk.alike),
        timeline=timeline(case, file, profile()),
        intake=intake_queries.shown(g.user, case.id),
        languages=LANGUAGES,
        words=staff_words,
    )
    return page, status


def _findings(draft: Draft | None) -> list[str]:
    """What to look at again in an answer that has not left yet."""
    if draft is None or draft.state not in LOOKED_OVER:
        return []
    return reply_check.findings(draft.body, profile().answering.check)


def _add_acts() -> None:
    """One address for each act, open to whoever holds its permission."""
    for act, deed in DEEDS.items():
        view = requires(permission(act))(_doing(act))
        cases.add_url_rule(f"{ONE}/{deed.path}", act.value, view, methods=["POST"])


def _doing(act: Act) -> Callable[..., ResponseReturnValue]:
    """A view of its own name: Flask-WTF asks a view for it, which a partial does not have."""

    def view(case_id: int) -> ResponseReturnValue:
        return _act(case_id, act)

    view.__name__ = act.value
    return view


_add_acts()
