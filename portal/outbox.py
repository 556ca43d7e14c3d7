"""Mail that leaves after the fact: a row in the same transaction, delivered by a job.

A letter that was rolled back never sends mail; one that was kept sends it at least once.
"""

from __future__ import annotations

import logging
import smtplib
import time
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.db import Model, db, insert, transaction

log = logging.getLogger(__name__)

BATCH = 50
LEASE = timedelta(minutes=5)
ROUND_SECONDS = 120
BACKOFF_MINUTES = (1, 5, 30, 120, 720)
DEFAULT_SENDER = "no-reply@localhost"


class OutboxMessage(Model):
    """One mail to send. UNIQUE(kind, ref) makes a repeated cause send one mail."""

    __tablename__ = "outbox_messages"
    __table_args__ = (
        sa.UniqueConstraint("kind", "ref"),
        sa.Index("ix_outbox_messages_due", "next_try_at", sqlite_where=sa.text("sent_at IS NULL"),
                 postgresql_where=sa.text("sent_at IS NULL")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(48))
    ref: Mapped[str] = mapped_column(sa.String(80))
    recipient: Mapped[str] = mapped_column(sa.String(254))
    subject: Mapped[str] = mapped_column(sa.String(300))
    body: Mapped[str] = mapped_column(sa.Text)
    created_at: Mapped[datetime]
    next_try_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(sa.String(80))


class Mailer(Protocol):
    """Something that hands a message on; it raises when it cannot."""

    def send(self, message: EmailMessage) -> None: ...


class FileMailer:
    """Writes each mail into a folder as .eml: the demonstration's letter box."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, message: EmailMessage) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        name = str(message["X-Qingting-Outbox"]).strip()
        (self.folder / f"{name}.eml").write_bytes(bytes(message))


class SmtpMailer:
    """Hands mail to the agency's own server (smtp: with STARTTLS when offered, smtps: with TLS)."""

    def __init__(self, url: str) -> None:
        self.parts = urlsplit(url)

    def send(self, message: EmailMessage) -> None:
        parts = self.parts
        kind = smtplib.SMTP_SSL if parts.scheme == "smtps" else smtplib.SMTP
        with kind(parts.hostname or "localhost", parts.port or 0, timeout=20) as server:
            if parts.scheme == "smtp" and server.has_extn("starttls"):
                server.starttls()
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.send_message(message)


def build_mailer(url: str) -> Mailer:
    """The mailer for a MAIL_URL."""
    if url.startswith("file:"):
        return FileMailer(Path(unquote(urlsplit(url).path)))
    return SmtpMailer(url)


def enqueue(
    session: Session, *, kind: str, ref: str, recipient: str, subject: str, body: str, now: datetime
) -> None:
    """Queue one mail in the caller's transaction; a second one of the same kind and ref is dropped."""
    statement = insert(session, OutboxMessage).values(
        kind=kind, ref=ref, recipient=recipient, subject=subject, body=body, created_at=now,
        next_try_at=now, attempts=0,
    )  # fmt: skip
    session.execute(statement.on_conflict_do_nothing(index_elements=["kind", "ref"]))


def has_due(now: datetime) -> bool:
    """Whether any mail waits to be sent."""
    return db.session.scalar(sa.select(_due(now).exists())) or False


def _due(now: datetime) -> sa.Select[OutboxMessage]:
    return sa.select(OutboxMessage).where(OutboxMessage.sent_at.is_(None), OutboxMessage.next_try_at <= now)


def deliver(now: datetime) -> int:
    """Send what is due and return how many were handed on.

    Each row is leased first by a conditional update, so that two runners do not send it twice; a
    runner that dies leaves the lease to run out. Leases count from `now`, so a round with a slow mail
    server ends while they still hold and leaves the rest to the next one.
    """
    mailer: Mailer = current_app.extensions["mailer"]
    ids = db.session.scalars(_due(now).with_only_columns(OutboxMessage.id).limit(BATCH)).all()
    began, sent = time.monotonic(), 0
    for message_id in ids:
        if time.monotonic() - began > ROUND_SECONDS:
            break
        sent += _deliver_one(message_id, mailer, now)
    return sent


def _deliver_one(message_id: int, mailer: Mailer, now: datetime) -> bool:
    with transaction() as session:
        leased = session.execute(
            sa.update(OutboxMessage)
            .where(
                OutboxMessage.id == message_id,
                OutboxMessage.sent_at.is_(None),
                OutboxMessage.next_try_at <= now,
            )
            .values(next_try_at=now + LEASE, attempts=OutboxMessage.attempts + 1)
        )
        row = session.get_one(OutboxMessage, message_id) if leased.rowcount else None  # type: ignore[attr-defined]  # CursorResult
    if row is None:
        return False
    try:
        mailer.send(compose(row))
    except Exception as error:
        # Whatever it is (a server away, an address that the mail library trips over), the others go on.
        _note_failure(message_id, row.attempts, type(error).__name__, now)
        return False
    with transaction() as session:
        session.execute(
            sa.update(OutboxMessage)
            .where(OutboxMessage.id == message_id)
            .values(sent_at=now, last_error=None)
        )
    return True


def _note_failure(message_id: int, attempts: int, error: str, now: datetime) -> None:
    log.warning("mail could not be handed on", extra={"outbox_id": message_id, "error": error})
    wait = BACKOFF_MINUTES[min(attempts, len(BACKOFF_MINUTES)) - 1]
    with transaction() as session:
        session.execute(
            sa.update(OutboxMessage)
            .where(OutboxMessage.id == message_id)
            .values(next_try_at=now + timedelta(minutes=wait), last_error=error)
        )


def sender_address(mail_url: str) -> str:
    """The address that the platform's mails come from."""
    return parse_qs(urlsplit(mail_url).query).get("from", [DEFAULT_SENDER])[0]


def compose(row: OutboxMessage) -> EmailMessage:
    """The mail as it travels."""
    config = current_app.config["QINGTING"]
    sender = sender_address(config.mail_url)
    profile = current_app.extensions["profile"]
    message = EmailMessage()
    message["From"] = Address(profile.mailbox_name, addr_spec=sender)
    message["To"] = row.recipient
    message["Subject"] = row.subject
    message["Message-ID"] = f"<outbox-{row.id}@{sender.partition('@')[2]}>"
    message["X-Qingting-Outbox"] = f"{row.kind}-{row.ref}".replace("/", "_")
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(row.body)
    return message
