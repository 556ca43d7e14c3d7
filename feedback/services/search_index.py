"""Keeping the search index of letters up to date.

Searched are a letter's number, subject, body and answers and what its sender added; contact data are not.
The job looks every few seconds, so whoever takes a letter in or answers it need not tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.models import Case, Message, Reply
from feedback.search_models import SEARCHED, IndexedCase
from portal import fulltext
from portal.db import db, insert, transaction

BATCH = 500
LATE_ROWS = 1000
"""Ids below the newest one read at which a row may still turn up: transactions do not end in the order in
which they took their ids."""
LATE_REPLIES = timedelta(hours=1)
Told = Callable[[int], None]


def index_waiting(now: datetime) -> int:
    """Read the letters, replies and messages that came since; return how many letters were read."""
    return _index(lambda: _waiting(now))


def tidy(now: datetime) -> int:
    """Every night: read whatever `index_waiting` missed, then pack the index.

    Packing also takes the last traces of forgotten letters out of SQLite's index.
    """
    done = _index(lambda: _waiting(None))
    with transaction() as session:
        fulltext.optimize(session, "case")
    return done


def rebuild(now: datetime, told: Told = lambda done: None) -> int:
    """Forget the whole index and read every letter again; return how many.

    Staff find only what has been read so far until it is done. If it is broken off, the job goes on. `told`
    hears after each batch how many are done.
    """
    with transaction() as session:
        fulltext.clear(session, "case")
        session.execute(sa.delete(IndexedCase))
    done = _index(lambda: _waiting(None), told)
    with transaction() as session:
        fulltext.optimize(session, "case")
    return done


def has_waiting(now: datetime) -> bool:
    """Whether a letter waits for `index_waiting`."""
    return bool(_ids(_waiting(now), limit=1))


def forget(session: Session, *case_ids: int) -> None:
    """Take letters out of the index whose words are destroyed. Runs in the caller's transaction.

    The job reads them again, which by then have no words.
    """
    fulltext.drop(session, "case", *case_ids)
    session.execute(sa.delete(IndexedCase).where(IndexedCase.case_id.in_(case_ids)))


def _waiting(now: datetime | None) -> list[sa.Select[int]]:
    """Ids of letters to read: new ones, stale ones, those with a newer reply or message. Without `now`: of
    all times."""
    fresh = sa.select(Case.id).outerjoin(IndexedCase).where(IndexedCase.case_id.is_(None))
    stale = sa.select(IndexedCase.case_id).where(IndexedCase.stale)
    answered = _with_newer(Reply, IndexedCase.replied_at, Reply.sent_at)
    written = _with_newer(Message, IndexedCase.message_id, Message.id).where(Message.kind.in_(SEARCHED))
    if now is not None:
        newest, replied, message = db.session.execute(
            sa.select(
                sa.func.max(IndexedCase.case_id),
                sa.func.max(IndexedCase.replied_at),
                sa.func.max(IndexedCase.message_id),
            )
        ).one()
        fresh = fresh.where(Case.id > (newest or 0) - LATE_ROWS)
        written = written.where(Message.id > (message or 0) - LATE_ROWS)
        if replied is not None:
            answered = answered.where(Reply.sent_at > min(replied, now) - LATE_REPLIES)
    return [
        fresh.order_by(Case.id),
        stale.order_by(IndexedCase.case_id),
        answered.order_by(Reply.case_id),
        written.order_by(Message.case_id),
    ]


def _with_newer(model: type[Reply] | type[Message], read: Any, newest: Any) -> sa.Select[int]:
    """Ids of known letters with something newer than what was read of them."""
    joined = sa.select(model.case_id).join(IndexedCase, IndexedCase.case_id == model.case_id)
    return joined.where(sa.or_(read.is_(None), read < newest))


def _ids(waiting: list[sa.Select[int]], limit: int) -> list[int]:
    found: set[int] = set()
    for query in waiting:
        if len(found) < limit:
            found.update(db.session.scalars(query.limit(limit)))
    return sorted(found)[:limit]


def _index(waiting: Callable[[], list[sa.Select[int]]], told: Told = lambda done: None) -> int:
    done = 0
    while ids := _ids(waiting(), BATCH):
        with transaction() as session:
            read = _read(session, ids)
        if not read:  # another runner is at them
            break
        done += read
        told(done)
    return done


def _read(session: Session, ids: list[int]) -> int:
    """Put these letters into the index, but for those that another runner holds."""
    missing = insert(session, IndexedCase).on_conflict_do_nothing()
    session.execute(missing, [{"case_id": case_id, "stale": True} for case_id in ids])
    held = sa.select(IndexedCase.case_id).where(IndexedCase.case_id.in_(ids)).order_by(IndexedCase.case_id)
    mine = list(session.scalars(held.with_for_update(skip_locked=True)))
    if not mine:
        return 0
    texts = _texts(session, mine)
    fulltext.put_many(session, "case", {case_id: text.joined for case_id, text in texts.items()})
    session.execute(sa.update(IndexedCase), [text.row(case_id) for case_id, text in texts.items()])
    return len(mine)


@dataclass
class _Text:
    """What is searched of one letter. Answers stand before the body: a body that is too long to be searched
    to its end must not take them along."""

    head: list[str]
    body: str
    answers: list[str] = field(default_factory=list)
    replied_at: datetime | None = None
    message_id: int | None = None

    @property
    def joined(self) -> str:
        return fulltext.join([*self.head, *self.answers, self.body])

    def row(self, case_id: int) -> dict[str, object]:
        return {
            "case_id": case_id, "stale": False, "replied_at": self.replied_at, "message_id": self.message_id
        }  # fmt: skip


def _texts(session: Session, ids: Iterable[int]) -> dict[int, _Text]:
    letters = sa.select(Case.id, Case.number, Case.subject, Case.body).where(Case.id.in_(ids))
    found = {row.id: _Text([row.number, row.subject], row.body) for row in session.execute(letters)}
    replies = sa.select(Reply.case_id, Reply.body, Reply.sent_at).where(Reply.case_id.in_(ids))
    for reply in session.execute(replies):
        found[reply.case_id].answers.append(reply.body)
        found[reply.case_id].replied_at = reply.sent_at
    wanted = sa.and_(Message.case_id.in_(ids), Message.kind.in_(SEARCHED))
    messages = sa.select(Message.case_id, Message.body, Message.id).where(wanted)
    for message in session.execute(messages.order_by(Message.id)):
        found[message.case_id].answers.append(message.body)
        found[message.case_id].message_id = message.id
    return found
