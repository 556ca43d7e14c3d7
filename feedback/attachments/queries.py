"""Which files may be seen: those of letters that may be seen."""

from __future__ import annotations

import sqlalchemy as sa

from feedback.attachments.models import Attachment, FileState
from feedback.models import Case
from portal.db import db


def of(case: Case) -> list[Attachment]:
    """A letter's files in the order they came. The caller has checked that it may be read."""
    return list(
        db.session.scalars(sa.select(Attachment).where(Attachment.case_id == case.id).order_by(Attachment.id))
    )


def for_sender(case: Case, attachment_id: int) -> Attachment | None:
    """One file of a letter that its sender has opened, when it may be given out."""
    wanted = sa.select(Attachment).where(Attachment.id == attachment_id, Attachment.case_id == case.id)
    return db.session.scalar(wanted.where(Attachment.state == FileState.READY))
