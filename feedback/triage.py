"""The triage desk: which unconfirmed letters it shows, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from feedback.models import Case, Suggestion
from feedback.queries import visible_to
from feedback.sampling import in_random_share
from portal.access import Actor
from portal.db import db

PLACES = 20
EVERY = 5
"""Every fifth place belongs to the random share: figures of doubtful letters alone would be too low."""
POOL = 200
"""Letters looked through, from which the places are filled."""

UNSURE, RECEIVED = "unsure", "received"


def waiting(actor: Actor) -> sa.Select[Case]:
    """Open letters that a person may sort and whose topic nobody has confirmed, without order."""
    return visible_to(actor).where(Case.settled_at.is_(None), Case.topic.is_(None))


def desk(actor: Actor, order: str) -> list[Case]:
    """The letters to be sorted first, with suggestion and unit, at most `PLACES`.

    `order` is RECEIVED (oldest first), or UNSURE: those first of which the classifier is least sure,
    letters that it has not read last, and every fifth place for one of the random share.
    """
    oldest = _rows(actor, Case.due_at)  # deadlines follow the day of receipt, and have an index
    if order == RECEIVED:
        ids = [row.id for row in oldest[:PLACES]]
    else:
        # Letters of the share come by age alone: a doubtful one that jumped the queue would make it harder
        # than letters are.
        unsure = _rows(actor, Suggestion.margin.is_(None), Suggestion.margin, Case.due_at)
        ids = list(
            interleave(
                (row.id for row in unsure if not in_random_share(row.number)),
                (row.id for row in oldest if in_random_share(row.number)),
            )
        )
    loaded = (joinedload(Case.suggestion), joinedload(Case.unit))
    cases = {case.id: case for case in db.session.scalars(_by_id(actor, ids).options(*loaded))}
    return [cases[case_id] for case_id in ids if case_id in cases]


def _rows(actor: Actor, *order: Any) -> list[Any]:
    """Ids and numbers of the first `POOL` waiting letters."""
    query = waiting(actor).outerjoin(Suggestion, Suggestion.case_id == Case.id)
    wanted = query.with_only_columns(Case.id, Case.number).order_by(*order, Case.id).limit(POOL)
    return list(db.session.execute(wanted))


def _by_id(actor: Actor, ids: list[int]) -> sa.Select[Case]:
    return waiting(actor).where(Case.id.in_(ids))


def interleave(ordinary: Iterable[int], sampled: Iterable[int]) -> Iterator[int]:
    """At most `PLACES`: every fifth of the sample, the others ordinary; what one lacks the other fills."""
    first, second = iter(ordinary), iter(sampled)
    for place in range(1, PLACES + 1):
        here, there = (second, first) if place % EVERY == 0 else (first, second)
        item = next(here, None) or next(there, None)
        if item is None:
            return
        yield item
