"""Which classifier is at work, what waits beside it, the way back, and how well it does on real letters."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm

from analytics.checks import fault_of
from analytics.comparison import PARTS, TONES, Standing, against, in_order, parts, reasons, standing
from analytics.models import ClassifierVersion
from analytics.services import candidates, versions
from analytics.watch_page import WatchPage
from portal.access import Permission, requires
from portal.app import profile
from portal.clock import utcnow
from portal.db import db
from portal.errors import Conflict, NotFound

models = Blueprint("models", __name__, url_prefix="/staff/models", template_folder="../templates")


@models.get("/")
@requires(Permission.SYSTEM)
def index() -> ResponseReturnValue:
    every = versions.versions()
    known = {version.id: version for version in every}
    groups: dict[Standing, list[ClassifierVersion]] = {kind: [] for kind in Standing}
    for version in every:
        groups[standing(version)].append(version)
    return render_template(
        "analytics/models.html",
        groups=groups,
        standings=Standing,
        previous=versions.previously_active() if groups[Standing.ACTIVE] else None,
        why={version.id: reasons(version, known.get(against(version) or "")) for version in every},
        form=FlaskForm(),
    )


@models.get("/<version_id>/comparison")
@requires(Permission.SYSTEM)
def comparison(version_id: str) -> ResponseReturnValue:
    version = _version(version_id)
    rival_id = against(version)
    rival = db.session.get(ClassifierVersion, rival_id) if rival_id else None
    found = parts(version)
    return render_template(
        "analytics/model_comparison.html",
        version=version,
        standing=standing(version),
        standings=Standing,
        tones=TONES,
        rival=rival,
        active=versions.active_version(),
        parts=found,
        names=PARTS,
        why=reasons(version, rival),
        topics=in_order({code for part in found for code in part.topics}, profile()),
        topic_name=profile().topic_name,
        form=FlaskForm(),
    )


@models.post("/<version_id>/activate")
@requires(Permission.SYSTEM)
def activate(version_id: str) -> ResponseReturnValue:
    version = _version(version_id)
    fault = fault_of(version)
    if fault:
        flash(f"不能改用分類模型 {version_id}：它{fault}。", "danger")
        return redirect(url_for(".comparison", version_id=version_id), 303)
    versions.activate(version_id, by=g.user, now=utcnow())
    flash(f"已改用分類模型 {version_id}；新來信會用它分類。", "success")
    return redirect(url_for(".index"), 303)


@models.post("/rollback")
@requires(Permission.SYSTEM)
def rollback() -> ResponseReturnValue:
    """Back to the version that the button named: a second click, or a colleague's, must not go further."""
    before = versions.previously_active()
    if before is None:
        raise NotFound("沒有更早啟用過的分類模型。")
    if before.id != request.form.get("to"):
        raise Conflict("使用中的分類模型剛換過，請重新整理後再看一次。")
    fault = fault_of(before)
    if fault:
        flash(f"不能換回分類模型 {before.id}：它{fault}。", "danger")
        return redirect(url_for(".index"), 303)
    versions.rollback(by=g.user, now=utcnow())
    flash(f"已換回分類模型 {before.id}；新來信會用它分類。", "success")
    return redirect(url_for(".index"), 303)


@models.post("/<version_id>/set-aside")
@requires(Permission.SYSTEM)
def set_aside(version_id: str) -> ResponseReturnValue:
    candidates.set_aside(version_id, by=g.user, now=utcnow())
    flash(f"分類模型 {version_id} 保留不用；之後仍可以啟用。", "success")
    return redirect(url_for(".index"), 303)


@models.get("/watch")
@requires(Permission.STAFF)
def watch() -> ResponseReturnValue:
    """Counts only, and none of restricted letters: open to everybody who works with suggestions."""
    return render_template("analytics/model_watch.html", page=WatchPage(profile(), now=utcnow()))


def _version(version_id: str) -> ClassifierVersion:
    version = db.session.get(ClassifierVersion, version_id)
    if version is None:
        raise NotFound("找不到這個分類模型。")
    return version
