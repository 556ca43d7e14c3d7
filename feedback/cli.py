"""`flask feedback …`: letters from the command line."""

from __future__ import annotations

from pathlib import Path

import click
from flask import current_app

from feedback.importing import LetterFile, open_letters
from feedback.mailjob import fetch_mail, left
from feedback.services import search_index
from feedback.services.importing import ImportResult, take_in
from feedback.sheets import UnreadableError
from portal.cli import PlainGroup
from portal.clock import utcnow

feedback_cli = PlainGroup("feedback", help="民眾來信。")


class UnreadableFileError(click.ClickException):
    exit_code = 2


@feedback_cli.command("import")
@click.argument("file", type=click.Path(path_type=Path))
def import_letters(file: Path) -> None:
    """匯入其他管道或系統的來信（.csv、.xlsx、.ods、.jsonl）；可重複執行。

    \b
    必要欄位：內容（text 或 body）
    可有欄位：主旨 subject、日期 date、管道 channel、姓名 name、電子郵件 email、
              電話 phone、縣市 county、單位 unit、外部編號 external_id
    """
    try:
        letters = open_letters(file)
        result = take_in(letters.rows(), profile=current_app.extensions["profile"], now=utcnow())
    except UnreadableError as fault:
        raise UnreadableFileError(f"{file.name}：{fault}") from fault
    _report(letters, result)


@feedback_cli.command("fetch-mail")
def fetch() -> None:
    """收取 MAIL_IN_URL 信箱裡的來信；可重複執行，收過的不會再收，信也不會從信箱刪除。"""
    if not current_app.config["QINGTING"].mail_in_url:
        raise click.ClickException("沒有設定 MAIL_IN_URL，例如 imaps://帳號:密碼@主機/INBOX。")
    result = fetch_mail(utcnow())
    others = "、".join(f"{kind.label} {count}" for kind, count in result.not_letters.items())
    click.echo(
        f"收了 {result.taken} 封來信，略過 {result.known} 封（先前已收）"
        f"，{result.not_letters.total()} 封不是來信{f'（{others}）' if others else ''}。"
    )
    if result.failed or result.too_large:
        raise click.ClickException(left(result))


@feedback_cli.command("index")
@click.option("--anew", is_flag=True, help="忘掉整個索引，重新讀每一封信。")
def index(anew: bool) -> None:
    """讓同仁搜尋得到每一封信；平常由背景工作自己做，升級或還原備份之後可以先執行。"""
    if anew:
        done = search_index.rebuild(utcnow(), lambda count: click.echo(f"已編入 {count:,} 封"))
    else:
        done = search_index.tidy(utcnow())
    click.echo(f"編入 {done:,} 封，搜尋索引已整理。")


def _report(letters: LetterFile, result: ImportResult) -> None:
    if letters.ignored:
        click.echo(f"沒有用到的欄位：{'、'.join(letters.ignored)}")
    if result.strange_units:
        click.echo(f"不認得的單位，信已交預設單位分文：{'、'.join(result.strange_units)}")
    for refusal in result.refused:
        click.echo(f"第 {refusal.row} 列沒有匯入：{refusal.reason}")
    click.echo(
        f"匯入 {result.taken} 封，略過 {result.skipped} 封（先前已匯入），退回 {len(result.refused)} 封。"
    )
