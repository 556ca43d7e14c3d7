"""Files that belong to a letter, and those that wait for the letter to be sent."""

from __future__ import annotations

import enum
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from feedback.models import Case
from portal.db import Model
from portal.files.kinds import KINDS, Kind


class FileState(enum.Enum):
    """READY may be downloaded; WAITING is not yet scanned; of REFUSED only name and reason are kept."""

    READY = "ready"
    WAITING = "waiting"
    REFUSED = "refused"


class Attachment(Model):
    """One file of a letter, or one held for `holder` until its letter is sent or `held_until` has passed.

    `stored` is its random name in the store; `sha256` and `size` (bytes) are of what is stored. `kind` is a
    code of `portal.files.kinds`. `message_id` is the supplement that it came with.
    """

    __tablename__ = "case_attachments"
    __table_args__ = (
        sa.CheckConstraint("(case_id IS NULL) <> (holder IS NULL)", name="of_a_letter_or_held"),
        sa.CheckConstraint("(holder IS NULL) = (held_until IS NULL)", name="held_for_a_time"),
        sa.CheckConstraint("message_id IS NULL OR case_id IS NOT NULL", name="message_of_a_letter"),
        sa.CheckConstraint("(state = 'refused') = (stored IS NULL)", name="refused_is_not_stored"),
        sa.CheckConstraint("(state = 'refused') = (reason <> '')", name="refused_for_a_reason"),
        sa.CheckConstraint("size >= 0", name="size_counted"),
        sa.UniqueConstraint("stored", name="uq_case_attachments_stored"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Case.id), index=True)
    message_id: Mapped[int | None] = mapped_column(sa.ForeignKey("case_messages.id"))
    holder: Mapped[str | None] = mapped_column(sa.String(64), index=True)
    held_until: Mapped[datetime | None] = mapped_column(index=True)
    name: Mapped[str] = mapped_column(sa.String(120))
    kind: Mapped[str] = mapped_column(sa.String(8))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(sa.String(64))
    stored: Mapped[str | None] = mapped_column(sa.String(32))
    state: Mapped[FileState]
    reason: Mapped[str] = mapped_column(sa.String(200), default="")
    added_at: Mapped[datetime]

    @property
    def spec(self) -> Kind | None:
        """What kind of file it is; None for one that was refused."""
        return KINDS.get(self.kind)

    @property
    def is_ready(self) -> bool:
        return self.state is FileState.READY

    @property
    def weight(self) -> str:
        """Its size for people: 「318 KB」."""
        size = self.size / 1024
        return f"{size:,.0f} KB" if size < 1024 else f"{size / 1024:,.1f} MB"
