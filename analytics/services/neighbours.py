"""Letters beside letters must not lead to what became restricted."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from feedback.models import Case, CaseNeighbour
from portal.db import db, transaction


def forget_restricted(among: Collection[int] | None = None) -> int:
    """Delete every neighbourhood of restricted letters; return how many.

    `among` are the letters that may have become restricted since the last look; None looks at all.
    """
    restricted = sa.select(Case.id).where(Case.restricted.is_(sa.true()))
    if among is not None:
        found = set(db.session.scalars(restricted.where(Case.id.in_(among)))) if among else set()
        if not found:
            return 0
        restricted = restricted.where(Case.id.in_(found))
    beside = sa.or_(CaseNeighbour.case_id.in_(restricted), CaseNeighbour.earlier_id.in_(restricted))
    with transaction() as session:
        gone = session.execute(
            sa.delete(CaseNeighbour).where(beside).execution_options(synchronize_session=False)
        )
        return int(gone.rowcount)  # type: ignore[attr-defined]  # CursorResult
