"""Writing, publishing and withdrawing answers. What is public can be found the moment it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.faq.models import FaqEntry, FaqState
from feedback.models import Case, Reply
from feedback.queries import visible_to
from portal import fulltext
from portal.access import Actor, Permission
from portal.audit import record
from portal.db import db, transaction
from portal.errors import Conflict, NotFound
from portal.masking import mask
from portal.profile import Profile


class ChangedMeanwhile(Conflict):
    message = "這則答案剛被同仁修改過；您寫的內容還在下面，請對照後再存一次。"


class NotYours(Conflict):
    message = "公開中的答案由主管修改或下架；需要改的話，請告訴主管。"


@dataclass(frozen=True)
class Words:
    """What an entry says. `source_id` is the letter whose reply it is made of."""

    question: str
    answer: str
    topic: str | None
    source_id: int | None = None


def out_of_reply(case_id: int, *, by: Actor, profile: Profile) -> Words:
    """A draft of an entry out of a reply of the person's unit, with personal data masked.

    Raises NotFound when the letter is not theirs, has no reply, or protects who wrote it.
    """
    found = db.session.execute(
        visible_to(by)
        .join(Reply, Reply.case_id == Case.id)
        .where(
            Case.id == case_id, Case.unit_id == by.unit_id, Case.restricted.is_(False),
            Case.confidential.is_(False),
        )
        .add_columns(Reply.body)
    ).one_or_none()  # fmt: skip
    if found is None:
        raise NotFound
    case: Case = found[0]
    topic = case.topic if profile.topic(case.topic) else None
    return Words(mask(case.subject), mask(found[1]), topic, case.id)


def add(words: Words, *, by: Actor, profile: Profile, now: datetime) -> FaqEntry:
    """Keep a new draft of the person's unit."""
    if words.source_id is not None:
        out_of_reply(words.source_id, by=by, profile=profile)
    with transaction() as session:
        entry = FaqEntry(unit_id=by.unit_id, source_id=words.source_id)
        _write(entry, words, by, now)
        session.add(entry)
        session.flush()
        _keep(session, "faq.saved", entry, by, now)
    return entry


def change(entry_id: int, words: Words, *, version: int, by: Actor, now: datetime) -> FaqEntry:
    """Change an entry of the person's unit; one that is public is so with the new words at once.

    Raises NotFound, ChangedMeanwhile when `version` is not the newest, NotYours for a public one when the
    person may not publish.
    """
    with transaction() as session:
        entry = _own(session, entry_id, by)
        if entry.version != version:
            raise ChangedMeanwhile
        if entry.state is FaqState.PUBLISHED and not by.may(Permission.CASE_APPROVE):
            raise NotYours
        _write(entry, words, by, now)
        entry.version += 1
        _index(session, entry)
        _keep(session, "faq.saved", entry, by, now)
    return entry


def publish(entry_id: int, *, by: Actor, now: datetime) -> FaqEntry:
    """Let everybody read an entry of the person's unit. Publishing twice changes nothing."""
    with transaction() as session:
        entry = _own(session, entry_id, by)
        if entry.state is not FaqState.PUBLISHED:
            entry.state, entry.published_at, entry.published_by = FaqState.PUBLISHED, now, by.id
            _index(session, entry)
            _keep(session, "faq.published", entry, by, now)
    return entry


def withdraw(entry_id: int, *, by: Actor, now: datetime) -> FaqEntry:
    """Take an entry of the person's unit off the public pages."""
    with transaction() as session:
        entry = _own(session, entry_id, by)
        if entry.state is FaqState.PUBLISHED:
            entry.state = FaqState.WITHDRAWN
            _index(session, entry)
            _keep(session, "faq.withdrawn", entry, by, now)
    return entry


def _own(session: Session, entry_id: int, by: Actor) -> FaqEntry:
    entry = session.scalar(
        sa.select(FaqEntry)
        .where(FaqEntry.id == entry_id, FaqEntry.unit_id == by.unit_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if entry is None:
        raise NotFound
    return entry


def _write(entry: FaqEntry, words: Words, by: Actor, now: datetime) -> None:
    entry.question, entry.answer, entry.topic = words.question, words.answer, words.topic
    entry.changed_at, entry.changed_by = now, by.id


def _index(session: Session, entry: FaqEntry) -> None:
    if entry.state is FaqState.PUBLISHED:
        fulltext.put(session, "faq", entry.id, fulltext.join([entry.question, entry.answer]))
    else:
        fulltext.drop(session, "faq", entry.id)


def _keep(session: Session, action: str, entry: FaqEntry, by: Actor, now: datetime) -> None:
    record(session, action, "faq", entry.id, actor_id=by.id, now=now, version=entry.version)
