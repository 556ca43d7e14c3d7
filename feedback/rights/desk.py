"""The staff's side of personal-data requests: what is due, one request, and what is done with it."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, abort, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from feedback.act_forms import ActForm
from feedback.queries import MAX_ID
from feedback.rights import acts, disclosure, mails, queries, services, words
from feedback.rights.forms import DecideForm, ExtendForm, VerifyForm
from feedback.rights.models import DataRequest
from feedback.rights.pages import sections
from feedback.staff_words import mask_email, mask_name, mask_phone
from portal.access import Permission, requires
from portal.app import profile
from portal.clock import roc_deadline, utcnow
from portal.db import db
from portal.errors import BadInput, Conflict
from portal.forms import BaseForm
from portal.urls import site_url

data_requests = Blueprint("data_requests", "feedback", url_prefix="/staff/data-requests")

ONE = f"/<int(max={MAX_ID}):request_id>"
MASKS = {"name": mask_name, "email": mask_email, "phone": mask_phone}


@data_requests.get("/")
@requires(Permission.DATA_RIGHTS)
def index() -> ResponseReturnValue:
    return render_template(
        "feedback/rights/index.html",
        waiting=queries.undecided(g.user),
        decided=queries.decided(g.user),
        now=utcnow(),
        words=words,
    )


@data_requests.get(ONE)
@requires(Permission.DATA_RIGHTS)
def show(request_id: int) -> ResponseReturnValue:
    return _page(_one(request_id))


@data_requests.post(f"{ONE}/contact")
@requires(Permission.DATA_RIGHTS)
def contact(request_id: int) -> ResponseReturnValue:
    if not ActForm().validate_on_submit():
        abort(400)
    services.reveal(request_id, by=g.user, now=utcnow())
    return _page(_one(request_id), revealed=True)


@data_requests.post(f"{ONE}/preview")
@requires(Permission.DATA_RIGHTS)
def preview(request_id: int) -> ResponseReturnValue:
    if not ActForm().validate_on_submit():
        abort(400)
    services.preview(request_id, by=g.user, now=utcnow())
    found = _one(request_id)
    made = disclosure.made(found, sections(), profile())
    return render_template(
        "feedback/rights/disclosure.html", found=found, made=made, made_at=utcnow(), staff=True
    )


@data_requests.post(f"{ONE}/verify")
@requires(Permission.DATA_RIGHTS)
def verify(request_id: int) -> ResponseReturnValue:
    found = _one(request_id)
    form = VerifyForm().offer(found)

    def done() -> None:
        number = form.number.data if "number" in form else ""
        services.verify(request_id, note=form.note.data, case_number=number, by=g.user, now=utcnow())

    return _act(found, "verify", form, done, "已記下身分核對的結果。")


@data_requests.post(f"{ONE}/extend")
@requires(Permission.DATA_RIGHTS)
def extend(request_id: int) -> ResponseReturnValue:
    form = ExtendForm()

    def done() -> None:
        services.extend(
            request_id, reason=form.why.data, by=g.user, profile=profile(), site_url=site_url(),
            now=utcnow(),
        )  # fmt: skip

    return _act(_one(request_id), "extend", form, done, "已延長期限，並通知請求人。")


@data_requests.post(f"{ONE}/decide")
@requires(Permission.DATA_RIGHTS)
def decide(request_id: int) -> ResponseReturnValue:
    found = _one(request_id)
    form = DecideForm().offer(found, _parts(found))

    def done() -> None:
        services.decide(
            request_id, form.decision, by=g.user, sections=_codes(), profile=profile(), site_url=site_url(),
            now=utcnow(),
        )  # fmt: skip

    return _act(found, "decide", form, done, "已作成決定，並通知請求人。")


def _one(request_id: int) -> DataRequest:
    return queries.one(g.user, request_id) or abort(404)


def _act(
    found: DataRequest, name: str, form: BaseForm, do: Callable[[], None], done: str
) -> ResponseReturnValue:
    """Do one thing; when that cannot be, show the request with what was typed and why."""
    if not form.validate_on_submit():
        return _page(found, 422, used={name: form})
    try:
        do()
    except BadInput as fault:
        form.form_errors.append(fault.message)
        return _page(_one(found.id), 422, used={name: form})
    except Conflict as late:
        return _page(_one(found.id), 409, late=late.message)
    flash(done, "success")
    return redirect(url_for(".show", request_id=found.id), 303)


def _codes() -> list[str]:
    return [section.code for section in sections()]


def _parts(found: DataRequest) -> dict[str, str]:
    """What can be granted, as code and label."""
    labels = words.FIELDS | {section.code: section.title for section in sections()}
    return {code: labels[code] for code in acts.possible_parts(db.session(), found, _codes())}


def _forms(found: DataRequest, used: dict[str, BaseForm]) -> dict[str, BaseForm]:
    """A form for each thing that can be done now: the one just used, or a fresh one."""
    if found.decided_at is not None:
        return {}
    fresh: dict[str, BaseForm] = {"decide": DecideForm(formdata=None).offer(found, _parts(found))}
    if found.verified_at is None:
        fresh["verify"] = VerifyForm(formdata=None, number=found.claimed_number).offer(found)
    if found.extended_at is None and not found.is_overdue(utcnow()):
        fresh["extend"] = ExtendForm(formdata=None)
    return fresh | used


def _page(
    found: DataRequest,
    status: int = 200,
    *,
    used: dict[str, BaseForm] | None = None,
    revealed: bool = False,
    late: str = "",
) -> ResponseReturnValue:
    used = used or {}

    def shown(field: str, value: str) -> str:
        return value if revealed else MASKS[field](value)

    page = render_template(
        "feedback/rights/staff.html",
        found=found,
        due=words.due(found, utcnow()),
        deadline=roc_deadline(found.due_at),
        state=words.state(found),
        who={words.FIELDS[field]: shown(field, getattr(found, field)) for field in words.FIELDS},
        wanted={words.FIELDS[field]: shown(field, value) for field, value in found.wanted.items()},
        revealed=revealed,
        people=queries.people_named(found),
        parts=_parts(found),
        decision=mails.decision_lines(found, profile()),
        forms=_forms(found, used),
        form=next(iter(used.values()), None),
        late=late,
    )
    return page, status
