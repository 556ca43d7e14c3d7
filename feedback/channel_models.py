"""How a letter came in when not by the web form: who entered it, what was confirmed, which mail it was."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Model


class CaseIntake(Model):
    """Facts of the channel of one letter.

    `read_back_…` say who read an oral record back to its sender and when (行政程序法 §169). `agency` and
    `agency_number` are the agency that passed the letter on and the number of its document. `refers_to` is
    an earlier letter of the same matter. `message_id` and `attachments` are those of the mail it was.
    """

    __tablename__ = "case_intakes"
    __table_args__ = (
        sa.CheckConstraint("(read_back_at IS NULL) = (read_back_by IS NULL)", name="read_back_by_somebody"),
        sa.CheckConstraint("agency_number = '' OR agency <> ''", name="number_of_an_agency"),
        sa.CheckConstraint("refers_to <> case_id", name="refers_to_another_letter"),
        sa.CheckConstraint("attachments >= 0", name="attachments_counted"),
    )

    case_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id"), primary_key=True)
    entered_at: Mapped[datetime]
    entered_by: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    read_back_at: Mapped[datetime | None]
    read_back_by: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    agency: Mapped[str] = mapped_column(sa.String(120), default="")
    agency_number: Mapped[str] = mapped_column(sa.String(80), default="")
    language: Mapped[str] = mapped_column(sa.String(8), default="")
    message_id: Mapped[str] = mapped_column(sa.String(998), default="")
    attachments: Mapped[int] = mapped_column(default=0)
    refers_to: Mapped[int | None] = mapped_column(sa.ForeignKey("cases.id"), index=True)


class IntakeDraft(Model):
    """A record that a clerk has begun (state 草稿): no letter yet, without number and clock.

    `fields` is the form as it was typed. The unit's own people see it; it is deleted when it becomes a
    letter, and swept when nobody has touched it for days.
    """

    __tablename__ = "intake_drafts"

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("units.id"), index=True)
    saved_by: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    saved_at: Mapped[datetime] = mapped_column(index=True)
    fields: Mapped[dict[str, Any]]


class MailSeen(Model):
    """A mail that was dealt with. The primary key lets one of two runners take it.

    `key` is a hash of the Message-ID (of everything, when there is none), `content` one of sender, subject
    and text. `reason` says why it is no letter; empty when it became the letter `case_id`.
    """

    __tablename__ = "mail_seen"
    __table_args__ = (
        sa.CheckConstraint("(reason = '') = (case_id IS NOT NULL)", name="letter_or_reason"),
    )  # fmt: skip

    key: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    content: Mapped[str] = mapped_column(sa.String(64))
    reason: Mapped[str] = mapped_column(sa.String(16), default="")
    case_id: Mapped[int | None] = mapped_column(sa.ForeignKey("cases.id"))
    seen_at: Mapped[datetime]


class SecretLink(Model):
    """A one-time link by which whoever wrote by mail gets the secret of the letter. Only its hash is kept."""

    __tablename__ = "secret_links"

    token_hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    case_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id"), index=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]
