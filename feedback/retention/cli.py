"""`flask retention …`: what could be disposed of, carrying out a plan, sweeping what is no record."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import click
from flask import current_app

from feedback.retention import queries
from feedback.retention.carrying import carry_out
from feedback.retention.catalogue import as_csv
from feedback.retention.models import Outcome
from feedback.retention.plans import NOT_SET
from portal import sweep
from portal.app import profile
from portal.cli import PlainGroup
from portal.clock import ROC_OFFSET, TAIPEI, local_date, roc_date, utcnow
from portal.errors import BadInput

retention_cli = PlainGroup("retention", help="保存年限、銷毀與清除。")


@retention_cli.command("report")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="以哪一天計算，例如 2031-01-01；預設今天。")
def report(on: datetime | None) -> None:
    """列出保存年限已屆滿的信件；只列出，不更動任何資料。"""
    day = on.replace(tzinfo=TAIPEI).date() if on else local_date(utcnow())
    retention = profile().retention
    state = "" if retention.confirmed else "（待機關確認）"
    click.echo(f"保存年限：{retention.label}{state}；以{roc_date(day)}計算。")
    for year, count in sorted(queries.by_closing_year().items()):
        click.echo(f"{year - ROC_OFFSET}年結案  {count} 封")
    years = retention.disposable_after
    if years is None:
        click.echo(NOT_SET)
        return
    found = queries.listed(retention, day)
    text = as_csv(
        (
            case.number, retention.archive_class, profile().topic_name(case.topic), case.unit.name,
            local_date(case.received_at), local_date(at), years,
            queries.keep_until(at, years),
        )
        for case in found
        if (at := queries.completed_at(case)) is not None
    )  # fmt: skip
    path = _folder() / f"retention-{day.isoformat()}.csv"
    path.write_text(text, encoding="utf-8")
    hidden = queries.hidden_count(retention, day)
    click.echo(f"可以列入銷毀計畫：{len(found)} 封，另有限閱的 {hidden} 封（只列數量）。清單：{path}")


def _folder() -> Path:
    folder: Path = current_app.config["QINGTING"].instance / "reports"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


@retention_cli.command("carry-out")
@click.argument("plan")
@click.option("--yes", is_flag=True, help="不再詢問。")
def carry_out_plan(plan: str, yes: bool) -> None:
    """執行一個已核准的銷毀計畫，例如 carry-out 銷115-0001；不能復原。"""
    found = re.fullmatch(r"(?:銷?\d{2,3}-)?(\d{1,9})", plan.strip())
    if found is None:
        raise BadInput("計畫編號的格式不對，例如 銷115-0001。")
    if not yes:
        click.confirm(f"要銷毀計畫 {plan} 的信件內容嗎？這個動作不能復原。", abort=True)
    done = carry_out(int(found[1]), current_app.extensions["holdings"], profile=profile(), now=utcnow())
    click.echo(f"已銷毀 {done[Outcome.DESTROYED]} 封，保留 {done[Outcome.KEPT]} 封（原因見計畫頁）。")


@retention_cli.command("sweep")
@click.option("--dry-run", is_flag=True, help="只計算，不清除。")
def sweep_now(dry_run: bool) -> None:
    """清除不屬檔案的過期資料；每天也會自動執行。"""
    now = utcnow()
    done = [(item, item.count(now)) for item in sweep.registered()] if dry_run else sweep.run_each(now)
    for item, count in done:
        click.echo(f"{item.title}：{'將清除' if dry_run else '已清除'} {count} 筆")
