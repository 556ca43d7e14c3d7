"""What staff read about a letter: days left, the machine's guess, masked contact data, what happened."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from feedback.models import Case, CaseEvent, Contact, EventKind, Suggestion
from portal.clock import last_day, local_date, roc_date, roc_datetime
from portal.profile import Profile

SOON_DAYS = 3
SURE, FAIRLY_SURE = 0.9, 0.7
RATING_WORDS = {1: "很不滿意", 2: "不滿意", 3: "普通", 4: "滿意", 5: "很滿意"}


@dataclass(frozen=True)
class Due:
    """A deadline in words; `tone` is one of the design system's."""

    text: str
    tone: str
    day: str


def due(case: Case, now: datetime) -> Due:
    """How a letter stands to its deadline: days left, days late, or when it was answered."""
    final = last_day(case.due_at)
    if case.answered_at is not None:
        answered = roc_date(case.answered_at)
        return Due("逾期答復", "warning", answered) if late(case) else Due("已答復", "success", answered)
    left = (final - local_date(now)).days
    day = roc_date(final)
    if now > case.due_at:
        return Due(f"逾期 {-left} 天" if left < 0 else "今天逾期", "danger", day)
    if left <= SOON_DAYS:
        return Due(f"剩 {left} 天" if left else "今天到期", "warning", day)
    return Due(f"剩 {left} 天", "neutral", day)


def late(case: Case) -> bool:
    """Whether the answer came after the deadline."""
    return case.answered_at is not None and case.answered_at > case.due_at


def confidence(suggestion: Suggestion) -> str:
    """The probability in words."""
    if suggestion.abstained:
        return "系統不確定"
    if suggestion.probability >= SURE:
        return "很有把握"
    return "有把握" if suggestion.probability >= FAIRLY_SURE else "把握不大"


def percent(share: float) -> str:
    """A probability as people write it. A guess is never shown as certain or as impossible."""
    return f"{min(max(round(share * 100), 1), 99)}%"


def candidates(suggestion: Suggestion, profile: Profile) -> list[tuple[str, str, str]]:
    """(code, name, percent) of the first three topics."""
    return [
        (item["topic"], profile.topic_name(item["topic"]), percent(item["probability"]))
        for item in suggestion.candidates[:3]
    ]


def masked(contact: Contact) -> dict[str, str]:
    """Contact data as it is shown to somebody who has not asked for it."""
    return {
        "name": mask_name(contact.name),
        "phone": mask_phone(contact.phone),
        "email": mask_email(contact.email),
    }


def mask_name(name: str) -> str:
    """王小明 → 王○明, 王明 → 王○; other names keep their first letter only."""
    if not name:
        return ""
    if not re.fullmatch(r"[\u3400-\u9fff]+", name):
        return f"{name[0]}***"
    return f"{name[0]}{'○' * (len(name) - 2)}{name[-1]}" if len(name) > 2 else f"{name[0]}○"


def mask_phone(phone: str) -> str:
    """0912-345-678 → 09xx-xxx-678."""
    digits = sum(char.isdigit() for char in phone)
    kept = {0, 1, digits - 3, digits - 2, digits - 1} if digits >= 8 else set()
    position, out = -1, []
    for char in phone:
        position += char.isdigit()
        out.append("x" if char.isdigit() and position not in kept else char)
    return "".join(out)


def mask_email(email: str) -> str:
    """Only the first letter and the domain."""
    name, _, domain = email.rpartition("@")
    return f"{name[:1]}***@{domain}" if name else ""


def timeline(
    case: Case, people: Mapping[int, str], units: Mapping[int, str], profile: Profile
) -> list[dict[str, Any]]:
    """What happened to a letter, oldest first, for `ui.timeline`."""
    return [
        {
            "title": _title(event, case, people, units, profile),
            "when": roc_datetime(event.at),
            "iso": event.at.isoformat(),
            "text": event.note if event.kind is EventKind.TRANSFERRED else "",
            "tone": TONES.get(event.kind, "neutral"),
        }
        for event in case.events
    ]


TONES = {EventKind.ANSWERED: "success", EventKind.TRANSFERRED: "info"}


def _title(
    event: CaseEvent, case: Case, people: Mapping[int, str], units: Mapping[int, str], profile: Profile
) -> str:
    who = people.get(event.actor_id, "同仁") if event.actor_id else "系統"
    topic, unit = profile.topic_name(event.topic), units.get(event.unit_id or 0, "其他單位")
    rating = case.reply.rating if case.reply else None
    sure = case.suggestion is None or not case.suggestion.abstained
    return {
        EventKind.RECEIVED: f"收到來信（{profile.channel_name(case.channel)}），由{unit}收件",
        EventKind.SUGGESTED: f"系統建議主題「{topic}」，由{unit}辦理"
        if sure
        else f"系統不確定主題，由{unit}分文",
        EventKind.TOPIC_CONFIRMED: f"{who}確認主題「{topic}」",
        EventKind.TRANSFERRED: f"{who}移給{unit}",
        EventKind.ASSIGNED: f"{who}指派給{event.note}",
        EventKind.ANSWERED: f"{who}答復",
        EventKind.CLOSED: f"{who}結案",
        EventKind.RATED: f"來信人評為「{RATING_WORDS[rating.score]}」" if rating else "來信人評分",
    }[event.kind]
