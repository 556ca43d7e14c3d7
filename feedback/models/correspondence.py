"""What agency and citizen write each other before and besides the answer, and what that does to the clock."""

from __future__ import annotations

import enum
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from feedback.models.case import Case, where
from portal.db import Model


class MessageKind(enum.Enum):
    """What a message is for. SUPPLEMENT comes from the citizen, all others from the agency."""

    ASKED = "asked"
    SUPPLEMENT = "supplement"
    INTERIM = "interim"
    EXTENSION = "extension"
    DECLINED = "declined"
    REFERRED = "referred"
    MERGED = "merged"
    SECOND_REPLY = "second_reply"

    @property
    def label(self) -> str:
        return MESSAGE_LABELS[self]


MESSAGE_LABELS = {
    MessageKind.ASKED: "請您補充資料",
    MessageKind.SUPPLEMENT: "您的補充",
    MessageKind.INTERIM: "初步回復",
    MessageKind.EXTENSION: "延長處理期限的通知",
    MessageKind.DECLINED: "不予處理的通知",
    MessageKind.REFERRED: "移轉其他機關的通知",
    MessageKind.MERGED: "併案辦理的通知",
    MessageKind.SECOND_REPLY: "再次回復",
}


class Message(Model):
    """One text between agency and citizen; both sides see it. `author_id` is None for the citizen."""

    __tablename__ = "case_messages"
    __table_args__ = (
        sa.CheckConstraint("length(body) > 0", name="body_not_empty"),
        sa.CheckConstraint("(kind = 'supplement') = (author_id IS NULL)", name="citizen_has_no_account"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id"), index=True)
    kind: Mapped[MessageKind]
    author_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    body: Mapped[str] = mapped_column(sa.Text)
    sent_at: Mapped[datetime]

    case: Mapped[Case] = relationship(back_populates="messages", lazy="raise_on_sql")


class Pause(Model):
    """The clock stands still from the day a supplement is asked for until it comes or is not waited for.

    `until` is the last moment for the citizen; afterwards the unit goes on with what it has.
    """

    __tablename__ = "case_pauses"
    __table_args__ = (
        sa.CheckConstraint("ended_at IS NULL OR ended_at >= began_at", name="ends_after_it_began"),
        sa.Index("uq_case_pauses_running", "case_id", unique=True, **where("ended_at IS NULL")),
        sa.Index("ix_case_pauses_case", "case_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id"))
    began_at: Mapped[datetime]
    until: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Extension(Model):
    """More time, granted once with a reason that was sent to the citizen. `days` are counted by `basis`."""

    __tablename__ = "case_extensions"
    __table_args__ = (
        sa.CheckConstraint("days > 0", name="days_are_positive"),
        sa.CheckConstraint("length(reason) > 0", name="has_reason"),
        sa.Index("ix_case_extensions_case", "case_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id"))
    days: Mapped[int]
    basis: Mapped[str] = mapped_column(sa.String(8))
    reason: Mapped[str] = mapped_column(sa.String(1000))
    granted_by: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    granted_at: Mapped[datetime]
