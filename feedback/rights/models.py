"""Requests about one's own personal data: what was asked, by when it must be decided, what was decided."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from feedback.models import Case
from portal.db import Model

UNDECIDED = "decided_at IS NULL"


class RightKind(enum.Enum):
    """The rights of 個人資料保護法 §3."""

    VIEW = "view"
    COPY = "copy"
    CORRECT = "correct"
    STOP = "stop"
    DELETE = "delete"

    @property
    def label(self) -> str:
        return KIND_LABELS[self]

    @property
    def is_access(self) -> bool:
        """Asks to see; §13 gives such requests the shorter clock."""
        return self in {RightKind.VIEW, RightKind.COPY}


KIND_LABELS = {
    RightKind.VIEW: "查詢或閱覽",
    RightKind.COPY: "製給複製本",
    RightKind.CORRECT: "補充或更正",
    RightKind.STOP: "停止蒐集、處理或利用",
    RightKind.DELETE: "刪除",
}


class Result(enum.Enum):
    GRANTED = "granted"
    PARTLY = "partly"
    REFUSED = "refused"

    @property
    def label(self) -> str:
        return {"granted": "准許", "partly": "部分准許", "refused": "不予准許"}[self.value]


class TellBy(enum.Enum):
    """How the requester wants to hear of it, beside the page that is always there."""

    PAGE = "page"
    EMAIL = "email"
    PHONE = "phone"

    @property
    def label(self) -> str:
        return {
            "page": "只在查詢頁看，不必另外通知",
            "email": "寄電子郵件",
            "phone": "打電話",
        }[self.value]


class DataRequestCounter(Model):
    """The last number given in a ROC year; the row that writers queue at."""

    __tablename__ = "data_request_counters"

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]


class DataRequest(Model):
    """One request. Who may see it follows its letter, see `feedback.rights.queries`.

    `claimed_number` is a letter's number as the requester typed it without its secret. `wanted` holds the
    contact data that a correction asks for, until it is decided. `verified_by` None with `verified_at` means
    that the letter's secret proved who asks. `parts` is what was carried out. `fingerprint` makes a repeated
    submission one request.
    """

    __tablename__ = "data_requests"
    __table_args__ = (
        sa.CheckConstraint(
            "(result IS NULL) = (decided_at IS NULL) AND (result IS NULL) = (decided_by IS NULL)",
            name="decision_is_whole",
        ),
        sa.CheckConstraint(
            "result IS NULL OR result = 'granted' OR (ground IS NOT NULL AND length(reason) > 0)",
            name="refusal_has_ground_and_reason",
        ),
        sa.CheckConstraint(
            "result IS NULL OR result = 'refused' OR (verified_at IS NOT NULL AND case_id IS NOT NULL)",
            name="granted_to_the_verified",
        ),
        sa.CheckConstraint("(extended_at IS NULL) = (extension_reason = '')", name="extension_has_reason"),
        sa.CheckConstraint(
            "disclosed_until IS NULL OR (kind IN ('view', 'copy') AND result <> 'refused')",
            name="disclosed_when_granted",
        ),
        sa.Index(
            "ix_data_requests_undecided", "due_at", "id",
            sqlite_where=sa.text(UNDECIDED), postgresql_where=sa.text(UNDECIDED),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(sa.String(20), unique=True)
    secret_hash: Mapped[str] = mapped_column(sa.String(64))
    fingerprint: Mapped[str] = mapped_column(sa.String(64), unique=True)
    kind: Mapped[RightKind]
    case_id: Mapped[int | None] = mapped_column(sa.ForeignKey("cases.id"), index=True)
    claimed_number: Mapped[str] = mapped_column(sa.String(20), default="")
    wish: Mapped[str] = mapped_column(sa.Text, default="")
    wanted: Mapped[dict[str, Any]] = mapped_column(default=dict)
    name: Mapped[str] = mapped_column(sa.String(80), default="")
    email: Mapped[str] = mapped_column(sa.String(254), default="")
    phone: Mapped[str] = mapped_column(sa.String(40), default="")
    tell_by: Mapped[TellBy] = mapped_column(default=TellBy.PAGE)
    received_at: Mapped[datetime]
    due_at: Mapped[datetime]
    verified_at: Mapped[datetime | None]
    verified_by: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    verify_note: Mapped[str] = mapped_column(sa.String(500), default="")
    extended_at: Mapped[datetime | None]
    extended_by: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    extension_reason: Mapped[str] = mapped_column(sa.Text, default="")
    result: Mapped[Result | None]
    ground: Mapped[str | None] = mapped_column(sa.String(32))
    reason: Mapped[str] = mapped_column(sa.Text, default="")
    parts: Mapped[list[Any]] = mapped_column(default=list)
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    disclosed_until: Mapped[datetime | None]

    case: Mapped[Case | None] = relationship(lazy="raise_on_sql")

    @property
    def serial(self) -> str:
        """The number as addresses have it: 115-0001."""
        return self.number.removeprefix(PREFIX)

    def is_overdue(self, now: datetime) -> bool:
        return self.decided_at is None and now > self.due_at

    def discloses(self, now: datetime) -> bool:
        """Whether what is held is on the requester's page now."""
        return self.disclosed_until is not None and now < self.disclosed_until


PREFIX = "個"


class SealedContact(Model):
    """Contact data whose use was stopped: kept, but out of reach of every part that uses contact data."""

    __tablename__ = "sealed_contacts"

    case_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id"), primary_key=True)
    request_id: Mapped[int] = mapped_column(sa.ForeignKey("data_requests.id"))
    name: Mapped[str] = mapped_column(sa.String(80), default="")
    email: Mapped[str] = mapped_column(sa.String(254), default="")
    phone: Mapped[str] = mapped_column(sa.String(40), default="")
    sealed_at: Mapped[datetime]
