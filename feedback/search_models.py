"""Which letters stand in the search index."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from feedback.models import Case, MessageKind
from portal.db import Model

SEARCHED = (MessageKind.SUPPLEMENT, MessageKind.INTERIM, MessageKind.SECOND_REPLY)
"""Messages with words of their own; the others are notices that read alike."""

_STALE = sa.text("stale")


class IndexedCase(Model):
    """A letter that the search knows; one without a row waits for the job.

    `replied_at` and `message_id` are the newest reply and message that were read with it. `stale` asks for
    another reading.
    """

    __tablename__ = "indexed_cases"
    __table_args__ = (
        sa.Index("ix_indexed_cases_stale", "case_id", sqlite_where=_STALE, postgresql_where=_STALE),
        sa.Index("ix_indexed_cases_replied", "replied_at"),
        sa.Index("ix_indexed_cases_message", "message_id"),
    )

    case_id: Mapped[int] = mapped_column(sa.ForeignKey(Case.id), primary_key=True)
    replied_at: Mapped[datetime | None]
    message_id: Mapped[int | None]
    stale: Mapped[bool] = mapped_column(default=True)
