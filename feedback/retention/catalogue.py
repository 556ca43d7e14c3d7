"""The catalogue of letters to destroy (銷毀目錄), as the archives want it: one line a letter."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import date

from portal.clock import roc_date

HEADS = ("案件編號", "分類號", "案由", "承辦單位", "收文日期", "結案日期", "保存年限", "保存至")
Line = tuple[str, str, str, str, date, date, int, date]


def as_csv(lines: Iterable[Line]) -> str:
    """With a byte order mark, so that spreadsheets read the Chinese; years with their unit."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADS)
    for number, archive_class, topic, unit, received, closed, years, until in lines:
        row = (number, archive_class, topic, unit, roc_date(received), roc_date(closed), f"{years}年")
        writer.writerow((*row, roc_date(until)))
    return "\ufeff" + out.getvalue()
