"""Published answers: written by a unit, or made out of a reply without what tells of a person."""

from __future__ import annotations

import enum
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from feedback.models import Case
from portal.db import Model
from portal.units import Unit


class FaqState(enum.Enum):
    """DRAFT has never been public; WITHDRAWN was and is not any more."""

    DRAFT = "draft"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"

    @property
    def label(self) -> str:
        return {"draft": "草稿", "published": "公開中", "withdrawn": "已下架"}[self.value]


class FaqEntry(Model):
    """A question and its answer, kept by a unit. `source_id` is the letter whose reply it was made of.

    `version` counts the changes, so that of two people who edit it at once the second is told.
    """

    __tablename__ = "faq_entries"
    __table_args__ = (
        sa.CheckConstraint("length(question) > 0 AND length(answer) > 0", name="has_words"),
        sa.CheckConstraint("state <> 'published' OR published_at IS NOT NULL", name="published_at_a_time"),
        sa.Index("ix_faq_entries_public", "state", "topic"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey(Unit.id), index=True)
    topic: Mapped[str | None] = mapped_column(sa.String(32))
    question: Mapped[str] = mapped_column(sa.String(200))
    answer: Mapped[str] = mapped_column(sa.Text)
    source_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Case.id))
    state: Mapped[FaqState] = mapped_column(default=FaqState.DRAFT)
    version: Mapped[int] = mapped_column(default=1)
    changed_at: Mapped[datetime]
    changed_by: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    published_at: Mapped[datetime | None]
    published_by: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))

    unit: Mapped[Unit] = relationship(lazy="raise_on_sql")
