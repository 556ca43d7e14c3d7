"""Who has a letter open, so that two people do not answer it at once without knowing."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from feedback.models import Presence
from portal.access import Actor
from portal.accounts.models import User
from portal.db import db, insert, transaction

SEEN_FOR = timedelta(minutes=5)
NOTED_EVERY = timedelta(minutes=1)


def note(case_id: int, *, by: Actor, now: datetime) -> None:
    """Remember that a person has the letter open; written at most once a minute."""
    known = db.session.get(Presence, (case_id, by.id), populate_existing=True)
    if known is not None and now - known.seen_at < NOTED_EVERY:
        return
    with transaction() as session:
        statement = insert(session, Presence).values(case_id=case_id, user_id=by.id, seen_at=now)
        session.execute(
            statement.on_conflict_do_update(index_elements=["case_id", "user_id"], set_={"seen_at": now})
        )


def others(case_id: int, *, by: Actor, now: datetime) -> list[str]:
    """Names of colleagues who have had the letter open in the last minutes."""
    wanted = (
        sa.select(User.name)
        .join(Presence, Presence.user_id == User.id)
        .where(Presence.case_id == case_id, Presence.user_id != by.id, Presence.seen_at > now - SEEN_FOR)
        .order_by(Presence.seen_at.desc())
    )
    return list(db.session.scalars(wanted))


def is_stale(now: datetime) -> sa.ColumnElement[bool]:
    """What nobody is shown any more."""
    return Presence.seen_at < now - SEEN_FOR
