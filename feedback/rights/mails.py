"""The mails a request causes: outbox rows in the caller's transaction.

To the requester they tell number, days and the agency's own words; to staff only number and day.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from feedback.rights.models import DataRequest, Result, RightKind
from feedback.rights.words import GROUNDS, RECORD_STAYS
from portal.clock import roc_date, roc_deadline
from portal.outbox import enqueue
from portal.profile import Profile
from portal.urls import for_mail

FOLLOW_PATH = "/privacy/request/follow"


def follow_url(site_url: str, request: DataRequest) -> str:
    """The address at which a request is followed; the secret is typed there, never part of it."""
    return f"{site_url}{FOLLOW_PATH}?number={request.serial}"


def confirm_receipt(
    session: Session, request: DataRequest, *, profile: Profile, site_url: str, now: datetime
) -> None:
    text = (
        f"{profile.name}已收到您的個人資料請求（{request.kind.label}），請求編號 {request.number}。\n"
        f"我們最晚在 {roc_deadline(request.due_at)}前決定並告知您。"
    )
    _tell(session, request, "received", "已收到您的個人資料請求", text, profile, site_url, now)


def tell_extension(
    session: Session, request: DataRequest, *, profile: Profile, site_url: str, now: datetime
) -> None:
    text = (
        f"您的個人資料請求 {request.number} 需要較長時間處理，依個人資料保護法第13條延長到 "
        f"{roc_deadline(request.due_at)}。\n\n延長的原因：\n{request.extension_reason}"
    )
    _tell(session, request, "extended", "您的個人資料請求延長決定期限", text, profile, site_url, now)


def tell_decision(
    session: Session, request: DataRequest, *, profile: Profile, site_url: str, now: datetime
) -> None:
    """The decision with its reason in writing (§13)."""
    text = "\n\n".join(decision_lines(request, profile))
    _tell(session, request, "decided", "您的個人資料請求已有決定", text, profile, site_url, now)


def decision_lines(request: DataRequest, profile: Profile) -> list[str]:
    """The decision in paragraphs, for mail and page alike; none before it is made."""
    if request.result is None:
        return []
    lines = [f"您的個人資料請求 {request.number}（{request.kind.label}）的決定：{request.result.label}。"]
    if request.ground is not None:
        lines.append(f"法律依據：{GROUNDS[request.ground].text}。")
    if request.reason:
        lines.append(f"說明：\n{request.reason}")
    if request.kind is RightKind.DELETE and request.result is not Result.REFUSED:
        lines.append(RECORD_STAYS)
    if request.disclosed_until is not None:
        lines.append(f"您可以在查詢頁看到並下載資料，到 {roc_date(request.disclosed_until)} 為止。")
    if request.result is not Result.GRANTED and profile.data_rights.remedy:
        lines.append(profile.data_rights.remedy)
    return lines


def _tell(
    session: Session,
    request: DataRequest,
    what: str,
    subject: str,
    text: str,
    profile: Profile,
    site_url: str,
    now: datetime,
) -> None:
    if not request.email:
        return
    trusted = for_mail(site_url)
    where = follow_url(trusted, request) if trusted else "請到本機關網站的「個人資料請求」頁。"
    body = (
        f"您好：\n\n{text}\n\n查詢：{where}\n查詢時請輸入請求編號與送出請求時畫面上的查詢密碼。\n\n"
        f"{profile.mailbox_name}　{profile.phone}\n（本信由系統自動寄出，請勿直接回覆。）\n"
    )
    enqueue(
        session, kind=f"data_request.{what}", ref=request.number, recipient=request.email,
        subject=f"{subject}（{request.number}）", body=body, now=now,
    )  # fmt: skip


def remind_staff(
    session: Session, request: DataRequest, email: str, *, ref: str, late: bool, now: datetime
) -> None:
    """Tell whoever decides that a request is due soon or overdue."""
    state, due = "已逾期" if late else "即將到期", roc_deadline(request.due_at)
    enqueue(
        session, kind="data_request.overdue" if late else "data_request.due_soon", ref=ref, recipient=email,
        subject=f"個人資料請求 {request.number} {state}",
        body=f"個人資料請求 {request.number} {state}，決定期限為 {due}。請登入系統處理。\n",
        now=now,
    )  # fmt: skip
