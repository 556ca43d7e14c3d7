"""A letter as its sender sees it: plain words, no names and notes of staff."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from feedback.models import Case, CaseEvent, EventKind
from feedback.states import Status
from portal.clock import roc_datetime, roc_deadline
from portal.db import db
from portal.profile import Profile
from portal.units import Unit

TONES = {
    Status.RECEIVED: "info",
    Status.IN_PROGRESS: "info",
    Status.ANSWERED: "success",
    Status.CLOSED: "success",
}


@dataclass(frozen=True)
class Step:
    """One line of the timeline."""

    title: str
    when: str
    iso: str
    tone: str = "neutral"
    text: str = ""


def explain(case: Case, now: datetime) -> str:
    """Where a letter stands, in a sentence."""
    due = roc_deadline(case.due_at)
    if case.is_overdue(now):
        return f"很抱歉，原訂 {due}前答復，目前仍在處理。您可以來電詢問進度。"
    return {
        Status.RECEIVED: f"我們已收到您的信，正在轉給負責的單位，最晚 {due}前答復。",
        Status.IN_PROGRESS: f"承辦同仁正在處理，最晚 {due}前答復。",
        Status.ANSWERED: "負責的單位已經答復，內容在下方。",
        Status.CLOSED: "這封信已經答復並結案，內容在下方。",
    }[case.status]


def timeline(case: Case, profile: Profile) -> list[Step]:
    """What happened to a letter, newest first, as far as it concerns its sender."""
    units = _unit_names({event.unit_id for event in case.events if event.unit_id})
    steps = []
    for event in case.events:
        title = _title(event, units, profile)
        if title:
            tone = "success" if event.kind is EventKind.ANSWERED else "neutral"
            steps.append(Step(title, roc_datetime(event.at), event.at.isoformat(timespec="seconds"), tone))
    return steps[::-1]


def _title(event: CaseEvent, units: dict[int, str], profile: Profile) -> str:
    """The event in words; empty for what is the office's own matter."""
    unit = units.get(event.unit_id or 0, "負責的單位")
    return {
        EventKind.RECEIVED: "收到您的來信",
        EventKind.TOPIC_CONFIRMED: f"確認主題：{profile.topic_name(event.topic)}",
        EventKind.TRANSFERRED: f"轉請{unit}辦理",
        EventKind.ASSIGNED: f"{unit}開始處理",
        EventKind.ANSWERED: f"{unit}答復",
        EventKind.CLOSED: "結案",
        EventKind.RATED: "您為答復評分",
    }.get(event.kind, "")


def _unit_names(ids: set[int]) -> dict[int, str]:
    rows = db.session.execute(sa.select(Unit.id, Unit.name).where(Unit.id.in_(ids)))
    return {row.id: row.name for row in rows}
