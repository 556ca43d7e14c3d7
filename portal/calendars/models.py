"""Days on which the calendar differs from what the profile and the weekends say."""

from __future__ import annotations

import enum
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Model

MAX_NAME = 60


class Source(enum.Enum):
    """Where a day comes from. What a person enters lies above what the official table says."""

    CSV = "csv"
    MANUAL = "manual"


class CalendarDay(Model):
    """One day of the official table that is no ordinary workday or weekend, or one that a person entered.

    A year that has a row of the official table was imported as a whole; the profile says nothing of it
    any more. An entered day stands beside the official one, so that removing it brings that back.
    """

    __tablename__ = "calendar_days"
    __table_args__ = (
        sa.CheckConstraint("source <> 'manual' OR name <> ''", name="entered_day_has_reason"),
        sa.CheckConstraint("source <> 'manual' OR changed_by IS NOT NULL", name="entered_day_has_person"),
    )

    day: Mapped[date] = mapped_column(primary_key=True)
    source: Mapped[Source] = mapped_column(primary_key=True)
    is_working: Mapped[bool]
    name: Mapped[str] = mapped_column(sa.String(MAX_NAME))
    changed_by: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    changed_at: Mapped[datetime]
