"""Numbers that count within a ROC year."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.clock import ROC_OFFSET, local
from portal.db import insert


def next_in_year(session: Session, counter: Any, at: datetime) -> tuple[int, int]:
    """(ROC year, next number of it). Concurrent writers queue at the year's row of `counter`.

    `counter` is a model with the columns `year` (primary key) and `last`.
    """
    year = local(at).year - ROC_OFFSET
    statement = insert(session, counter).values(year=year, last=1)
    last = session.execute(
        statement.on_conflict_do_update(index_elements=["year"], set_={"last": counter.last + 1}).returning(
            counter.last
        )
    ).scalar_one()
    return year, int(last)
