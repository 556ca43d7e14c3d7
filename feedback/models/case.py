"""A citizen's letter, who wrote it, what the classifier thinks of it, and its likes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from feedback.states import SETTLED, UNREGISTERED, Ground, Petition, Status
from portal.accounts.models import User
from portal.db import Model
from portal.units import Unit

if TYPE_CHECKING:
    from feedback.models.answering import Reply
    from feedback.models.correspondence import Message
    from feedback.models.events import CaseEvent


def where(condition: str) -> dict[str, Any]:
    """A partial index on both databases."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def among(states: frozenset[Status]) -> str:
    """The SQL condition that a status is one of these."""
    values = ", ".join(f"'{state.value}'" for state in Status if state in states)
    return f"status IN ({values})"


COUNTED = ("restricted", "topic", "urgent")
WAITING = where("settled_at IS NULL")


class CaseCounter(Model):
    """The last number given in a ROC year; the row that writers queue at."""

    __tablename__ = "case_counters"

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]


class Case(Model):
    """One letter, owned by the unit that must answer it.

    `topic` is what a person confirmed; the machine's guess is a Suggestion. `likely_topic`, by which
    letters are filtered and counted, is the confirmed one, before that a sure guess. `voice` (what the
    writer wants: a code of the profile) and `petition` (the kind in law) are said by a person.

    `restricted` letters are seen by their owner unit only; `confidential` ones protect who wrote them.
    `urgent_words` are the agency's words of danger found in the letter. `source_key` makes an import
    repeatable.

    `settled_at` is None while the unit must act. `answered_at` is the first answer and stays when the letter
    is reopened; `answered_late` says whether that answer came after its deadline. `due_at` is the deadline
    of what is to be done now: the answer, or the second reply.
    """

    __tablename__ = "cases"
    __table_args__ = (
        sa.CheckConstraint(f"NOT ({among(UNREGISTERED)})", name="is_registered"),
        sa.CheckConstraint(f"({among(SETTLED)}) = (settled_at IS NOT NULL)", name="settled_has_time"),
        sa.CheckConstraint(
            "status NOT IN ('answered', 'closed', 'reopened') OR answered_at IS NOT NULL",
            name="answered_has_time",
        ),
        sa.CheckConstraint(
            "status NOT IN ('declined', 'referred', 'merged', 'withdrawn') OR answered_at IS NULL",
            name="left_without_answer",
        ),
        sa.CheckConstraint("(answered_at IS NULL) = (answered_late IS NULL)", name="answer_is_late_or_not"),
        sa.CheckConstraint("(status = 'closed') = (closed_at IS NOT NULL)", name="closed_has_time"),
        sa.CheckConstraint("(status = 'declined') = (ground IS NOT NULL)", name="declined_has_ground"),
        sa.CheckConstraint("(status = 'merged') = (merged_into_id IS NOT NULL)", name="merged_has_main"),
        sa.CheckConstraint("merged_into_id <> id", name="merged_into_another"),
        sa.CheckConstraint("(topic IS NULL) = (topic_confirmed_at IS NULL)", name="topic_is_confirmed"),
        sa.CheckConstraint("topic IS NULL OR topic = likely_topic", name="likely_topic_is_confirmed_one"),
        sa.CheckConstraint("(voice IS NULL) = (voice_set_at IS NULL)", name="voice_is_said"),
        sa.CheckConstraint("length(body) > 0", name="body_not_empty"),
        # The last three columns let the inbox count open letters without reading them.
        sa.Index("ix_cases_open_due", "due_at", "id", *COUNTED, **WAITING),
        sa.Index("ix_cases_unit_open_due", "unit_id", "due_at", "id", *COUNTED, **WAITING),
        sa.Index("ix_cases_unclassified", "id", **where("classified_at IS NULL")),
        sa.Index("ix_cases_merged_into", "merged_into_id", **where("merged_into_id IS NOT NULL")),
        sa.Index("ix_cases_received", "received_at", "id"),
        sa.Index("ix_cases_unit_received", "unit_id", "received_at", "id"),
        sa.Index("ix_cases_unit_topic", "unit_id", "likely_topic", "received_at", "id"),
        sa.Index("ix_cases_unit_answered", "unit_id", "answered_at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(sa.String(20), unique=True)
    secret_hash: Mapped[str] = mapped_column(sa.String(64))
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("units.id"))
    handler_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    status: Mapped[Status] = mapped_column(default=Status.RECEIVED)
    channel: Mapped[str] = mapped_column(sa.String(32))
    subject: Mapped[str] = mapped_column(sa.String(500))
    body: Mapped[str] = mapped_column(sa.Text)
    hint: Mapped[str | None] = mapped_column(sa.String(32))
    county: Mapped[str] = mapped_column(sa.String(20), default="")
    language: Mapped[str] = mapped_column(sa.String(8), default="zh")
    restricted: Mapped[bool] = mapped_column(default=False)
    confidential: Mapped[bool] = mapped_column(default=False)
    urgent: Mapped[bool] = mapped_column(default=False)
    urgent_words: Mapped[list[Any]] = mapped_column(default=list)
    topic: Mapped[str | None] = mapped_column(sa.String(32))
    likely_topic: Mapped[str | None] = mapped_column(sa.String(32))
    topic_confirmed_at: Mapped[datetime | None]
    topic_confirmed_by: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    voice: Mapped[str | None] = mapped_column(sa.String(32))
    voice_set_at: Mapped[datetime | None]
    petition: Mapped[Petition | None]
    ground: Mapped[Ground | None]
    merged_into_id: Mapped[int | None] = mapped_column(sa.ForeignKey("cases.id"))
    received_at: Mapped[datetime]
    due_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    answered_late: Mapped[bool | None]
    settled_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    classified_at: Mapped[datetime | None]
    source_key: Mapped[str | None] = mapped_column(sa.String(64), unique=True)

    unit: Mapped[Unit] = relationship(lazy="raise_on_sql")
    handler: Mapped[User | None] = relationship(foreign_keys=[handler_id], lazy="raise_on_sql")
    contact: Mapped[Contact | None] = relationship(back_populates="case", lazy="raise_on_sql")
    suggestion: Mapped[Suggestion | None] = relationship(back_populates="case", lazy="raise_on_sql")
    reply: Mapped[Reply | None] = relationship(back_populates="case", lazy="raise_on_sql")
    merged_into: Mapped[Case | None] = relationship(remote_side="Case.id", lazy="raise_on_sql")
    messages: Mapped[list[Message]] = relationship(
        back_populates="case", lazy="raise_on_sql", order_by="Message.id"
    )
    events: Mapped[list[CaseEvent]] = relationship(
        back_populates="case", lazy="raise_on_sql", order_by="CaseEvent.id"
    )

    def is_overdue(self, now: datetime) -> bool:
        return self.status.is_open and now > self.due_at


class Contact(Model):
    """Who wrote, kept apart from the letter so that it can be hidden, corrected or removed alone."""

    __tablename__ = "case_contacts"

    case_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id"), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(80), default="")
    email: Mapped[str] = mapped_column(sa.String(254), default="")
    phone: Mapped[str] = mapped_column(sa.String(40), default="")

    case: Mapped[Case] = relationship(back_populates="contact", lazy="raise_on_sql")


class Suggestion(Model):
    """What the classifier thinks of a letter; a person always decides.

    `candidates` is a list of {topic, probability}; `words` those that spoke for the first one, `against`
    those that spoke against it, `marks` where the former stand in the letter (subject joined to body), as
    [start, end]. `rule` is the agency's phrase that decided instead of the model. `alarm` says that it may
    be urgent, `urgent_phrase` by which of the agency's words. `margin` is the lead of the first topic over
    the second, `unknown_words` the share of words that the model had never seen.
    """

    __tablename__ = "case_suggestions"
    __table_args__ = (
        sa.CheckConstraint("probability BETWEEN 0 AND 1", name="probability_is_share"),
        sa.Index("ix_case_suggestions_topic", "topic", "case_id"),
    )

    case_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id"), primary_key=True)
    model_version: Mapped[str] = mapped_column(sa.String(64))
    topic: Mapped[str] = mapped_column(sa.String(32))
    probability: Mapped[float]
    abstained: Mapped[bool]
    voice: Mapped[str | None] = mapped_column(sa.String(32))
    candidates: Mapped[list[Any]]
    words: Mapped[list[Any]]
    against: Mapped[list[Any]] = mapped_column(default=list)
    marks: Mapped[list[Any]] = mapped_column(default=list)
    secondary: Mapped[list[Any]] = mapped_column(default=list)
    rule: Mapped[str | None] = mapped_column(sa.String(80))
    alarm: Mapped[bool] = mapped_column(default=False)
    urgent_phrase: Mapped[str | None] = mapped_column(sa.String(80))
    margin: Mapped[float] = mapped_column(default=0.0)
    unknown_words: Mapped[float | None]
    created_at: Mapped[datetime]

    case: Mapped[Case] = relationship(back_populates="suggestion", lazy="raise_on_sql")


class TopicLabel(Model):
    """A person said what a letter is about, and what the classifier had said before: one label to learn from.

    Kept apart from the suggestion, which a newer model replaces. The newest label of a letter counts.
    """

    __tablename__ = "case_topic_labels"
    __table_args__ = (
        sa.CheckConstraint("(suggested IS NULL) = (model_version IS NULL)", name="suggested_by_a_model"),
        sa.Index("ix_case_topic_labels_case", "case_id", "id"),
        sa.Index("ix_case_topic_labels_confirmed", "confirmed_at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id"))
    topic: Mapped[str] = mapped_column(sa.String(32))
    suggested: Mapped[str | None] = mapped_column(sa.String(32))
    abstained: Mapped[bool] = mapped_column(default=False)
    model_version: Mapped[str | None] = mapped_column(sa.String(64))
    confirmed_at: Mapped[datetime]
    confirmed_by: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))

    case: Mapped[Case] = relationship(lazy="raise_on_sql")


class CaseNeighbour(Model):
    """An earlier letter that reads alike; `likeness` is the cosine of their words, 0 to 1."""

    __tablename__ = "case_neighbours"
    __table_args__ = (
        sa.CheckConstraint("earlier_id <> case_id", name="another_letter"),
        sa.CheckConstraint("likeness BETWEEN 0 AND 1", name="likeness_is_share"),
    )

    case_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id"), primary_key=True)
    earlier_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id"), primary_key=True, index=True)
    likeness: Mapped[float]

    earlier: Mapped[Case] = relationship(foreign_keys=[earlier_id], lazy="raise_on_sql")


class IntakeKey(Model):
    """A sender's own key for one letter: a repeat gets the first answer instead of a second letter.

    Only hashes are kept: of the key, and of what was sent with it.
    """

    __tablename__ = "intake_keys"

    key_hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    content_hash: Mapped[str] = mapped_column(sa.String(64))
    case_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id"))
    created_at: Mapped[datetime]
