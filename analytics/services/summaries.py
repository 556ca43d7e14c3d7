"""The monthly summary of each unit: written by a job, stored with its figures, never overwritten."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from analytics.models import UnitSummary
from analytics.resources import Resources
from analytics.summary import summarise, tells_something
from portal.audit import record
from portal.clock import Period
from portal.db import db, transaction
from portal.profile import Profile
from portal.units import Unit, answering_units

MONTHS_BACK = 12


def write_summaries(*, profile: Profile, resources: Resources, now: datetime) -> int:
    """Bring the summaries up to date; return how many were written.

    Last month and the month so far are written anew when their figures changed; any month of the
    past year that has none (no runner was up) is made good.
    """
    resources.prepare_text()
    current = Period.of(now)
    fresh = {current, current.previous()}
    periods = [current.shift(-back) for back in range(MONTHS_BACK, -1, -1)]
    units = answering_units()
    written = _written()
    return sum(
        write_summary(unit, period, profile=profile, now=now) is not None
        for unit in units
        for period in periods
        if period in fresh or (unit.id, str(period)) not in written
    )


def write_summary(unit: Unit, period: Period, *, profile: Profile, now: datetime) -> UnitSummary | None:
    """Write one unit's month; None when nothing happened in it or nothing changed since.

    While the month lasts its summary is provisional and is replaced; from its end on, other figures
    are a further version and the earlier ones stay.
    """
    figures = summarise(unit, period, now, profile=profile)
    digest = _digest(figures)
    with transaction() as session:
        latest = session.scalar(
            sa.select(UnitSummary)
            .where(UnitSummary.unit_id == unit.id, UnitSummary.period == str(period))
            .order_by(UnitSummary.version.desc())
            .limit(1)
        )
        silent = latest is None and not tells_something(figures)
        if silent or (latest is not None and latest.digest == digest):
            return None
        summary = _provisional(latest) or UnitSummary(
            unit_id=unit.id, period=str(period), version=latest.version + 1 if latest else 1
        )
        summary.figures, summary.digest, summary.created_at = figures, digest, now
        session.add(summary)
        session.flush()
        record(
            session, "summary.written", "unit_summary", summary.id, actor_id=None, now=now,
            unit=unit.code, period=str(period), version=summary.version,
        )  # fmt: skip
    return summary


def _provisional(latest: UnitSummary | None) -> UnitSummary | None:
    return latest if latest is not None and not latest.figures["complete"] else None


def _written() -> set[tuple[int, str]]:
    rows = db.session.execute(sa.select(UnitSummary.unit_id, UnitSummary.period).distinct())
    return {(unit_id, period) for unit_id, period in rows}


def _digest(figures: dict[str, Any]) -> str:
    """The same for the same figures; the moment of writing is not one of them."""
    content = {key: value for key, value in figures.items() if key != "as_of"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
