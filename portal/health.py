"""Checks an operator needs, one line each, shared by /healthz, /readyz and `flask doctor`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from portal.config import ROOT
from portal.db import db
from portal.instance import is_demo
from portal.jobs import JobRun, RunnerBeat, registered
from portal.units import Unit

RUNNER_SILENT_AFTER = timedelta(minutes=3)


@dataclass(frozen=True)
class Check:
    """One finding. `message` is for the operator, in Traditional Chinese, without data of citizens.

    `advice` is something to improve, not a reason to keep the installation from its visitors.
    """

    name: str
    ok: bool
    message: str
    advice: bool = False


Checker = Callable[[datetime], Check]


def add(app: Flask, *checkers: Checker) -> None:
    """Features add their own checks (for example: is a classifier active)."""
    app.extensions.setdefault("checks", []).extend(checkers)


def database() -> Check:
    try:
        db.session.execute(sa.text("SELECT 1"))
    except SQLAlchemyError as error:
        return Check("database", False, f"資料庫無法讀取（{type(error).__name__}）。")
    return Check("database", True, "資料庫可以讀取。")


def migrations() -> Check:
    with db.engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    newest = ScriptDirectory(str(ROOT / "migrations")).get_current_head()
    if current == newest:
        return Check("migrations", True, f"資料表是最新版（{newest}）。")
    return Check("migrations", False, f"資料表版本是 {current}，程式需要 {newest}；請執行 flask db upgrade。")


def units() -> Check:
    count = db.session.scalar(sa.select(sa.func.count()).select_from(Unit)) or 0
    if count:
        return Check("units", True, f"已載入 {count} 個單位。")
    return Check("units", False, "還沒有載入機關設定；請執行 flask setup。")


def runner(now: datetime) -> Check:
    seen = db.session.scalar(sa.select(sa.func.max(RunnerBeat.seen_at)))
    if seen is None or now - seen > RUNNER_SILENT_AFTER:
        return Check("runner", False, "沒有背景工作程序在執行；請啟動 flask jobs serve。")
    return Check("runner", True, "背景工作程序正常。")


def jobs() -> list[Check]:
    """The last finished run of each registered job; one that never ran is not a fault."""
    newest = sa.select(sa.func.max(JobRun.id)).where(JobRun.finished_at.is_not(None)).group_by(JobRun.job)
    runs = {run.job: run for run in db.session.scalars(sa.select(JobRun).where(JobRun.id.in_(newest)))}
    checks = []
    for name, job in registered().items():
        run = runs.get(name)
        if run is not None and run.error:
            checks.append(Check(f"job:{name}", False, f"工作「{job.title}」上次執行失敗（{run.error}）。"))
        else:
            checks.append(Check(f"job:{name}", True, f"工作「{job.title}」正常。"))
    return checks


def base_url() -> Check:
    if current_app.config["QINGTING"].base_url or is_demo():
        return Check("base_url", True, "郵件裡的網址沒有問題。", advice=True)
    missing = "沒有設定 QINGTING_BASE_URL，所以郵件裡不附查詢網址；請設成民眾使用的網址。"
    return Check("base_url", False, missing, advice=True)


def run_all(now: datetime, *, advice: bool = False) -> list[Check]:
    """Every check; when the database or its tables are missing, only the finding that explains it.

    Advice comes with them for an operator who reads it (doctor, the system page), not for a load
    balancer that would take the installation out of service.
    """
    first = database()
    if not first.ok:
        return [first]
    second = migrations()
    if not second.ok:
        return [first, second]
    added: list[Checker] = current_app.extensions.get("checks", [])
    found = [first, second, units(), runner(now), *jobs(), *(checker(now) for checker in added)]
    found.append(base_url())
    return [check for check in found if advice or not check.advice]
