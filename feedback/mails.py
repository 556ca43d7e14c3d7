"""The mails a letter causes. Each is one outbox row in the caller's transaction.

They hold nothing that the sender of a letter typed, nor an address out of a request: whoever writes a
letter chooses where its mails go.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from feedback.models import Case
from portal.clock import roc_deadline
from portal.outbox import enqueue
from portal.profile import Profile
from portal.urls import for_mail

TRACK_PATH = "/feedback/track"


def track_url(site_url: str, number: str) -> str:
    """The address at which a letter is followed; the secret is typed there, never part of it."""
    return f"{site_url}{TRACK_PATH}?number={number}"


def _where(site_url: str, number: str) -> str:
    """Where the letter is followed: a link when the installation's own address is known."""
    trusted = for_mail(site_url)
    return track_url(trusted, number) if trusted else "請到本機關網站的「查詢來信進度」。"


def confirm_receipt(
    session: Session, case: Case, email: str, *, profile: Profile, site_url: str, now: datetime
) -> None:
    """Tell the citizen the number. The secret was shown on the page and is not kept, so not mailed."""
    if not email:
        return
    body = (
        f"您好：\n\n{profile.name}已收到您的來信，案件編號 {case.number}。\n"
        f"我們最晚在 {roc_deadline(case.due_at)}前答復您。\n\n"
        f"查詢進度：{_where(site_url, case.number)}\n"
        "查詢時請輸入送出來信時畫面上的查詢密碼。\n\n"
        f"{profile.mailbox_name}　{profile.phone}\n（本信由系統自動寄出，請勿直接回覆。）\n"
    )
    enqueue(
        session, kind="case.received", ref=case.number, recipient=email,
        subject=f"已收到您的來信（{case.number}）", body=body, now=now,
    )  # fmt: skip


def send_answer(
    session: Session, case: Case, email: str, answer: str, *, profile: Profile, site_url: str, now: datetime
) -> None:
    """Send the unit's answer and invite the citizen to rate it."""
    if not email:
        return
    body = (
        f"您好：\n\n您的來信（案件編號 {case.number}）已有答復：\n\n"
        f"{answer}\n\n"
        f"請告訴我們您對這次答復是否滿意：{_where(site_url, case.number)}\n\n"
        f"{profile.mailbox_name}　{profile.phone}\n（本信由系統自動寄出，請勿直接回覆。）\n"
    )
    enqueue(
        session, kind="case.answered", ref=case.number, recipient=email,
        subject=f"您的來信已有答復（{case.number}）", body=body, now=now,
    )  # fmt: skip


def remind_unit(session: Session, case: Case, email: str, *, ref: str, late: bool, now: datetime) -> None:
    """Tell staff that a letter is due soon or overdue: its number and day only, never its words."""
    if not email:
        return
    state = "已逾期" if late else "即將到期"
    enqueue(
        session, kind="case.overdue" if late else "case.due_soon", ref=ref, recipient=email,
        subject=f"案件 {case.number} {state}",
        body=f"案件 {case.number} {state}，答復期限為 {roc_deadline(case.due_at)}。請登入系統處理。\n",
        now=now,
    )  # fmt: skip
