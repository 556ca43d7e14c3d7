"""The unit's month: list, page, older versions."""

from __future__ import annotations

from flask import Blueprint, abort, g, render_template, request
from flask.typing import ResponseReturnValue

from analytics import presenting
from analytics.issue_queries import labels_for
from analytics.models import UnitSummary
from analytics.queries import letters_behind, summaries_for
from feedback.queries import MAX_ID
from portal.access import Permission, requires
from portal.app import profile
from portal.clock import Period, utcnow
from portal.db import db
from portal.units import answering_units

summaries = Blueprint("summaries", __name__, url_prefix="/staff/summaries", template_folder="../templates")


@summaries.get("/")
@requires(Permission.SUMMARY_READ)
def index() -> ResponseReturnValue:
    period = _asked_period()
    query = summaries_for(g.user).order_by(UnitSummary.period.desc(), UnitSummary.version.desc())
    if g.user.sees_all_units:
        query = query.where(UnitSummary.period == str(period))
    newest = presenting.newest_of_each(db.session.scalars(query))
    order = {unit.id: unit.position for unit in answering_units()}
    newest.sort(key=lambda item: order.get(item.unit_id, 0))
    return render_template(
        "analytics/summaries.html", summaries=newest, period=period, months=presenting.past_year(utcnow())
    )


@summaries.get(f"/<int(max={MAX_ID}):summary_id>")
@requires(Permission.SUMMARY_READ)
def show(summary_id: int) -> ResponseReturnValue:
    summary = db.session.scalar(summaries_for(g.user).where(UnitSummary.id == summary_id)) or abort(404)
    versions = db.session.scalars(
        summaries_for(g.user)
        .where(UnitSummary.unit_id == summary.unit_id, UnitSummary.period == summary.period)
        .order_by(UnitSummary.version.desc())
    ).all()
    return render_template(
        "analytics/summary.html",
        summary=summary,
        period=Period.parse(summary.period),
        page=_page(summary),
        versions=versions,
    )


def _page(summary: UnitSummary) -> presenting.SummaryPage:
    letters = letters_behind(g.user, presenting.case_ids(summary))
    labels = labels_for(g.user, presenting.issue_ids(summary))
    return presenting.SummaryPage(summary, profile(), letters, labels)


def _asked_period() -> Period:
    try:
        return Period.parse(request.args.get("period", ""))
    except ValueError:
        return Period.of(utcnow()).previous()
