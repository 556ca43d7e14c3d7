"""The mails a letter causes. Each is one outbox row in the caller's transaction.

Those to its sender hold nothing that was typed into the form, nor an address out of a request: whoever
writes a letter chooses where its mails go.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from feedback.models import Case, Message, MessageKind, Referral, ReminderKind
from portal.clock import roc_date, roc_datetime, roc_deadline
from portal.outbox import enqueue
from portal.profile import Profile
from portal.urls import for_mail

TRACK_PATH = "/feedback/track"
LINK_PATH = "/feedback/secret"


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
    channel = profile.channel(case.channel)
    handed = "同仁交給您" if channel and channel.staff else "送出來信時畫面上"
    body = (
        f"您好：\n\n{profile.name}已收到您的來信，案件編號 {case.number}。\n"
        f"我們最晚在 {roc_deadline(case.due_at)}前答復您。\n\n"
        f"查詢進度：{_where(site_url, case.number)}\n"
        f"查詢時請輸入{handed}的查詢密碼。\n\n"
        f"{profile.mailbox_name}　{profile.phone}\n（本信由系統自動寄出，請勿直接回覆。）\n"
    )
    enqueue(
        session, kind="case.received", ref=case.number, recipient=email,
        subject=f"已收到您的來信（{case.number}）", body=body, now=now,
    )  # fmt: skip


def confirm_mail(
    session: Session, case: Case, email: str, token: str, *, profile: Profile, site_url: str, now: datetime
) -> None:
    """Tell whoever wrote by mail the number, with a link at which `token` is exchanged for the secret once.

    The link is left out where mail may hold none; then the answer comes by mail all the same.
    """
    trusted = for_mail(site_url)
    link = (
        f"想在網頁上查詢進度、為答復評分，請在 7 天內開啟這個網址取得查詢密碼（只能使用一次，請不要轉寄）：\n"
        f"{trusted}{LINK_PATH}/{token}\n\n"
        if trusted and token
        else ""
    )
    body = (
        f"您好：\n\n{profile.name}已收到您寄來的電子郵件，案件編號 {case.number}。\n"
        f"我們最晚在 {roc_deadline(case.due_at)}前答復您；答復會寄到這個電子郵件地址。\n\n{link}"
        f"要補充說明時，請在新郵件的主旨寫上案件編號 {case.number}。\n\n"
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


HEADS = {
    MessageKind.ASKED: "承辦單位需要您補充資料",
    MessageKind.INTERIM: "我們正在處理您的來信",
    MessageKind.EXTENSION: "您的來信需要較長的處理時間",
    MessageKind.DECLINED: "您的來信不予處理",
    MessageKind.REFERRED: "您的來信已移轉主管機關",
    MessageKind.MERGED: "您的來信已有答復",
    MessageKind.SECOND_REPLY: "我們再次回復您的來信",
}


def send_message(
    session: Session,
    case: Case,
    message: Message,
    *,
    profile: Profile,
    site_url: str,
    now: datetime,
    until: datetime | None = None,
) -> None:
    """Send the citizen what the unit wrote besides the answer. `until` is a day that it speaks of."""
    email = case.contact.email if case.contact else ""
    if not email:
        return
    head = HEADS[message.kind]
    day = (
        {
            MessageKind.ASKED: f"請在 {roc_deadline(until)}前補充；等您補充的時間不計入處理期限。\n\n",
            MessageKind.EXTENSION: f"新的答復期限是 {roc_deadline(until)}。\n\n",
        }.get(message.kind, "")
        if until
        else ""
    )
    body = (
        f"您好：\n\n您的來信（案件編號 {case.number}）：{head}。\n\n{message.body}\n\n{day}"
        f"查看全文與進度：{_where(site_url, case.number)}\n\n"
        f"{profile.mailbox_name}　{profile.phone}\n（本信由系統自動寄出，請勿直接回覆。）\n"
    )
    enqueue(
        session, kind=f"case.{message.kind.value}", ref=f"{case.number}/{message.id}", recipient=email,
        subject=f"{head}（{case.number}）", body=body, now=now,
    )  # fmt: skip


def refer_to_agency(
    session: Session, case: Case, referral: Referral, *, profile: Profile, now: datetime
) -> None:
    """Send a letter to the agency that is competent for it: its words, and the fields that were chosen."""
    if not referral.email:
        return
    contact = case.contact
    known = {
        "name": ("姓名", contact.name if contact else ""),
        "email": ("電子郵件", contact.email if contact else ""),
        "phone": ("電話", contact.phone if contact else ""),
        "county": ("縣市", case.county),
    }
    lines = [
        f"{label}：{value}" for field, (label, value) in known.items() if field in referral.fields and value
    ]
    body = (
        f"{referral.agency}：\n\n以下民眾來信（案件編號 {case.number}，{roc_date(case.received_at)}收到）"
        f"屬貴機關權責，依行政程序法第172條移請處理，並請逕復來信人。\n移轉原因：{referral.reason}\n\n"
        f"主旨：{case.subject}\n\n{case.body}\n\n"
        + "\n".join(lines)
        + f"\n\n{profile.name}　{profile.phone}\n"
    )
    enqueue(
        session, kind="case.to_agency", ref=case.number, recipient=referral.email,
        subject=f"移轉民眾來信（{profile.short_name} {case.number}）", body=body, now=now,
    )  # fmt: skip


def warn_of_danger(session: Session, case: Case, email: str, *, ref: str, now: datetime) -> None:
    """Tell staff at once that a letter is urgent: its number only, never its words."""
    enqueue(
        session, kind="case.urgent", ref=ref, recipient=email,
        subject=f"緊急：案件 {case.number} 可能有立即危險",
        body=(
            f"案件 {case.number} 提到起火、爆裂、受傷或觸電等情形，{roc_datetime(case.received_at)}收到。"
            "請當日登入系統查看並處理。\n"
        ),
        now=now,
    )  # fmt: skip


REMINDERS = {
    ReminderKind.SOON: ("case.due_soon", "即將到期"),
    ReminderKind.LATE: ("case.overdue", "已逾期"),
    ReminderKind.IGNORED: ("case.ignored", "逾期多日，仍未答復"),
}


def remind_unit(
    session: Session, case: Case, email: str, *, ref: str, kind: ReminderKind, now: datetime
) -> None:
    """Tell staff that a letter is due soon or overdue: its number and day only, never its words."""
    if not email:
        return
    mail, state = REMINDERS[kind]
    enqueue(
        session, kind=mail, ref=ref, recipient=email,
        subject=f"案件 {case.number} {state}",
        body=f"案件 {case.number} {state}，答復期限為 {roc_deadline(case.due_at)}。請登入系統處理。\n",
        now=now,
    )  # fmt: skip
