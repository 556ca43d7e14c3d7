"""Pages that belong to no feature: home, site map, statements, health, the staff start page."""

from __future__ import annotations

from flask import Blueprint, current_app, g, jsonify, render_template
from flask.typing import ResponseReturnValue

from portal import guide, health
from portal.access import Permission, public, requires
from portal.clock import utcnow
from portal.jobs import newest_runs, registered

pages = Blueprint("pages", __name__)
staff_home = Blueprint("staff_home", __name__, url_prefix="/staff")
system = Blueprint("system", __name__, url_prefix="/staff/system")


@pages.get("/")
@public
def home() -> ResponseReturnValue:
    return render_template("home.html", doorways=guide.doorways())


@pages.get("/sitemap")
@public
def sitemap() -> ResponseReturnValue:
    return render_template("sitemap.html", doorways=guide.doorways())


@pages.get("/privacy")
@public
def privacy() -> ResponseReturnValue:
    return render_template("privacy.html", notice=current_app.extensions["profile"].privacy)


@pages.get("/accessibility")
@public
def accessibility() -> ResponseReturnValue:
    return render_template("accessibility.html")


@pages.get("/healthz")
@public
def healthz() -> ResponseReturnValue:
    checks = [health.database()]
    return _report(checks)


@pages.get("/readyz")
@public
def readyz() -> ResponseReturnValue:
    return _report(health.run_all(utcnow()))


def _report(checks: list[health.Check]) -> ResponseReturnValue:
    failing = [check.name for check in checks if not check.ok]
    body = {"status": "failing" if failing else "ok", "checks": {check.name: check.ok for check in checks}}
    return jsonify(body | ({"failing": failing} if failing else {})), 503 if failing else 200


@staff_home.get("/")
@requires(Permission.STAFF)
def show() -> ResponseReturnValue:
    return render_template(
        "staff_home.html", tips=guide.tips_for(g.user.role), todos=guide.todos_for(g.user, utcnow())
    )


@system.get("/")
@requires(Permission.SYSTEM)
def show_system() -> ResponseReturnValue:
    """What an operator looks at: every check, every job with its last run, what is unconfirmed."""
    return render_template(
        "system.html",
        checks=health.run_all(utcnow(), advice=True),
        jobs=registered().values(),
        runs=newest_runs(),
    )
