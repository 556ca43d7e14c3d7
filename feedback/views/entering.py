"""Staff enter letters for citizens: one form, its drafts, and the slip to hand over."""

from __future__ import annotations

from functools import partial

from flask import Blueprint, Response, current_app, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from feedback import intake_queries, mails, queries
from feedback.act_forms import ActForm
from feedback.attachments import keeping
from feedback.intake_forms import EntryForm
from feedback.secrets import derive_secret
from feedback.services import entering
from feedback.services.intake import KeyReused, Receipt
from feedback.views import files, memory
from portal.access import Permission, requires
from portal.app import profile
from portal.clock import roc_deadline, utcnow
from portal.errors import BadInput, Conflict, NotFound
from portal.qr import qr_code
from portal.urls import site_url

desk = Blueprint("entering", "feedback", url_prefix="/staff/cases/new", template_folder="templates")

ONE = f"/drafts/<int(max={queries.MAX_ID}):draft_id>"
ENTERED_BEFORE = "剛才那封信已經登錄。這次的內容和它不同，如果是另一封信，請再按一次「登錄」。"


@desk.before_request
def _forget_expired() -> None:
    memory.forget_expired(utcnow())


@desk.after_request
def _keep_off_disk(response: Response) -> Response:
    """Pages that show a letter or its secret are not kept by the browser."""
    response.headers["Cache-Control"] = "no-store"
    return response


@desk.route("/", methods=["GET", "POST"])
@requires(Permission.CASE_REPLY)
def new() -> ResponseReturnValue:
    return _handle(EntryForm(profile(), now=utcnow()), None)


@desk.route(ONE, methods=["GET", "POST"])
@requires(Permission.CASE_REPLY)
def draft(draft_id: int) -> ResponseReturnValue:
    if request.method == "POST":
        return _handle(EntryForm(profile(), now=utcnow()), draft_id)
    kept = entering.open_draft(draft_id, by=g.user, now=utcnow())
    return _page(EntryForm(profile(), now=utcnow(), data=kept.fields), 200, draft_id)


@desk.post(f"{ONE}/discard")
@requires(Permission.CASE_REPLY)
def discard(draft_id: int) -> ResponseReturnValue:
    if ActForm().validate_on_submit():
        entering.discard_draft(draft_id, by=g.user, now=utcnow())
        keeping.drop(keeping.holder_of("draft", draft_id))
        flash("已刪除草稿。", "success")
    return redirect(url_for(".new"), 303)


@desk.get("/receipt")
@requires(Permission.CASE_REPLY)
def receipt() -> ResponseReturnValue:
    shown = memory.receipt()
    case = queries.for_sender(shown.number) if shown else None
    if shown is None or case is None:
        return redirect(url_for(".new"))
    address = mails.track_url(site_url(), shown.number)
    return render_template(
        "feedback/entered.html",
        shown=shown,
        case=case,
        channel=profile().channel(case.channel),
        due=roc_deadline(case.due_at),
        address=address,
        qr_code=qr_code(f"{address}#s={shown.secret}"),
        seen=queries.full(g.user, case.id) is not None,
    )


@desk.post("/receipt/clear")
@requires(Permission.CASE_REPLY)
def clear() -> ResponseReturnValue:
    if ActForm().validate_on_submit():
        memory.drop_receipt()
        flash("已清除畫面上的查詢密碼。", "success")
    return redirect(url_for(".new"), 303)


def _handle(form: EntryForm, draft_id: int | None) -> ResponseReturnValue:
    """What was pressed: save a draft, or register. A refusal gives back what was typed."""
    files.receive(form, _holder(form, draft_id), keep=keeping.A_WEEK)
    try:
        if request.form.get("action") == "draft" and form.is_submitted():
            return _save(form, draft_id)
        if form.validate_on_submit():
            memory.keep_receipt(_enter(form, draft_id), now=utcnow())
            return redirect(url_for(".receipt"), 303)
    except KeyReused:
        before = _holder(form, draft_id)
        form.refuse(ENTERED_BEFORE, new_letter=True)
        keeping.hold_for(_holder(form, draft_id), before)
    except entering.DraftGone as gone:
        form.refuse(gone.message)
        keeping.hold_for(_holder(form, None), _holder(form, draft_id))
        return _page(form, 409, None)  # pressing again makes a letter of its own
    except (BadInput, Conflict, NotFound) as fault:
        form.refuse(fault.message)
    return _page(form, 422 if form.errors else 200, draft_id)


def _enter(form: EntryForm, draft_id: int | None) -> Receipt:
    key = form.submission_key.data
    return entering.enter(
        form.letter,
        form.facts(draft_id),
        by=g.user,
        profile=profile(),
        secret=derive_secret(current_app.config["QINGTING"].secret_key, key),
        key=key,
        site_url=site_url(),
        now=utcnow(),
        with_it=partial(keeping.claim, holders=[_holder(form, draft_id)]),
    )


def _holder(form: EntryForm, draft_id: int | None) -> str:
    """Files wait for the clerk's form, or for the draft, which the whole unit sees."""
    if draft_id is not None:
        return keeping.holder_of("draft", draft_id)
    return keeping.holder_of("entry", g.user.id, form.submission_key.data)


def _save(form: EntryForm, draft_id: int | None) -> ResponseReturnValue:
    if not form.may_be_kept():
        return _page(form, 422, draft_id)
    kept = entering.save_draft(form.typed, by=g.user, now=utcnow(), draft_id=draft_id)
    keeping.hold_for(_holder(form, kept.id), _holder(form, None))
    flash("已存成草稿，七天內可以接著登錄；本單位的同仁都看得到。", "success")
    return redirect(url_for(".draft", draft_id=kept.id), 303)


def _page(form: EntryForm, status: int, draft_id: int | None) -> ResponseReturnValue:
    page = render_template(
        "feedback/enter.html",
        form=form,
        draft_id=draft_id,
        drafts=intake_queries.drafts(g.user),
        held=keeping.held(_holder(form, draft_id)),
    )
    return page, status
