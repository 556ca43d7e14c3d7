"""The steps of a letter's way, for the timelines of citizen and staff."""

from __future__ import annotations

import enum
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from feedback.models.case import Case
from portal.db import Model


class EventKind(enum.Enum):
    """What happened."""

    RECEIVED = "received"
    SUGGESTED = "suggested"
    SUGGESTION_DECLINED = "suggestion_declined"
    TOPIC_CONFIRMED = "topic_confirmed"
    VOICE_SET = "voice_set"
    DISPATCHED = "dispatched"
    TRANSFER_PROPOSED = "transfer_proposed"
    TRANSFERRED = "transferred"
    TRANSFER_REFUSED = "transfer_refused"
    TRANSFER_CANCELLED = "transfer_cancelled"
    ASSIGNED = "assigned"
    CONSULTED = "consulted"
    CONSULTATION_DROPPED = "consultation_dropped"
    OPINION_GIVEN = "opinion_given"
    ASKED_CITIZEN = "asked_citizen"
    SUPPLEMENTED = "supplemented"
    WAITING_ENDED = "waiting_ended"
    INTERIM = "interim"
    EXTENDED = "extended"
    RESCHEDULED = "rescheduled"
    SUBMITTED = "submitted"
    RECALLED = "recalled"
    RETURNED = "returned"
    APPROVED = "approved"
    ANSWERED = "answered"
    CLOSED = "closed"
    RATED = "rated"
    REOPENED = "reopened"
    DECLINED = "declined"
    REFERRED = "referred"
    MERGED = "merged"
    SEPARATED = "separated"
    WITHDRAWN = "withdrawn"
    ESCALATED = "escalated"
    IDENTITY_OPENED = "identity_opened"


class CaseEvent(Model):
    """One step of a letter's way. `note` is a staff member's reason; never the citizen's words."""

    __tablename__ = "case_events"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id"), index=True)
    at: Mapped[datetime]
    kind: Mapped[EventKind]
    actor_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    unit_id: Mapped[int | None] = mapped_column(sa.ForeignKey("units.id"))
    topic: Mapped[str | None] = mapped_column(sa.String(32))
    note: Mapped[str] = mapped_column(sa.String(500), default="")

    case: Mapped[Case] = relationship(back_populates="events", lazy="raise_on_sql")


class ReminderKind(enum.Enum):
    """Why staff were mailed about a deadline."""

    SOON = "soon"
    LATE = "late"
    IGNORED = "ignored"


class Reminder(Model):
    """Staff were mailed about one deadline of a letter, once for each kind; a new deadline counts anew."""

    __tablename__ = "case_reminders"
    __table_args__ = (sa.UniqueConstraint("case_id", "kind", "due_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id"))
    kind: Mapped[ReminderKind]
    due_at: Mapped[datetime]
    told_at: Mapped[datetime]
