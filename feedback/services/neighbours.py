"""Earlier letters that read alike, kept beside a letter for whoever answers it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from feedback.models import Case, CaseNeighbour
from portal.db import transaction
from portal.errors import NotFound

MOST = 5


def record_neighbours(case_id: int, found: Iterable[tuple[int, float]], *, now: datetime) -> None:
    """Keep the most alike earlier letters, at most five, in the place of those kept before.

    `found` is (id of an earlier letter, likeness 0 to 1). The letter itself, letters that came after
    `now` or do not exist are passed over; of one named twice the greater likeness counts. Raises
    NotFound when there is no such letter.
    """
    likeness: dict[int, float] = {}
    for earlier_id, value in found:
        likeness[earlier_id] = max(min(max(value, 0.0), 1.0), likeness.get(earlier_id, 0.0))
    likeness.pop(case_id, None)
    with transaction() as session:
        # The lock lets two runners of one letter follow each other.
        if session.scalar(sa.select(Case.id).where(Case.id == case_id).with_for_update()) is None:
            raise NotFound
        known = set(session.scalars(sa.select(Case.id).where(Case.id.in_(likeness), Case.received_at <= now)))
        best = sorted(known, key=lambda earlier_id: (-likeness[earlier_id], -earlier_id))[:MOST]
        session.execute(sa.delete(CaseNeighbour).where(CaseNeighbour.case_id == case_id))
        session.add_all(
            CaseNeighbour(case_id=case_id, earlier_id=earlier_id, likeness=likeness[earlier_id])
            for earlier_id in best
        )
