"""The same person writing again about the same matter after an answer (行政程序法 §173 第2款)."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from feedback.models import Case, CaseNeighbour, Contact
from feedback.staff_words import ALIKE
from portal.db import db


def answered_before(case: Case, alike: Collection[CaseNeighbour]) -> Case | None:
    """The newest letter of the same writer about the same matter that had been answered before this came.

    The same writer is one with the same e-mail address or telephone; a name alone says little. Of a
    protected writer nothing is compared. `alike` are letters that the reader of the page may see; whether the
    answer was clear, and whether there is anything new, is for a person to judge.
    """
    marks = _marks(case.contact)
    if not marks or case.confidential:
        return None
    candidates = {
        row.earlier_id: row.earlier
        for row in alike
        if row.likeness >= ALIKE
        and not row.earlier.confidential
        and row.earlier.answered_at is not None
        and row.earlier.answered_at < case.received_at
    }
    contacts = db.session.scalars(sa.select(Contact).where(Contact.case_id.in_(candidates)))
    same = [candidates[contact.case_id] for contact in contacts if _marks(contact) & marks]
    return max(same, key=lambda earlier: (earlier.answered_at, earlier.id), default=None)


def _marks(contact: Contact | None) -> set[str]:
    if contact is None:
        return set()
    phone = "".join(filter(str.isdigit, contact.phone))
    return {contact.email.strip().lower(), phone} - {""}
