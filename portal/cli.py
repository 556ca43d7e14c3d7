"""Commands of the shell: set-up, health, jobs, the development server with its job runner."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext

from portal import health, jobs
from portal.clock import roc_datetime, utcnow
from portal.config import ConfigError
from portal.db import transaction
from portal.errors import DomainError
from portal.instance import MODE, REAL, fact, set_fact
from portal.profile import ProfileError
from portal.units import sync_units

PLAIN_FAULTS = (DomainError, ProfileError, ConfigError)


class PlainGroup(AppGroup):
    """A command group whose known faults are one clear line and exit code 1, not a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except PLAIN_FAULTS as fault:
            raise click.ClickException(str(fault)) from fault


class LazyGroup(PlainGroup):
    """A group whose module is imported when one of its commands is used.

    The web process shares the command line's application, and must not carry the classifier's
    libraries in memory.
    """

    def __init__(self, *args: Any, module: str, attribute: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._source = (module, attribute)

    def _loaded(self) -> click.Group:
        module, attribute = self._source
        group: click.Group = getattr(importlib.import_module(module), attribute)
        return group

    def list_commands(self, ctx: click.Context) -> list[str]:
        return self._loaded().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return self._loaded().get_command(ctx, cmd_name)


@click.command("setup")
@with_appcontext
def setup() -> None:
    """載入機關設定（單位等）；可重複執行。"""
    count = sync_units(current_app.extensions["profile"])
    if fact(MODE) is None:
        with transaction() as session:
            set_fact(session, MODE, REAL)
    for step in set_up_steps():
        step()
    click.echo(f"已載入 {count} 個單位。接著用 flask accounts add 建立人員帳號。")


def set_up_steps() -> list[Callable[[], None]]:
    """What features add to `flask setup` (for example: publish the standard survey)."""
    steps: list[Callable[[], None]] = current_app.extensions.get("set_up", [])
    return steps


def add_set_up(app: Flask, step: Callable[[], None]) -> None:
    app.extensions.setdefault("set_up", []).append(step)


@click.command("doctor")
@with_appcontext
def doctor() -> None:
    """檢查運作所需的每一項；有問題時結束碼為 1。"""
    checks = health.run_all(utcnow(), advice=True)
    for check in checks:
        state = "正常" if check.ok else "建議" if check.advice else "異常"
        click.echo(f"{state}  {check.name:<24}{check.message}")
    for item in current_app.extensions["profile"].unconfirmed:
        click.echo(f"提醒  {item}")
    if not all(check.ok or check.advice for check in checks):
        raise SystemExit(1)


jobs_cli = PlainGroup("jobs", help="背景工作。")


@jobs_cli.command("serve")
def serve() -> None:
    """啟動背景工作程序，直到收到停止訊號。"""
    jobs.serve(current_app._get_current_object())  # type: ignore[attr-defined]  # werkzeug's proxy


@jobs_cli.command("list")
def list_jobs() -> None:
    """列出排程、上次執行時間與結果。"""
    runs = jobs.newest_runs()
    for job in jobs.registered().values():
        run = runs.get(job.name)
        when = roc_datetime(run.claimed_at) if run else "尚未執行"
        result = "" if run is None else f"失敗（{run.error}）" if run.error else f"處理 {run.count} 筆"
        schedule = " ".join(f"{field}={value}" for field, value in job.cron.items())
        click.echo(f"{job.name:<20}{job.title:<16}{schedule:<28}{when}  {result}")


@jobs_cli.command("run")
@click.argument("name")
def run_job(name: str) -> None:
    """立刻執行一次某個工作。"""
    job = jobs.registered().get(name)
    if job is None:
        known = "、".join(jobs.registered())
        raise click.ClickException(f"沒有「{name}」這個工作；可用的有：{known}。")
    count = jobs.run_now(job, utcnow(), runner=jobs.runner_name())
    click.echo(f"「{job.title}」完成，處理 {count} 筆。")


def init_app(app: Flask) -> None:
    for command in (setup, doctor, jobs_cli):
        app.cli.add_command(command)
