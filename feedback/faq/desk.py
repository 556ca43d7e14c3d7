"""The unit's side: its answers, one of them, and publishing."""

from __future__ import annotations

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from feedback.act_forms import ActForm
from feedback.faq import queries, services
from feedback.faq.forms import FaqForm
from feedback.faq.models import FaqEntry, FaqState
from feedback.queries import MAX_ID
from portal.access import Permission, requires
from portal.app import profile
from portal.clock import utcnow
from portal.errors import Conflict

faq_desk = Blueprint("faq_desk", "feedback", url_prefix="/staff/faq", template_folder="templates")

ONE = f"/<int(max={MAX_ID}):entry_id>"


@faq_desk.get("/")
@requires(Permission.CASE_REPLY)
def index() -> ResponseReturnValue:
    return render_template("feedback/faq/staff.html", entries=queries.own(g.user))


@faq_desk.route("/new", methods=["GET", "POST"])
@requires(Permission.CASE_REPLY)
def new() -> ResponseReturnValue:
    form = FaqForm(profile(), publish=_publishes(), **_start())
    if not form.validate_on_submit():
        return _page(form, 422 if form.errors else 200)
    entry = services.add(form.words, by=g.user, profile=profile(), now=utcnow())
    return _saved(entry)


@faq_desk.route(ONE, methods=["GET", "POST"])
@requires(Permission.CASE_REPLY)
def edit(entry_id: int) -> ResponseReturnValue:
    entry = queries.one_of_own(g.user, entry_id) or abort(404)
    is_public = entry.state is FaqState.PUBLISHED
    form = FaqForm(profile(), publish=_publishes() or is_public, obj=entry)
    if not form.validate_on_submit():
        return _page(form, 422 if form.errors else 200, entry)
    try:
        services.change(entry_id, form.words, version=int(form.version.data), by=g.user, now=utcnow())
    except Conflict as late:
        newest = queries.one_of_own(g.user, entry_id) or abort(404)
        form.form_errors.append(late.message)
        form.version.data = newest.version
        return _page(form, 409, newest)
    return _saved(entry)


@faq_desk.post(f"{ONE}/withdraw")
@requires(Permission.CASE_APPROVE)
def withdraw(entry_id: int) -> ResponseReturnValue:
    if not ActForm().validate_on_submit():
        abort(400)
    services.withdraw(entry_id, by=g.user, now=utcnow())
    flash("已下架，民眾看不到了。", "success")
    return redirect(url_for(".edit", entry_id=entry_id), 303)


def _publishes() -> bool:
    """Whether the button that makes it public was pressed, by somebody who may."""
    return request.form.get("action") == "publish" and g.user.may(Permission.CASE_APPROVE)


def _saved(entry: FaqEntry) -> ResponseReturnValue:
    if _publishes():
        services.publish(entry.id, by=g.user, now=utcnow())
        flash("已公開，民眾現在就看得到。", "success")
    else:
        flash("已儲存。", "success")
    return redirect(url_for(".edit", entry_id=entry.id), 303)


def _start() -> dict[str, object]:
    """What a new entry begins with: a reply of the unit, when the letter's page asked for it."""
    case_id = request.args.get("case", type=int)
    if request.method != "GET" or case_id is None or not 0 < case_id <= MAX_ID:
        return {}
    words = services.out_of_reply(case_id, by=g.user, profile=profile())
    data = {"question": words.question, "answer": words.answer, "topic": words.topic, "source": case_id}
    return {"data": data}


def _page(form: FaqForm, status: int, entry: FaqEntry | None = None) -> ResponseReturnValue:
    page = render_template(
        "feedback/faq/edit.html",
        form=form,
        entry=entry,
        may_publish=g.user.may(Permission.CASE_APPROVE),
        is_public=entry is not None and entry.state is FaqState.PUBLISHED,
    )
    return page, status
