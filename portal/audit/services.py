"""Checking the whole chain, and writing it to a file that can be checked elsewhere."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from portal.audit import queries
from portal.audit.chain import FIELDS, Head, Link, Walk, read_json, read_moment
from portal.audit.events import record
from portal.db import transaction
from portal.errors import BadInput

LONGEST_LINE = 256 * 1024
LINK = {"id", "hash", *FIELDS}
END = {"head", "count"}


def verify(*, now: datetime, anchor: str | None = None) -> Walk:
    """Walk through the stored chain and note that it held. Raises BrokenChain at the first bad link.

    `anchor` is a hash noted down earlier that must be among the links. Acts that come in meanwhile
    are walked over as well.
    """
    walk = Walk(queries.head(), anchor)
    for link in queries.links():
        walk.take(link)
    walk.finish(queries.head())
    with transaction() as session:
        record(
            session, queries.VERIFIED, "audit", "chain", actor_id=None, now=now,
            count=walk.count, head=walk.hash,
        )  # fmt: skip
    return walk


def export(path: Path, *, now: datetime) -> Head:
    """Write the chain to a new file, one JSON object a line and its end in the last line.

    The export is itself an event, and the last one in the file. Raises BadInput when the file is there
    or cannot be written. A file without its last line was not finished.
    """
    try:
        with open(path, "x", encoding="utf-8", opener=_for_us_alone) as out:
            with transaction() as session:
                record(session, "audit.exported", "audit", "chain", actor_id=None, now=now)
            end = queries.head()
            for link in islice(queries.links(), end.count):
                out.write(_line({"id": link.id, **link.facts, "hash": link.hash}))
            out.write(_line({"head": end.hash, "count": end.count}))
    except FileExistsError:
        raise BadInput(f"{path.name} 已經存在；請換一個檔名，以免蓋掉先前的匯出。") from None
    except OSError as fault:
        raise BadInput(f"{path.name} 無法寫入（{fault.strerror}）。") from fault
    return end


def _for_us_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _line(values: dict[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False) + "\n"


def verify_file(path: Path, *, anchor: str | None = None) -> Walk:
    """Walk through an exported file, without the database.

    Raises BrokenChain at the first bad link, BadInput when it is no such file or was not finished.
    """
    try:
        with path.open("rb") as lines:
            end = _end(lines)
            walk = Walk(end, anchor)
            for link in _links(lines):
                walk.take(link)
    except OSError as fault:
        raise BadInput(f"{path.name} 無法讀取（{fault.strerror}）。") from fault
    walk.finish(end)
    return walk


def _end(lines: BinaryIO) -> Head:
    """The end that the file's last line names; the file is back at its beginning then."""
    size = lines.seek(0, os.SEEK_END)
    lines.seek(max(0, size - LONGEST_LINE))
    last = lines.read().splitlines()[-1:]
    lines.seek(0)
    values = _object(last[0]) if last else {}
    head, count = values.get("head"), values.get("count")
    if values.keys() != END or not isinstance(head, str) or type(count) is not int:
        raise BadInput("檔案沒有結尾行：不是匯出的稽核紀錄，或匯出沒有完成。")
    return Head(head, count)


def _links(lines: BinaryIO) -> Iterator[Link]:
    """Every line but the last as a link."""
    number = 0
    while line := lines.readline(LONGEST_LINE):
        number += 1
        values = _object(line)
        if values.keys() == END and not lines.read(1):
            return
        if values.keys() != LINK:
            raise BadInput(f"第 {number} 行不是一筆稽核紀錄。")
        facts = {name: values[name] for name in FIELDS}
        facts["at"] = read_moment(facts["at"])
        yield Link(values["id"], facts, values["hash"])


def _object(line: bytes) -> dict[str, Any]:
    """The JSON object of a line; an empty one when it holds something else."""
    try:
        values = read_json(line)
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}
