"""Invented letters in any number, from the sentences of the starter corpus. Seeded: always the same."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from feedback.models import Case, Contact, Suggestion
from feedback.states import Status
from portal.clock import ROC_OFFSET, local
from portal.profile import Profile

SEED = 115
YEARS = timedelta(days=5 * 365)
SHORTEST, LONGEST = 26, 36
BLOCK = 5000
WAITING_AT_LEAST = 250
"""Letters that wait in a small mailbox: enough that its first page is as long as that of a large one."""
SENTENCE = re.compile(r"[^。！？!?；;\n]+[。！？!?；;]?")

Rows = dict[Any, list[dict[str, Any]]]


def corpus(folder: Path) -> list[dict[str, Any]]:
    """The starter corpus as it lies there."""
    files = sorted(folder.glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def sentences(folder: Path) -> list[str]:
    found = {part.strip() for row in corpus(folder) for part in SENTENCE.findall(row["text"])}
    return sorted(part for part in found if 4 <= len(part) <= LONGEST)


def short_letters(folder: Path, count: int) -> list[str]:
    """Letters of about thirty characters."""
    parts, rng = sentences(folder), random.Random(SEED)  # noqa: S311  # the same letters every time
    return [_short(parts, rng) for _ in range(count)]


def long_letters(folder: Path, count: int, longest: int) -> list[str]:
    """Letters of several sentences, up to about so many characters."""
    parts, rng = sentences(folder), random.Random(SEED)  # noqa: S311  # the same letters every time
    return ["".join(rng.choices(parts, k=rng.randint(3, longest // 17))) for _ in range(count)]


def _short(parts: list[str], rng: random.Random) -> str:
    text = ""
    while len(text) < SHORTEST:
        text += rng.choice(parts)
    return text[:LONGEST]


def fill(connection: sa.Connection, count: int, profile: Profile, texts: list[str], now: datetime) -> None:
    """Write `count` letters of five years with their contacts and suggestions, about 5 % of them open."""
    units = _codes_to_ids(connection)
    people = {unit: user for user, unit in connection.execute(sa.text("SELECT id, unit_id FROM users"))}
    rows: Rows = {Case: [], Contact: [], Suggestion: []}
    for case in _cases(count, profile, texts, now, units, people):
        rows[Case].append(case["case"])
        for model, name in ((Contact, "contact"), (Suggestion, "suggestion")):
            if case[name]:
                rows[model].append(case[name])
        if len(rows[Case]) == BLOCK:
            _write(connection, rows)
    _write(connection, rows)


def unread(count: int, *, first_id: int, unit_id: int, texts: list[str], now: datetime) -> Iterator[Any]:
    """Rows of letters that came in today and that no classifier has seen."""
    year = local(now).year - ROC_OFFSET
    for serial in range(count):
        yield _case(first_id + serial, f"{year}-{900_000 + serial:06d}", texts[serial], unit_id, now)


def _codes_to_ids(connection: sa.Connection) -> dict[str, int]:
    return {row.code: row.id for row in connection.execute(sa.text("SELECT id, code FROM units"))}


def _write(connection: sa.Connection, rows: Rows) -> None:
    for model, values in rows.items():
        if values:
            connection.execute(sa.insert(model), values)
            values.clear()


def _cases(
    count: int,
    profile: Profile,
    texts: list[str],
    now: datetime,
    units: dict[str, int],
    people: dict[int, int],
) -> Iterator[dict[str, Any]]:
    rng = random.Random(SEED)  # noqa: S311  # the same letters every time
    weights = list(accumulate(1 / (rank + 2) for rank in range(len(profile.topics))))
    answering = [units[spec.code] for spec in profile.units]
    lately = count - max(WAITING_AT_LEAST, count // 25)
    numbers: dict[int, int] = {}
    for serial in range(count):
        topic = rng.choices(profile.topics, cum_weights=weights)[0]
        county = rng.choice(profile.counties).name if rng.random() < 0.7 else ""
        unit_id = units[profile.route(topic.code, county)]
        if rng.random() < 0.05 and not topic.restricted:
            unit_id = rng.choice(answering)
        moment = now - YEARS + (serial + rng.random()) * YEARS / count
        year = local(moment).year - ROC_OFFSET
        numbers[year] = numbers.get(year, 0) + 1
        number = f"{year}-{numbers[year]:06d}"
        case = _case(serial + 1, number, rng.choice(texts), unit_id, moment)
        case |= {"county": county, "restricted": topic.restricted, "urgent": rng.random() < 0.03}
        case["classified_at"] = moment
        # Most of what came in lately still waits; of older letters a few do.
        _handle(case, rng, topic.code, people, waiting=0.9 if serial >= lately else 0.015)
        contact = _contact(serial + 1) if rng.random() < 0.6 else None
        suggestion = _suggestion(serial + 1, topic.code, rng, moment) if rng.random() < 0.97 else None
        sure = suggestion is not None and not suggestion["abstained"]
        case["likely_topic"] = case["topic"] or (topic.code if sure else None)
        yield {"case": case, "contact": contact, "suggestion": suggestion}


def _case(case_id: int, number: str, text: str, unit_id: int, moment: datetime) -> dict[str, Any]:
    return {
        "id": case_id, "number": number, "secret_hash": "0" * 64, "unit_id": unit_id, "handler_id": None,
        "status": Status.RECEIVED, "channel": "web", "subject": text[:18], "body": text, "hint": None,
        "county": "", "restricted": False, "urgent": False, "topic": None, "likely_topic": None,
        "topic_confirmed_at": None,
        "topic_confirmed_by": None, "received_at": moment, "due_at": moment + timedelta(days=30),
        "answered_at": None, "answered_late": None, "settled_at": None, "closed_at": None,
        "classified_at": None, "source_key": None,
    }  # fmt: skip


def _handle(
    case: dict[str, Any], rng: random.Random, topic: str, people: dict[int, int], *, waiting: float
) -> None:
    received, by = case["received_at"], people.get(case["unit_id"])
    waits = rng.random() < waiting
    if by and rng.random() < (0.4 if waits else 0.9):
        case |= {"topic": topic, "topic_confirmed_at": received, "topic_confirmed_by": by}
    if by and rng.random() < 0.6:
        case["handler_id"] = by
    if waits:
        return
    answered = received + timedelta(days=rng.uniform(1, 25))
    case |= {"status": Status.ANSWERED, "answered_at": answered, "settled_at": answered}
    case["answered_late"] = answered > case["due_at"]
    if rng.random() < 0.9:
        case |= {"status": Status.CLOSED, "closed_at": answered + timedelta(days=14)}


def _contact(case_id: int) -> dict[str, Any]:
    return {
        "case_id": case_id,
        "name": "王小明",
        "email": f"citizen{case_id}@example.com",
        "phone": "0900-000000",
    }


def _suggestion(case_id: int, topic: str, rng: random.Random, moment: datetime) -> dict[str, Any]:
    sure = rng.random()
    return {
        "case_id": case_id, "model_version": "bench", "topic": topic, "probability": sure,
        "abstained": sure < 0.25, "voice": "詢問", "candidates": [{"topic": topic, "probability": sure}],
        "words": ["檢驗", "標識"], "created_at": moment,
    }  # fmt: skip
