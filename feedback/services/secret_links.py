"""A link by which whoever wrote by mail gets a secret for the letter: once, by pressing a button."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.channel_models import SecretLink
from feedback.models import Case
from feedback.secrets import derive_secret, hash_secret, new_key
from feedback.services.intake import Receipt
from portal.audit import record
from portal.db import transaction
from portal.errors import NotFound

VALID = timedelta(days=7)
GONE = "這個連結已經用過、過期，或不完整。答復仍會寄到您的電子郵件信箱。"


def issue(session: Session, case: Case, *, now: datetime) -> str:
    """The token of a new link, in the caller's transaction."""
    token = secrets.token_urlsafe(24)
    session.add(SecretLink(token_hash=_hash(token), case_id=case.id, expires_at=now + VALID))
    return token


def redeem(token: str, *, now: datetime) -> Receipt:
    """Give the letter a new secret and tell it, once. Raises NotFound for a link that does not hold."""
    with transaction() as session:
        case_id = session.scalar(
            sa.update(SecretLink)
            .where(
                SecretLink.token_hash == _hash(token),
                SecretLink.used_at.is_(None),
                SecretLink.expires_at > now,
            )
            .values(used_at=now)
            .returning(SecretLink.case_id)
        )
        if case_id is None:
            raise NotFound(GONE)
        case = session.get_one(Case, case_id, populate_existing=True)
        secret = derive_secret(new_key(), new_key())
        case.secret_hash = hash_secret(case.number, secret)
        record(session, "case.secret_issued", "case", case.number, actor_id=None, now=now)
    return Receipt(case.id, case.number, secret)


def is_stale(now: datetime) -> sa.ColumnElement[bool]:
    """Links that no longer hold."""
    return SecretLink.expires_at < now


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
