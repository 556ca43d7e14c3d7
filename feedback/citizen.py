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
    Status.AWAITING_CITIZEN: "warning",
    Status.ANSWERED: "success",
    Status.CLOSED: "success",
    Status.DECLINED: "neutral",
    Status.REFERRED: "neutral",
    Status.WITHDRAWN: "neutral",
}
"""How a state is shown; the others are just information."""

STAGES = {
    Status.RECEIVED: "已受理",
    Status.DISPATCHED: "已受理",
    Status.TRANSFERRING: "已受理",
    Status.IN_PROGRESS: "辦理中",
    Status.IN_REVIEW: "辦理中",
    Status.APPROVED: "辦理中",
    Status.AWAITING_CITIZEN: "等您補充",
    Status.REOPENED: "再次回復中",
    Status.MERGED: "併案辦理",
}
"""States in the citizen's words; the others are called as they are in the office."""


@dataclass(frozen=True)
class Step:
    """One line of the timeline."""

    title: str
    when: str
    iso: str
    tone: str = "neutral"
    text: str = ""


def stage(case: Case) -> str:
    """The letter's state in a word or two."""
    return STAGES.get(case.status, case.status.label)


def explain(case: Case, now: datetime) -> str:
    """Where a letter stands, in a sentence."""
    due = roc_deadline(case.due_at)
    waits_for_us = case.status.is_open and case.status is not Status.AWAITING_CITIZEN
    if waits_for_us and case.is_overdue(now):
        return f"很抱歉，原訂 {due}前答復，目前仍在處理。您可以來電詢問進度。"
    if case.status in IN_WORDS:
        return IN_WORDS[case.status]
    if case.status is Status.REOPENED or (waits_for_us and case.answered_at is not None):
        return f"您對答復不滿意，負責的單位會再次回復，最晚 {due}前。先前的答復在下方。"
    if case.status in (Status.RECEIVED, Status.DISPATCHED, Status.TRANSFERRING):
        return f"我們已收到您的信，正在轉給負責的單位，最晚 {due}前答復。"
    return f"承辦同仁正在處理，最晚 {due}前答復。"


IN_WORDS = {
    Status.AWAITING_CITIZEN: "承辦單位需要您補充資料，請看下方的說明。等您補充的時間不計入處理期限。",
    Status.ANSWERED: "負責的單位已經答復，內容在下方。",
    Status.CLOSED: "這封信已經答復並結案，內容在下方。",
    Status.DECLINED: "這封信已登記，但依法不予處理，原因在下方。",
    Status.REFERRED: "這封信屬其他機關的權責，已移轉並請該機關直接回復您，說明在下方。",
    Status.MERGED: "這封信與同一件事的其他來信一起辦理，答復時會一併通知您。",
    Status.WITHDRAWN: "您已撤回這封信。",
}


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
    return TITLES.get(event.kind, "").format(unit=unit, topic=profile.topic_name(event.topic))


# What is not here is the office's own matter.
TITLES = {
    EventKind.RECEIVED: "收到您的來信",
    EventKind.TOPIC_CONFIRMED: "確認主題：{topic}",
    EventKind.DISPATCHED: "轉請{unit}辦理",
    EventKind.TRANSFERRED: "轉請{unit}辦理",
    EventKind.ASSIGNED: "{unit}開始處理",
    EventKind.CONSULTED: "請{unit}一起提供意見",
    EventKind.ASKED_CITIZEN: "請您補充資料，處理期限暫停計算",
    EventKind.SUPPLEMENTED: "收到您的補充",
    EventKind.WAITING_ENDED: "處理期限繼續計算",
    EventKind.INTERIM: "初步回復",
    EventKind.EXTENDED: "延長處理期限",
    EventKind.ANSWERED: "{unit}答復",
    EventKind.CLOSED: "結案",
    EventKind.RATED: "您為答復評分",
    EventKind.REOPENED: "請{unit}再次回復",
    EventKind.DECLINED: "登記為不予處理",
    EventKind.REFERRED: "移轉主管機關",
    EventKind.MERGED: "與同一件事的其他來信併案辦理",
    EventKind.SEPARATED: "改為單獨辦理",
    EventKind.WITHDRAWN: "您撤回這封信",
}


def _unit_names(ids: set[int]) -> dict[int, str]:
    rows = db.session.execute(sa.select(Unit.id, Unit.name).where(Unit.id.in_(ids)))
    return {row.id: row.name for row in rows}
