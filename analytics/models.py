"""Classifier versions, unit summaries and improvements."""

from __future__ import annotations

import enum
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db import Model
from portal.units import Unit


class ClassifierVersion(Model):
    """A trained classifier whose files lie under `instance/models/<id>`; at most one is active."""

    __tablename__ = "classifier_versions"
    __table_args__ = (
        sa.Index(
            "uq_classifier_versions_active", "active", unique=True,
            sqlite_where=sa.text("active"), postgresql_where=sa.text("active"),
        ),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    created_at: Mapped[datetime]
    manifest: Mapped[dict[str, Any]]
    active: Mapped[bool] = mapped_column(default=False)
    activated_at: Mapped[datetime | None]
    activated_by: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))


class UnitSummary(Model):
    """What one unit heard in one month, as it stood when it was written.

    `figures` is the whole summary as data (see `analytics.summary`); a later run that finds other
    figures adds a version, the earlier one stays.
    """

    __tablename__ = "unit_summaries"
    __table_args__ = (sa.UniqueConstraint("unit_id", "period", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("units.id"))
    period: Mapped[str] = mapped_column(sa.String(7))
    version: Mapped[int]
    figures: Mapped[dict[str, Any]]
    digest: Mapped[str] = mapped_column(sa.String(64))
    created_at: Mapped[datetime]

    unit: Mapped[Unit] = relationship(lazy="raise_on_sql")


class ImprovementStatus(enum.Enum):
    PLANNED = "planned"
    DONE = "done"

    @property
    def label(self) -> str:
        return {"planned": "進行中", "done": "已完成"}[self.value]


class Improvement(Model):
    """What a unit changes because of what it heard (意見 → 改善)."""

    __tablename__ = "improvements"
    __table_args__ = (sa.CheckConstraint("(status = 'done') = (done_on IS NOT NULL)", name="done_has_day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("units.id"), index=True)
    topic: Mapped[str | None] = mapped_column(sa.String(32))
    opinion: Mapped[str] = mapped_column(sa.Text)
    measure: Mapped[str] = mapped_column(sa.Text)
    due_on: Mapped[date]
    status: Mapped[ImprovementStatus] = mapped_column(default=ImprovementStatus.PLANNED)
    done_on: Mapped[date | None]
    effect: Mapped[str] = mapped_column(sa.Text, default="")
    created_at: Mapped[datetime]
    created_by: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))

    unit: Mapped[Unit] = relationship(lazy="raise_on_sql")


class HotIssue(Model):
    """Letters of one matter that came in unusual number; a person looks, and may make an improvement of it.

    `root_case_id`, its earliest letter, tells the same issue again after a restart. `posts` counts letters,
    `people` those who wrote them; `expected` and `chance` are the usual number in the same days and how
    often chance alone brings that many.
    """

    __tablename__ = "hot_issues"
    __table_args__ = (
        sa.CheckConstraint("people <= posts", name="no_more_people_than_posts"),
        sa.Index("ix_hot_issues_last", "last_at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    root_case_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id"), unique=True)
    topic: Mapped[str | None] = mapped_column(sa.String(32))
    label: Mapped[str] = mapped_column(sa.String(200))
    words: Mapped[list[Any]]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    posts: Mapped[int]
    people: Mapped[int]
    mass_posting: Mapped[bool]
    burst: Mapped[bool]
    expected: Mapped[float | None]
    chance: Mapped[float | None]
    noticed_at: Mapped[datetime]
    dismissed_at: Mapped[datetime | None]
    dismissed_by: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    improvement_id: Mapped[int | None] = mapped_column(sa.ForeignKey("improvements.id"))

    letters: Mapped[list[HotIssueLetter]] = relationship(back_populates="issue", lazy="raise_on_sql")


class HotIssueLetter(Model):
    """A letter belongs to at most one hot issue."""

    __tablename__ = "hot_issue_letters"

    case_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id"), primary_key=True)
    issue_id: Mapped[int] = mapped_column(sa.ForeignKey("hot_issues.id"), index=True)

    issue: Mapped[HotIssue] = relationship(back_populates="letters", lazy="raise_on_sql")
