"""How long letters are kept, and after that: plan, approval, disposal with a catalogue (檔案法 §12)."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from flask import Flask

from feedback.models import IntakeKey
from feedback.retention import models as models
from feedback.retention.desk import retention
from feedback.retention.holdings import OWN, add
from portal import nav, sweep
from portal.access import Permission
from portal.app import profile
from portal.cli import LazyGroup
from portal.nav import Entry
from portal.sweep import Sweep


def _old_keys(now: datetime) -> sa.ColumnElement[bool]:
    return IntakeKey.created_at < now - timedelta(days=profile().retention.key_days)


def init_app(app: Flask) -> None:
    app.register_blueprint(retention)
    add(app, *OWN)
    sweep.register(app, Sweep("intake-keys", "辨認重複送出的鍵", IntakeKey, _old_keys))
    commands = LazyGroup(
        "retention", module="feedback.retention.cli", attribute="retention_cli", help="保存年限、銷毀與清除。"
    )
    app.cli.add_command(commands)
    nav.add(app, Entry("保存與銷毀", "retention.index", "archive", Permission.RETENTION, order=46))
