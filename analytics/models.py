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
