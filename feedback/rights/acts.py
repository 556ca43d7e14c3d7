"""What granting a request does to the data. Called inside the deciding transaction."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.models import Case, Contact, IntakeKey
from feedback.rights.models import DataRequest, RightKind, SealedContact
from feedback.rights.queries import holders
from feedback.rights.words import FIELDS
from portal.outbox import OutboxMessage
from portal.profile import Profile


def possible_parts(session: Session, request: DataRequest, sections: Collection[str]) -> list[str]:
    """The codes of what can be granted: sections to show, or fields of the contact data."""
    if request.kind.is_access:
        return list(sections)
    if request.kind is RightKind.CORRECT:
        return [field for field in FIELDS if request.wanted.get(field)]
    kept = holders(session, request.case_id) if request.case_id else {}
    return [field for field in FIELDS if field in kept]


def carry_out(
    session: Session, request: DataRequest, case: Case, parts: list[str], *, profile: Profile, now: datetime
) -> None:
    """Do what was granted. Number and secret of the letter keep working; only contact data change."""
    if request.kind.is_access:
        request.disclosed_until = now + timedelta(days=profile.data_rights.disclosed_days)
    elif request.kind is RightKind.CORRECT:
        _correct(session, request, case, parts)
    elif request.kind is RightKind.STOP:
        _seal(session, request, case, parts, now)
    else:
        _remove(session, case, parts)
    request.parts = parts


def _correct(session: Session, request: DataRequest, case: Case, parts: list[str]) -> None:
    kept = holders(session, case.id)
    for field in parts:
        setattr(kept.get(field) or _contact(session, case), field, request.wanted[field])


def _contact(session: Session, case: Case) -> Contact:
    """The contact data in use; new when the letter came without."""
    contact = session.get(Contact, case.id)
    if contact is None:
        contact = Contact(case_id=case.id)
        session.add(contact)
        session.flush()
    return contact


def _seal(session: Session, request: DataRequest, case: Case, parts: list[str], now: datetime) -> None:
    """Move the fields to where nothing that sends, shows or counts can find them."""
    contact = session.get(Contact, case.id)
    if contact is None:
        return
    sealed = session.get(SealedContact, case.id)
    if sealed is None:
        sealed = SealedContact(case_id=case.id, request_id=request.id, sealed_at=now)
        session.add(sealed)
    _unsend(session, case, contact.email if "email" in parts else "")
    for field in parts:
        setattr(sealed, field, getattr(contact, field))
    _empty(session, contact, parts)


def _remove(session: Session, case: Case, parts: list[str]) -> None:
    for kept in (session.get(Contact, case.id), session.get(SealedContact, case.id)):
        if kept is not None:
            _unsend(session, case, kept.email if "email" in parts else "")
            _empty(session, kept, parts)
    # The hash of what was sent holds the contact data too.
    session.execute(sa.delete(IntakeKey).where(IntakeKey.case_id == case.id))


def _empty(session: Session, kept: Contact | SealedContact, parts: list[str]) -> None:
    for field in parts:
        setattr(kept, field, "")
    if not any(getattr(kept, field) for field in FIELDS):
        session.delete(kept)


def _unsend(session: Session, case: Case, email: str) -> None:
    """Mails about the letter that still wait for this address will not leave."""
    if email:
        session.execute(
            sa.delete(OutboxMessage).where(
                OutboxMessage.sent_at.is_(None),
                OutboxMessage.recipient == email,
                OutboxMessage.ref.startswith(case.number),
            )
        )
