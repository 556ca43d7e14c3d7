"""The secretariat's page: satisfaction by month, service line and unit, each number with its n."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from analytics.trends_page import TrendsPage
from portal.access import Permission, requires
from portal.app import profile
from portal.clock import utcnow

trends = Blueprint("trends", __name__, url_prefix="/staff/trends", template_folder="../templates")


@trends.get("/")
@requires(Permission.TREND_READ)
def show() -> ResponseReturnValue:
    page = TrendsPage(profile(), now=utcnow(), dimension=request.args.get("dimension", ""))
    return render_template("analytics/trends.html", page=page)
