"""Looking at who wrote: the data are shown to whoever asks, and that they asked is kept."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from feedback.models import Case, Contact
from feedback.queries import visible_to
from portal.access import Actor
from portal.audit import record
from portal.db import transaction
from portal.errors import NotFound


def reveal(case_id: int, *, by: Actor, now: datetime) -> Contact:
    """The full contact data of a letter. Raises NotFound when there are none to see for this person."""
    with transaction() as session:
        case = session.scalar(visible_to(by).where(Case.id == case_id))
        contact = session.scalar(sa.select(Contact).where(Contact.case_id == case_id)) if case else None
        if case is None or contact is None:
            raise NotFound
        record(session, "case.contact_viewed", "case", case.number, actor_id=by.id, now=now)
    return contact
