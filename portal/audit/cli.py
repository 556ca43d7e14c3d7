"""`flask audit …`: check the hash chain of the trail, and take it out of the database."""

from __future__ import annotations

import re
from pathlib import Path

import click

from portal.audit import services
from portal.audit.chain import Walk
from portal.cli import PlainGroup
from portal.clock import roc_date, utcnow

audit_cli = PlainGroup("audit", help="稽核紀錄。")
HASH = re.compile(r"[0-9a-f]{64}")


def _hash(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    if not HASH.fullmatch(value.strip().lower()):
        raise click.BadParameter("雜湊是 64 個十六進位數字。")
    return value.strip().lower()


@audit_cli.command("verify")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--head", "anchor", callback=_hash, help="先前記下的雜湊，必須是其中一筆的。")
def verify(file: Path | None, anchor: str | None) -> None:
    """驗證稽核紀錄的雜湊鏈；指定 FILE 時驗證匯出的檔案，不讀資料庫。

    完整時印出筆數、期間與末端的雜湊；不完整時指出第一筆不符的紀錄，結束碼為 1。
    """
    walk = services.verify_file(file, anchor=anchor) if file else services.verify(now=utcnow(), anchor=anchor)
    click.echo(f"稽核紀錄完整：{walk.count:,} 筆{_period(walk)}，末端雜湊 {walk.hash}{_anchored(walk)}。")


def _period(walk: Walk) -> str:
    if walk.first_at is None or walk.last_at is None:
        return ""
    return f"，{roc_date(walk.first_at)}至{roc_date(walk.last_at)}"


def _anchored(walk: Walk) -> str:
    return f"；先前記下的雜湊是第 {walk.anchored_at:,} 筆" if walk.anchored_at else ""


@audit_cli.command("export")
@click.argument("file", type=click.Path(path_type=Path))
def export(file: Path) -> None:
    """把雜湊鏈匯出成 JSON Lines；匯出本身也記入稽核紀錄。檔案已存在時不覆蓋。"""
    end = services.export(file, now=utcnow())
    click.echo(f"已匯出 {end.count:,} 筆到 {file.name}，末端雜湊 {end.hash}。")
