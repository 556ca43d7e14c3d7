"""What the trail registers: its page, its command, its check; and what features keep off the page."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from flask import Flask

from portal import health, nav
from portal.access import Permission
from portal.audit import queries
from portal.audit.views import PROTECTED, trail
from portal.cli import LazyGroup
from portal.nav import Entry


def init_app(app: Flask) -> None:
    app.register_blueprint(trail)
    app.cli.add_command(
        LazyGroup("audit", module="portal.audit.cli", attribute="audit_cli", help="稽核紀錄。")
    )
    health.add(app, end_check)
    nav.add(app, Entry("稽核紀錄", "audit.index", "link-45deg", Permission.SYSTEM, order=72))


def end_check(_now: datetime) -> health.Check:
    """Whether the chain's head names the last event; `flask audit verify` looks at all of them."""
    if not queries.end_matches():
        return health.Check("audit", False, "稽核紀錄的末端不符；請執行 flask audit verify 找出第一筆。")
    return health.Check("audit", True, f"稽核紀錄 {queries.head().count:,} 筆，末端相符。")


def protect(app: Flask, object_type: str, is_protected: sa.ColumnElement[bool]) -> None:
    """Keep the events of some objects off the page.

    `is_protected` is a condition on AuditEvent.object_id. Features say here which of their objects
    even a system administrator may not know of.
    """
    protected: dict[str, sa.ColumnElement[bool]] = app.extensions.setdefault(PROTECTED, {})
    protected[object_type] = is_protected
