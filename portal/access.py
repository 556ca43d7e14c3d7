"""Who may do what. Every endpoint says so itself; one that says nothing is closed."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask, abort, current_app, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

View = TypeVar("View", bound=Callable[..., Any])

PUBLIC = "public"
FILES = frozenset({"static", "bootstrap.static"})
NOT_TYPED = frozenset({"csrf_token", "password", "old", "new", "again"})


class Role(enum.Enum):
    """What a person is at work; names for people come from the profile."""

    HANDLER = "handler"
    HEAD = "head"
    SECRETARIAT = "secretariat"
    ETHICS = "ethics"
    ADMIN = "admin"


class Permission(enum.Enum):
    """One thing a person may do. Which rows it covers is decided by `visible_to`."""

    STAFF = "staff"
    CASE_READ = "case.read"
    CASE_REPLY = "case.reply"
    CASE_ASSIGN = "case.assign"
    CASE_APPROVE = "case.approve"
    CASE_DISPATCH = "case.dispatch"
    SUMMARY_READ = "summary.read"
    TREND_READ = "trend.read"
    IMPROVE = "improve"
    DATA_RIGHTS = "data.rights"
    RETENTION = "retention"
    SURVEY_READ = "survey.read"
    SYSTEM = "system"
    CALENDAR = "calendar"


_HANDLER = {
    Permission.STAFF,
    Permission.CASE_READ,
    Permission.CASE_REPLY,
    Permission.SUMMARY_READ,
    Permission.SURVEY_READ,
}
_CHIEF = _HANDLER | {Permission.CASE_ASSIGN, Permission.CASE_APPROVE}
_HEAD = _CHIEF | {Permission.IMPROVE}
_RECORDS = {Permission.DATA_RIGHTS, Permission.RETENTION}

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.HANDLER: frozenset(_HANDLER),
    Role.HEAD: frozenset(_HEAD),
    Role.SECRETARIAT: frozenset(
        _HEAD | _RECORDS | {Permission.CASE_DISPATCH, Permission.TREND_READ, Permission.CALENDAR}
    ),
    Role.ETHICS: frozenset(_CHIEF | _RECORDS),
    Role.ADMIN: frozenset({Permission.STAFF, Permission.SYSTEM, Permission.CALENDAR}),
}


@dataclass(frozen=True)
class Actor:
    """The signed-in person as views and services see them: a snapshot without a database session."""

    id: int
    name: str
    role: Role
    unit_id: int
    unit_code: str
    unit_name: str
    must_change_password: bool = False

    def may(self, permission: Permission) -> bool:
        return permission in PERMISSIONS[self.role]

    @property
    def sees_all_units(self) -> bool:
        """The secretariat reads every unit's ordinary letters and figures."""
        return self.role is Role.SECRETARIAT


def public(view: View) -> View:
    """Open to everybody."""
    view.__access__ = PUBLIC  # type: ignore[attr-defined]  # the declaration that `enforce` reads
    return view


def requires(permission: Permission) -> Callable[[View], View]:
    """Open to signed-in people who hold the permission."""

    def mark(view: View) -> View:
        view.__access__ = permission  # type: ignore[attr-defined]  # see `public`
        return view

    return mark


def enforce() -> Response | None:
    """Run before every request; an endpoint that declares nothing is closed."""
    endpoint = request.endpoint
    if endpoint is None or endpoint in FILES:
        return None  # 404 and 405 keep their own pages
    rule = getattr(current_app.view_functions.get(endpoint), "__access__", None)
    if rule is None:
        abort(403)
    if rule == PUBLIC:
        return None
    user: Actor | None = g.user
    if user is None and request.method == "POST" and request.form:
        return _signed_out()
    if user is None:
        return redirect(url_for("accounts.sign_in", next=request.full_path.rstrip("?")))
    if not user.may(rule):
        abort(403)
    if user.must_change_password and endpoint not in {"accounts.change_password", "accounts.sign_out"}:
        return redirect(url_for("accounts.change_password"))
    return None


def _signed_out() -> Response:
    """A page that gives back what was typed: a session must not end at the cost of a long reply."""
    typed = [text for name, text in request.form.items() if name not in NOT_TYPED and text.strip()]
    page = render_template("errors/signed_out.html", typed=typed)
    return current_app.make_response((page, 401))


def init_app(app: Flask) -> None:
    app.before_request(enforce)
