"""`flask calendar …`: the office calendar from the command line."""

from __future__ import annotations

from pathlib import Path

import click
from flask import current_app

from portal.calendars import services
from portal.calendars.official import MAX_BYTES, YEARS, read_table
from portal.calendars.page import year_of
from portal.calendars.queries import days_of, office_calendar
from portal.cli import PlainGroup
from portal.clock import ROC_OFFSET, roc_date, utcnow
from portal.db import db

calendar_cli = PlainGroup("calendar", help="辦公日曆：放假日、補行上班日、停止上班日。")


@calendar_cli.command("import")
@click.argument("file", type=click.Path(path_type=Path))
def import_file(file: Path) -> None:
    """匯入人事行政總處的政府行政機關辦公日曆表（CSV）；可重複執行。"""
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise click.ClickException(f"{file.name}：檔案讀不到，請確認路徑與權限。") from error
    table = read_table(content)
    change = services.import_table(table, by=None, profile=current_app.extensions["profile"], now=utcnow())
    years = "、".join(f"{year - ROC_OFFSET}年" for year in table.years)
    click.echo(f"已匯入{years}，{change.days} 天有變動，{change.deadlines} 件信的期限已重新計算。")


@calendar_cli.command("show")
@click.argument("roc_year", type=click.IntRange(YEARS[0] - ROC_OFFSET, YEARS[-1] - ROC_OFFSET))
def show(roc_year: int) -> None:
    """列出民國某年的放假日、補行上班日與停止上班日（週六、週日不列）。"""
    number, profile, session = roc_year + ROC_OFFSET, current_app.extensions["profile"], db.session()
    year = year_of(number, office_calendar(session, profile), profile, days_of(session, number))
    for item in year.particular:
        state = "上班" if item.is_working else "放假"
        entered = "（自訂）" if item.entered else ""
        click.echo(f"{roc_date(item.day)}（{item.weekday}） {state}  {item.title}{entered}")
    origin = f"依{year.source}" if year.source else "沒有這一年的辦公日曆表，只把週六、週日當放假日"
    click.echo(f"{year.roc}年上班 {year.worked} 天、放假 {year.off} 天；{origin}。")
