"""Reading answers: everybody the public ones, a unit its own."""

from __future__ import annotations

from itertools import groupby

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from feedback.faq.models import FaqEntry, FaqState
from feedback.letters import Letter
from portal import fulltext
from portal.access import Actor
from portal.db import db
from portal.profile import Profile

MOST, OFFERED = 200, 3
LOOKED_AT = 1000
"""Characters of a letter that answers are looked for with."""

SHARE, EVIDENCE = 0.4, 3.5
"""The least nearness (`fulltext.Near`) at which an answer is worth a citizen's glance. Of the demonstration's
letters 38% are offered one, of which 77% are of the letter's topic first; see docs/faq.md."""


def published(typed: str = "") -> list[FaqEntry]:
    """The public entries, newest first; with words, those that hold every one of them."""
    wanted = _public()
    query = fulltext.parse(typed)
    if query:
        found = fulltext.matching(db.session(), "faq", query).subquery()
        wanted = wanted.join(found, found.c.key == FaqEntry.id)
    return list(db.session.scalars(wanted.order_by(FaqEntry.published_at.desc()).limit(MOST)))


def by_topic(entries: list[FaqEntry], profile: Profile) -> list[tuple[str, list[FaqEntry]]]:
    """Entries under the names of their topics, in the profile's order; those without a topic last."""
    order = {topic.code: place for place, topic in enumerate(profile.topics)}

    def place(entry: FaqEntry) -> int:
        return order.get(entry.topic or "", len(order))

    groups = groupby(sorted(entries, key=place), key=place)
    return [(_title(found[0], profile), found) for _, each in groups if (found := list(each))]


def _title(entry: FaqEntry, profile: Profile) -> str:
    return profile.topic_name(entry.topic) if profile.topic(entry.topic) else "其他"


def one_published(entry_id: int) -> FaqEntry | None:
    return db.session.scalar(_public().where(FaqEntry.id == entry_id))


def offered(letter: Letter) -> list[FaqEntry]:
    """At most three public entries that a letter may already be answered by, the likest first."""
    words = f"{letter.subject}\n{letter.body}"
    found = fulltext.best(db.session(), "faq", words[:LOOKED_AT], OFFERED)
    near = [one.key for one in found if one.share >= SHARE and one.evidence >= EVIDENCE]
    entries = db.session.scalars(_public().where(FaqEntry.id.in_(near)))
    return sorted(entries, key=lambda entry: near.index(entry.id))


def own(actor: Actor) -> list[FaqEntry]:
    """Everything that a person's unit keeps, drafts first, then the newest."""
    wanted = sa.select(FaqEntry).where(FaqEntry.unit_id == actor.unit_id)
    order = sa.case((FaqEntry.state == FaqState.DRAFT, 0), (FaqEntry.state == FaqState.PUBLISHED, 1), else_=2)
    return list(db.session.scalars(wanted.order_by(order, FaqEntry.changed_at.desc()).limit(MOST)))


def one_of_own(actor: Actor, entry_id: int) -> FaqEntry | None:
    wanted = sa.select(FaqEntry).where(FaqEntry.id == entry_id, FaqEntry.unit_id == actor.unit_id)
    return db.session.scalar(wanted.execution_options(populate_existing=True))


def _public() -> sa.Select[FaqEntry]:
    wanted = sa.select(FaqEntry).where(FaqEntry.state == FaqState.PUBLISHED)
    return wanted.options(joinedload(FaqEntry.unit))
