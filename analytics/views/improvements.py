"""What units change because of what they heard."""

from __future__ import annotations

from flask import Blueprint, abort, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from analytics.forms import CompletionForm, ImprovementForm
from analytics.models import Improvement, ImprovementStatus
from analytics.queries import improvements_for
from analytics.services import improvements as service
from feedback.queries import MAX_ID
from portal.access import Permission, requires
from portal.app import profile
from portal.clock import local_date, utcnow
from portal.db import db

improvements = Blueprint(
    "improvements", __name__, url_prefix="/staff/improvements", template_folder="../templates"
)


@improvements.get("/")
@requires(Permission.SUMMARY_READ)
def index() -> ResponseReturnValue:
    rows = db.session.scalars(
        improvements_for(g.user).order_by(Improvement.status.desc(), Improvement.due_on)
    )
    return render_template(
        "analytics/improvements.html",
        improvements=rows.all(),
        today=local_date(utcnow()),
        can_improve=Permission.IMPROVE,
    )


@improvements.route("/new", methods=["GET", "POST"])
@requires(Permission.IMPROVE)
def new() -> ResponseReturnValue:
    form = ImprovementForm()
    form.offer_topics(profile())
    if form.validate_on_submit():
        values = {name: form[name].data for name in ("opinion", "measure", "due_on")}
        try:
            service.plan(topic=form.topic.data or None, **values, by=g.user, now=utcnow())
        except service.UnlikelyDay as fault:
            form.due_on.errors = [fault.message]
        else:
            flash("已登記改善措施；完成後請回到這裡填報成效。", "success")
            return redirect(url_for(".index"), 303)
    return render_template("analytics/improvement_new.html", form=form), 422 if form.errors else 200


@improvements.route(f"/<int(max={MAX_ID}):improvement_id>/done", methods=["GET", "POST"])
@requires(Permission.IMPROVE)
def done(improvement_id: int) -> ResponseReturnValue:
    query = improvements_for(g.user).where(
        Improvement.id == improvement_id, Improvement.unit_id == g.user.unit_id
    )
    improvement = db.session.scalar(query) or abort(404)
    form = CompletionForm(done_on=local_date(utcnow()))
    if improvement.status is ImprovementStatus.PLANNED and form.validate_on_submit():
        values = {"effect": form.effect.data, "done_on": form.done_on.data}
        try:
            service.complete(improvement_id, **values, by=g.user, now=utcnow())
        except service.UnlikelyDay as fault:
            form.done_on.errors = [fault.message]
        else:
            flash("已填報完成，會出現在單位摘要。", "success")
            return redirect(url_for(".index"), 303)
    status = 422 if form.errors else 200
    return render_template("analytics/improvement_done.html", form=form, improvement=improvement), status
