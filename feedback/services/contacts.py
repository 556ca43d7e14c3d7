"""Looking at who wrote: the data are shown to whoever asks, and that they asked is kept."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from feedback.models import Case, Contact, EventKind
from feedback.queries import visible_to
from feedback.services.acting import keep
from portal.access import Actor
from portal.audit import record
from portal.db import transaction
from portal.errors import BadInput, NotFound


class ReasonNeeded(BadInput):
    message = "這封信的來信人身分受保護，請先寫下開啟身分的原因。"


def reveal(case_id: int, *, by: Actor, now: datetime, reason: str = "") -> Contact:
    """The full contact data of a letter.

    Of a protected writer (檢舉、限閱) only somebody of the unit that has the letter sees them, and has to say
    why: that is kept in the letter's history. Raises NotFound when there are none to see for this person,
    ReasonNeeded when the reason is missing.
    """
    with transaction() as session:
        case = session.scalar(visible_to(by).where(Case.id == case_id))
        contact = session.scalar(sa.select(Contact).where(Contact.case_id == case_id)) if case else None
        if case is None or contact is None:
            raise NotFound
        if not is_protected(case):
            record(session, "case.contact_viewed", "case", case.number, actor_id=by.id, now=now)
            return contact
        if case.unit_id != by.unit_id:
            raise NotFound
        if not reason:
            raise ReasonNeeded
        keep(session, case, EventKind.IDENTITY_OPENED, by=by, now=now, note=reason)
    return contact


def is_protected(case: Case) -> bool:
    """Whether opening the writer's identity needs a reason."""
    return case.confidential or case.restricted
