"""Answers: drafts on their way through the sign-off, the reply, its rating."""

from __future__ import annotations

import enum
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from feedback.models.case import Case, where
from portal.db import Model


class Method(enum.Enum):
    """How the answer reached the citizen. One given by voice is kept as a written record."""

    WRITTEN = "written"
    PHONE = "phone"
    FACE = "face"

    @property
    def label(self) -> str:
        return METHOD_LABELS[self]

    @property
    def short(self) -> str:
        """In a word: 書面, 電話, 當面."""
        return METHOD_LABELS[self][:2]


METHOD_LABELS = {
    Method.WRITTEN: "書面（查詢頁，有電子郵件的也寄出）",
    Method.PHONE: "電話答復，以下是紀錄",
    Method.FACE: "當面答復，以下是紀錄",
}


class DraftState(enum.Enum):
    """Where a draft stands in 承辦 → 主管 → 發文."""

    WORKING = "working"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    RETURNED = "returned"
    RECALLED = "recalled"
    SENT = "sent"
    DROPPED = "dropped"

    @property
    def label(self) -> str:
        return DRAFT_LABELS[self]


DRAFT_LABELS = {
    DraftState.WORKING: "草稿",
    DraftState.SUBMITTED: "已送核",
    DraftState.APPROVED: "已核可",
    DraftState.RETURNED: "退回修改",
    DraftState.RECALLED: "已抽回",
    DraftState.SENT: "已發文",
    DraftState.DROPPED: "未使用",
}


class Draft(Model):
    """One version of an answer. A letter has at most one that is being written, reviewed or sent.

    `comment` is what the person who decided wrote to the author.
    """

    __tablename__ = "reply_drafts"
    __table_args__ = (
        sa.UniqueConstraint("case_id", "version"),
        sa.CheckConstraint("length(body) > 0", name="body_not_empty"),
        sa.CheckConstraint(
            "state NOT IN ('approved', 'returned', 'sent') OR decided_at IS NOT NULL",
            name="decision_has_time",
        ),
        sa.Index(
            "uq_reply_drafts_current", "case_id", unique=True,
            **where("state IN ('working', 'submitted', 'approved')"),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id"))
    version: Mapped[int]
    body: Mapped[str] = mapped_column(sa.Text)
    method: Mapped[Method] = mapped_column(default=Method.WRITTEN)
    state: Mapped[DraftState] = mapped_column(default=DraftState.WORKING)
    author_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    written_at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    decided_at: Mapped[datetime | None]
    comment: Mapped[str] = mapped_column(sa.String(1000), default="")


class Reply(Model):
    """The unit's answer: one to each letter. A second reply after a low rating is a Message."""

    __tablename__ = "case_replies"
    __table_args__ = (sa.CheckConstraint("length(body) > 0", name="body_not_empty"),)

    case_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id"), primary_key=True)
    author_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    approved_by: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    method: Mapped[Method] = mapped_column(default=Method.WRITTEN)
    body: Mapped[str] = mapped_column(sa.Text)
    sent_at: Mapped[datetime] = mapped_column(index=True)

    case: Mapped[Case] = relationship(back_populates="reply", lazy="raise_on_sql")
    rating: Mapped[Rating | None] = relationship(back_populates="reply", lazy="raise_on_sql")


class Rating(Model):
    """How the citizen found the answer, once: 1 (very dissatisfied) to 5 (very satisfied)."""

    __tablename__ = "reply_ratings"
    __table_args__ = (sa.CheckConstraint("score BETWEEN 1 AND 5", name="score_on_scale"),)

    case_id: Mapped[int] = mapped_column(sa.ForeignKey("case_replies.case_id"), primary_key=True)
    score: Mapped[int]
    comment: Mapped[str] = mapped_column(sa.Text, default="")
    rated_at: Mapped[datetime] = mapped_column(index=True)

    reply: Mapped[Reply] = relationship(back_populates="rating", lazy="raise_on_sql")
