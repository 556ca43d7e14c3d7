"""`flask analytics hotspots`: the issues of a file of letters. Pure functions over lines; no database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from analytics.cli_base import BadInput, object_of, prepare_text, rows_of, text_of, write, write_json
from portal.clock import ROC_OFFSET, TAIPEI

if TYPE_CHECKING:
    from analytics.issues.detect import Issue, Letter

FIELDS = ("members", "first", "last", "posts", "people", "label", "score", "mass_posting")
"""What the outside contract tells of an issue, in its order."""

_DATE = re.compile(r"(\d{2,4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]+(.+))?", re.ASCII | re.DOTALL)


@click.command()
@click.argument("file", required=False)
@click.option("--json", "as_json", is_flag=True, help="每個議題一行 JSON。")
def hotspots(file: str | None, as_json: bool) -> None:
    """找出 JSONL（id、date、text，可含 person、topic）裡的熱門議題，分數高的在前。"""
    from analytics.issues.detect import detect  # inside: every web worker registers this command

    ids, letters = [], []
    for identifier, letter in _letters(file):
        ids.append(identifier)
        letters.append(letter)
    prepare_text()
    for issue in detect(letters):
        row = as_row(issue, ids)
        if as_json:
            write_json(row)
        else:
            write(as_line(row))


def as_row(issue: Issue, ids: list[str | int]) -> dict[str, Any]:
    """An issue as the outside contract writes it; its members are places in `ids`."""
    told = asdict(issue) | {
        "members": [ids[int(place)] for place in issue.members],
        "first": issue.first.isoformat(),
        "last": issue.last.isoformat(),
    }
    return {field: told[field] for field in FIELDS}


def as_line(row: dict[str, Any]) -> str:
    """An issue in one line for people."""
    mass = "　大量投書" if row["mass_posting"] else ""
    span = f"{row['first']}～{row['last']}"
    return f"{row['score']:>8.2f}　{row['posts']} 封／{row['people']} 人　{span}　{row['label']}{mass}"


def _letters(file: str | None) -> Iterator[tuple[str | int, Letter]]:
    """Each line's id and letter. The letter's key is its place: ids of other systems may repeat."""
    from analytics.issues.detect import Letter

    for place, (where, line) in enumerate(rows_of(file)):
        row = object_of(where, line)
        identifier = row.get("id")
        if isinstance(identifier, bool) or not isinstance(identifier, str | int):
            raise BadInput(f"{where}：缺少 id。")
        when = moment(where, text_of(where, row, "date"))
        text = text_of(where, row, "text")
        yield identifier, Letter(place, when, text, _mark(where, row, "person"), _mark(where, row, "topic"))


def _mark(where: str, row: dict[str, Any], key: str) -> str | None:
    value = row.get(key)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise BadInput(f"{where}：{key} 應為文字。")
    return str(value)


def moment(where: str, text: str) -> datetime:
    """A date with or without time, in ISO form or as 2019/2/28 11:25:05; years before 1000 are ROC years.

    Without a time zone it is Taipei's.
    """
    try:
        found = _DATE.fullmatch(text.strip())
        if found:
            year, month, day = (int(part) for part in found.groups()[:3])
            clock = re.sub(r"^(\d):", r"0\1:", found[4] or "00:00")
            year += ROC_OFFSET if year < 1000 else 0
            text = f"{year:04d}-{month:02d}-{day:02d}T{clock}"
        moment = datetime.fromisoformat(text.strip())
        return moment.replace(tzinfo=TAIPEI) if moment.tzinfo is None else moment.astimezone(TAIPEI)
    except (ValueError, OverflowError) as error:
        shown = " ".join(text.split())[:30]
        raise BadInput(f"{where}：日期「{shown}」請寫成 2026-11-23 或 2026/11/23 8:30:00。") from error
