"""Between units and agencies: transfers, co-handling, referrals; and who has a letter open."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from feedback.models.case import Case, where
from portal.db import Model
from portal.units import Unit


class Outcome(enum.Enum):
    """What became of a proposed transfer."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    CANCELLED = "cancelled"


class Transfer(Model):
    """One unit asks another to take a letter over, saying why; the other accepts or refuses, saying why."""

    __tablename__ = "case_transfers"
    __table_args__ = (
        sa.CheckConstraint("from_unit_id <> to_unit_id", name="to_another_unit"),
        sa.CheckConstraint("length(reason) > 0", name="has_reason"),
        sa.CheckConstraint("(outcome = 'pending') = (decided_at IS NULL)", name="decision_has_time"),
        sa.CheckConstraint("outcome <> 'refused' OR length(answer) > 0", name="refusal_has_reason"),
        sa.Index("uq_case_transfers_pending", "case_id", unique=True, **where("outcome = 'pending'")),
        sa.Index("ix_case_transfers_incoming", "to_unit_id", "id", **where("outcome = 'pending'")),
        sa.Index("ix_case_transfers_case", "case_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id"))
    from_unit_id: Mapped[int] = mapped_column(sa.ForeignKey("units.id"))
    to_unit_id: Mapped[int] = mapped_column(sa.ForeignKey("units.id"))
    reason: Mapped[str] = mapped_column(sa.String(500))
    proposed_by: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    proposed_at: Mapped[datetime]
    outcome: Mapped[Outcome] = mapped_column(default=Outcome.PENDING)
    answer: Mapped[str] = mapped_column(sa.String(500), default="")
    decided_by: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    decided_at: Mapped[datetime | None]

    case: Mapped[Case] = relationship(lazy="raise_on_sql")
    from_unit: Mapped[Unit] = relationship(foreign_keys=[from_unit_id], lazy="raise_on_sql")
    to_unit: Mapped[Unit] = relationship(foreign_keys=[to_unit_id], lazy="raise_on_sql")


class Consultation(Model):
    """A co-handling unit (會辦) is asked for its opinion, which the main unit merges into one reply.

    `shown` is the text that the unit gets instead of the letter when the letter is restricted: without
    names, numbers and whatever else would tell who wrote it. It is None for an ordinary letter.
    """

    __tablename__ = "case_consultations"
    __table_args__ = (
        sa.CheckConstraint("length(question) > 0", name="has_question"),
        sa.CheckConstraint("answered_at IS NULL OR dropped_at IS NULL", name="answered_or_dropped"),
        sa.CheckConstraint("(answered_at IS NULL) = (opinion IS NULL)", name="answer_has_opinion"),
        sa.Index(
            "uq_case_consultations_open", "case_id", "unit_id", unique=True,
            **where("answered_at IS NULL AND dropped_at IS NULL"),
        ),
        sa.Index("ix_case_consultations_unit", "unit_id", "id"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id"))
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("units.id"))
    question: Mapped[str] = mapped_column(sa.String(1000))
    shown: Mapped[str | None] = mapped_column(sa.Text)
    asked_by: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    asked_at: Mapped[datetime]
    due_at: Mapped[datetime]
    opinion: Mapped[str | None] = mapped_column(sa.Text)
    answered_by: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    answered_at: Mapped[datetime | None]
    dropped_at: Mapped[datetime | None]

    case: Mapped[Case] = relationship(lazy="raise_on_sql")
    unit: Mapped[Unit] = relationship(lazy="raise_on_sql")


class Referral(Model):
    """A letter that went to the agency that is competent for it (行政程序法 §172), once.

    `fields` names what travelled with the words of the letter: only what that agency needs.
    """

    __tablename__ = "case_referrals"
    __table_args__ = (
        sa.CheckConstraint("length(agency) > 0", name="has_agency"),
        sa.CheckConstraint("length(reason) > 0", name="has_reason"),
    )

    case_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id"), primary_key=True)
    agency: Mapped[str] = mapped_column(sa.String(80))
    email: Mapped[str] = mapped_column(sa.String(254), default="")
    reason: Mapped[str] = mapped_column(sa.String(1000))
    fields: Mapped[list[Any]]
    referred_by: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    referred_at: Mapped[datetime]


class Presence(Model):
    """A person has had a letter open lately, so that a colleague who opens it sees them."""

    __tablename__ = "case_presences"

    case_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"), primary_key=True)
    seen_at: Mapped[datetime]
