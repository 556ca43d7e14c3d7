"""What is held about a letter's sender, put together by machine in plain words (個人資料保護法 §10)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import Flask

from feedback import citizen, queries
from feedback.attachments import queries as attached
from feedback.forms import SCORES
from feedback.models import Case, Referral
from feedback.rights.models import DataRequest, SealedContact
from feedback.rights.queries import holders
from feedback.rights.words import FIELDS
from feedback.services.leaving import FIELDS as REFERRED
from portal.audit import AuditEvent
from portal.clock import roc_datetime
from portal.db import db
from portal.profile import Profile

Rows = list[tuple[str, str]]
NOTHING: Rows = [("", "沒有資料")]


@dataclass(frozen=True)
class Section:
    """One kind of data: its rows (what, value) of a letter. Other features add theirs with `register`."""

    code: str
    title: str
    rows: Callable[[Case, Profile], Rows]


def register(app: Flask, *sections: Section) -> None:
    app.extensions.setdefault("disclosure", []).extend(sections)


def made(
    request: DataRequest,
    sections: Collection[Section],
    profile: Profile,
    *,
    codes: Collection[str] | None = None,
) -> list[dict[str, Any]]:
    """What is disclosed of a request's letter, section by section; `codes` limits it to these sections."""
    case = queries.for_sender(request.case.number) if request.case else None
    if case is None:
        return []
    chosen = [item for item in sections if codes is None or item.code in codes]
    return [{"title": item.title, "rows": item.rows(case, profile) or NOTHING} for item in chosen]


def as_document(
    request: DataRequest, sections: list[dict[str, Any]], profile: Profile, now: datetime
) -> Mapping[str, Any]:
    """The same for a program to read."""
    return {
        "機關": profile.name,
        "請求編號": request.number,
        "產生時間": roc_datetime(now),
        "資料": [
            {
                "類別": section["title"],
                "內容": [{"項目": term, "值": value} for term, value in section["rows"]],
            }
            for section in sections
        ],
    }


def _contact(case: Case, _profile: Profile) -> Rows:
    kept = holders(db.session(), case.id)
    stopped = {field: "（已停止利用）" for field, holder in kept.items() if isinstance(holder, SealedContact)}
    return [
        (f"{label}{stopped.get(field, '')}", getattr(kept[field], field))
        for field, label in FIELDS.items()
        if field in kept
    ]


def _letter(case: Case, profile: Profile) -> Rows:
    facts = [
        ("案件編號", case.number),
        ("收到時間", roc_datetime(case.received_at)),
        ("來信管道", profile.channel_name(case.channel)),
        ("縣市", case.county),
        ("負責單位", case.unit.name),
        ("主題", profile.topic_name(case.topic) if case.topic else ""),
        ("主旨", case.subject),
        ("內容", case.body),
    ]
    return [(term, value) for term, value in facts if value]


def _answer(case: Case, _profile: Profile) -> Rows:
    if case.reply is None:
        return []
    rows = [("答復時間", roc_datetime(case.reply.sent_at)), ("答復內容", case.reply.body)]
    rating = case.reply.rating
    if rating is not None:
        rows.append(("您的評分", f"{SCORES[rating.score]}（{roc_datetime(rating.rated_at)}）"))
        rows += [("您補充的話", rating.comment)] if rating.comment else []
    return rows


def _messages(case: Case, _profile: Profile) -> Rows:
    return [(f"{item.kind.label}（{roc_datetime(item.sent_at)}）", item.body) for item in case.messages]


def _files(case: Case, _profile: Profile) -> Rows:
    """What was sent along; the files themselves are downloaded from the letter's own page."""
    return [
        (file.name, file.reason or f"{file.weight}，{roc_datetime(file.added_at)} 收到")
        for file in attached.of(case)
    ]


def _passed_on(case: Case, _profile: Profile) -> Rows:
    """To which agency the letter went, and which of the contact data went with it."""
    referral = db.session.get(Referral, case.id)
    if referral is None:
        return []
    went = "、".join(REFERRED[field] for field in referral.fields) or "沒有聯絡資料"
    return [(f"{roc_datetime(referral.referred_at)} 移轉{referral.agency}", f"來信內容、{went}")]


def _steps(case: Case, profile: Profile) -> Rows:
    return [(step.when, step.title) for step in reversed(citizen.timeline(case, profile))]


def _looks(case: Case, _profile: Profile) -> Rows:
    """When staff opened the contact data; who it was is the office's own matter."""
    seen = sa.select(AuditEvent.at).where(
        AuditEvent.object_type == "case",
        AuditEvent.object_id == case.number,
        AuditEvent.action.in_(("case.contact_viewed", "case.identity_opened")),
    )
    return [
        (roc_datetime(at), "承辦同仁查看聯絡資料") for at in db.session.scalars(seen.order_by(AuditEvent.id))
    ]


def _requests(case: Case, _profile: Profile) -> Rows:
    mine = sa.select(DataRequest).where(DataRequest.case_id == case.id).order_by(DataRequest.id)
    return [
        (roc_datetime(item.received_at), f"{item.number} {item.kind.label}" + _outcome(item))
        for item in db.session.scalars(mine)
    ]


def _outcome(request: DataRequest) -> str:
    return f"：{request.result.label}" if request.result else ""


SECTIONS = (
    Section("contact", "姓名與聯絡資料", _contact),
    Section("letter", "您的信", _letter),
    Section("answer", "答復與您的評分", _answer),
    Section("messages", "往來的補充與通知", _messages),
    Section("files", "附件", _files),
    Section("passed-on", "移轉其他機關", _passed_on),
    Section("steps", "處理經過", _steps),
    Section("looks", "聯絡資料被查看的紀錄", _looks),
    Section("requests", "您提出的個人資料請求", _requests),
)
