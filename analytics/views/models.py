"""Which classifier is at work, what it scores, and the way back to an earlier one."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm

from analytics.services import versions
from portal.access import Permission, requires
from portal.clock import utcnow

models = Blueprint("models", __name__, url_prefix="/staff/models", template_folder="../templates")


@models.get("/")
@requires(Permission.SYSTEM)
def index() -> ResponseReturnValue:
    return render_template("analytics/models.html", versions=versions.versions(), form=FlaskForm())


@models.post("/<version_id>/activate")
@requires(Permission.SYSTEM)
def activate(version_id: str) -> ResponseReturnValue:
    versions.activate(version_id, by=g.user, now=utcnow())
    flash(f"已改用分類模型 {version_id}；新來信會用它分類。", "success")
    return redirect(url_for(".index"), 303)
