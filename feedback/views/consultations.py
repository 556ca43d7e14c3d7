"""Questions from other units (會辦): what they ask, what they may be shown, and the answer."""

from __future__ import annotations

from flask import Blueprint, abort, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from feedback import queries
from feedback.act_forms import ActForm, OpinionForm
from feedback.models import Consultation
from feedback.services import routing
from portal.access import Permission, requires
from portal.clock import utcnow
from portal.errors import Conflict

consultations = Blueprint(
    "consultations", "feedback", url_prefix="/staff/consultations", template_folder="templates"
)

ONE = f"/<int(max={queries.MAX_ID}):consultation_id>"


@consultations.get("/")
@requires(Permission.CASE_REPLY)
def index() -> ResponseReturnValue:
    return render_template("feedback/consultations.html", asked=queries.consultations(g.user), now=utcnow())


@consultations.get(ONE)
@requires(Permission.CASE_REPLY)
def show(consultation_id: int) -> ResponseReturnValue:
    return _page(_mine(consultation_id), OpinionForm())


@consultations.post(f"{ONE}/opinion")
@requires(Permission.CASE_REPLY)
def give_opinion(consultation_id: int) -> ResponseReturnValue:
    asked, form = _mine(consultation_id), OpinionForm()
    if not form.validate_on_submit():
        return _page(asked, form, 422)
    try:
        routing.give_opinion(consultation_id, opinion=form.opinion.data, by=g.user, now=utcnow())
    except Conflict as late:
        form.form_errors.append(late.message)
        return _page(asked, form, 409)
    flash("已回復主辦單位。", "success")
    return redirect(url_for(".index"), 303)


@consultations.post(f"{ONE}/drop")
@requires(Permission.CASE_REPLY)
def drop(consultation_id: int) -> ResponseReturnValue:
    if not ActForm().validate_on_submit():
        abort(400)
    asked = routing.drop_consultation(consultation_id, by=g.user, now=utcnow())
    flash("已取消會辦。", "success")
    return redirect(url_for("cases.show", case_id=asked.case_id), 303)


def _mine(consultation_id: int) -> Consultation:
    return queries.consultation(g.user, consultation_id) or abort(404)


def _page(asked: Consultation, form: OpinionForm, status: int = 200) -> ResponseReturnValue:
    return render_template("feedback/consultation.html", asked=asked, form=form), status
