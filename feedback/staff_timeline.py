"""What happened to a letter, in full, for staff."""

from __future__ import annotations

from typing import Any

from feedback.casefile import CaseFile
from feedback.models import Case, CaseEvent, EventKind
from feedback.staff_words import RATING_WORDS
from portal.clock import roc_datetime
from portal.profile import Profile

TONES = {
    EventKind.ANSWERED: "success",
    EventKind.APPROVED: "success",
    EventKind.DISPATCHED: "info",
    EventKind.TRANSFERRED: "info",
    EventKind.TRANSFER_REFUSED: "warning",
    EventKind.RETURNED: "warning",
    EventKind.REOPENED: "warning",
    EventKind.ESCALATED: "danger",
    EventKind.IDENTITY_OPENED: "warning",
}

# {who} did it, {unit} is the unit it concerns, {note} what was written, {topic} the topic.
TITLES = {
    EventKind.TOPIC_CONFIRMED: "{who}確認主題「{topic}」",
    EventKind.SUGGESTION_DECLINED: "{who}認為建議的主題「{topic}」不對",
    EventKind.VOICE_SET: "{who}確認來信的性質是「{note}」",
    EventKind.DISPATCHED: "{who}分文給{unit}",
    EventKind.TRANSFER_PROPOSED: "{who}請{unit}收件",
    EventKind.TRANSFERRED: "{who}收下，由{unit}辦理",
    EventKind.TRANSFER_REFUSED: "{unit}的{who}不收，退回原單位",
    EventKind.TRANSFER_CANCELLED: "{who}取消移轉",
    EventKind.ASSIGNED: "{who}指派給{note}",
    EventKind.CONSULTED: "{who}請{unit}會辦",
    EventKind.CONSULTATION_DROPPED: "{who}取消請{unit}會辦",
    EventKind.OPINION_GIVEN: "{unit}的{who}回復會辦意見",
    EventKind.ASKED_CITIZEN: "{who}請來信人補充，期限暫停",
    EventKind.SUPPLEMENTED: "來信人補充",
    EventKind.WAITING_ENDED: "{who}不再等候補充，期限繼續",
    EventKind.INTERIM: "{who}初步回復",
    EventKind.EXTENDED: "{who}核准展延",
    EventKind.RESCHEDULED: "辦公日曆更動，重新計算期限",
    EventKind.SUBMITTED: "{who}送核",
    EventKind.RECALLED: "{who}抽回",
    EventKind.RETURNED: "{who}退回修改",
    EventKind.APPROVED: "{who}核可",
    EventKind.ANSWERED: "{who}發文答復",
    EventKind.CLOSED: "{who}結案",
    EventKind.REOPENED: "評分低，重新開啟，請再次回復",
    EventKind.DECLINED: "{who}不予處理：{note}",
    EventKind.REFERRED: "{who}移轉{note}",
    EventKind.MERGED: "{who}併案：{note}",
    EventKind.SEPARATED: "{who}取消併案：{note}",
    EventKind.WITHDRAWN: "來信人撤回",
    EventKind.ESCALATED: "緊急通報{unit}主管與指定人員",
    EventKind.IDENTITY_OPENED: "{who}開啟來信人身分",
}
WITH_REASON = frozenset(
    {
        EventKind.DISPATCHED,
        EventKind.TRANSFER_PROPOSED,
        EventKind.TRANSFER_REFUSED,
        EventKind.EXTENDED,
        EventKind.RETURNED,
        EventKind.APPROVED,
        EventKind.IDENTITY_OPENED,
    }
)
"""Whose note is a reason, shown below the title."""


def timeline(case: Case, file: CaseFile, profile: Profile) -> list[dict[str, Any]]:
    """Every step of a letter, oldest first, for `ui.timeline`."""
    steps = [
        {
            "title": _title(event, case, file, profile),
            "when": roc_datetime(event.at),
            "iso": event.at.isoformat(),
            "text": event.note if event.kind in WITH_REASON else "",
            "tone": TONES.get(event.kind, "neutral"),
            "at": event.at,
        }
        for event in case.events
    ]
    steps += [
        {
            "title": f"{_who(event.actor_id, file)}判斷{'是' if event.detail['urgent'] else '不是'}緊急",
            "when": roc_datetime(event.at),
            "iso": event.at.isoformat(),
            "at": event.at,
        }
        for event in file.judged
    ]
    return sorted(steps, key=lambda step: step["at"])


def _title(event: CaseEvent, case: Case, file: CaseFile, profile: Profile) -> str:
    unit, topic = file.units.get(event.unit_id or 0, "其他單位"), profile.topic_name(event.topic)
    if event.kind is EventKind.RECEIVED:
        return f"收到來信（{profile.channel_name(case.channel)}），由{unit}收件"
    if event.kind is EventKind.SUGGESTED:
        sure = case.suggestion is None or not case.suggestion.abstained
        return f"系統建議主題「{topic}」，由{unit}辦理" if sure else f"系統不確定主題，由{unit}分文"
    if event.kind is EventKind.RATED:
        rating = case.reply.rating if case.reply else None
        return f"來信人評為「{RATING_WORDS[rating.score]}」" if rating else "來信人評分"
    return TITLES[event.kind].format(who=_who(event.actor_id, file), unit=unit, note=event.note, topic=topic)


def _who(actor_id: int | None, file: CaseFile) -> str:
    return file.people.get(actor_id, "同仁") if actor_id else "系統"
