"""What has served and is no record: deleted or emptied once a day, and counted before on request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Flask, current_app
from sqlalchemy.orm import Session

from portal import jobs
from portal.audit import record
from portal.db import Model, db, transaction
from portal.outbox import OutboxMessage


@dataclass(frozen=True)
class Sweep:
    """Rows that are `stale` at a moment: deleted, or only emptied when `blank` says which columns."""

    name: str
    title: str
    model: type[Model]
    stale: Callable[[datetime], sa.ColumnElement[bool]]
    blank: Mapping[str, Any] | None = None

    def count(self, now: datetime) -> int:
        """How many rows would go; nothing is changed."""
        wanted = sa.select(sa.func.count()).select_from(self.model).where(self.stale(now))
        return db.session.scalar(wanted) or 0

    def run(self, session: Session, now: datetime) -> int:
        """Delete or empty the rows in the caller's transaction; return how many."""
        statement: Any = sa.delete(self.model) if self.blank is None else sa.update(self.model)
        if self.blank is not None:
            statement = statement.values(**self.blank)
        done = session.execute(
            statement.where(self.stale(now)), execution_options={"synchronize_session": False}
        )
        count: int = done.rowcount  # type: ignore[attr-defined]  # CursorResult
        if count:
            record(session, "sweep.done", "sweep", self.name, actor_id=None, now=now, count=count)
        return count


def register(app: Flask, *sweeps: Sweep) -> None:
    app.extensions.setdefault("sweeps", []).extend(sweeps)


def registered() -> list[Sweep]:
    found: list[Sweep] = current_app.extensions.get("sweeps", [])
    return found


def run(now: datetime) -> int:
    """Sweep everything that is registered, each in a transaction of its own; return how many rows."""
    return sum(result for _, result in run_each(now))


def run_each(now: datetime) -> list[tuple[Sweep, int]]:
    done = []
    for item in registered():
        with transaction() as session:
            done.append((item, item.run(session, now)))
    return done


def _sent_long_ago(now: datetime) -> sa.ColumnElement[bool]:
    """Mails that were handed on; one that still waits is never touched."""
    days: int = current_app.extensions["profile"].retention.mail_days
    return sa.and_(OutboxMessage.sent_at < now - timedelta(days=days), OutboxMessage.body != "")


def init_app(app: Flask) -> None:
    register(
        app,
        # The row stays: it is what keeps the same mail from being sent again.
        Sweep(
            "mail-texts", "已寄出郵件的內容與收件人", OutboxMessage, _sent_long_ago,
            blank={"body": "", "recipient": ""},
        ),
        Sweep("job-runs", "背景工作的執行紀錄", jobs.JobRun, jobs.old_runs),
    )  # fmt: skip
    jobs.register(
        app, jobs.Job("sweep", "清除過期的暫存資料", "portal.sweep:run", {"hour": "3", "minute": "20"})
    )
