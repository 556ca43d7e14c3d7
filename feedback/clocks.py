"""When an answer is due: the time that the law or the agency gives, the pauses, the extensions. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from portal.clock import Basis, OfficeCalendar, last_day, start_of
from portal.profile import Deadline


@dataclass(frozen=True)
class Halt:
    """The citizen was asked for something; the clock stands still until `ended_at` (None: still does)."""

    began_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class More:
    """An extension of so many days by `basis`, counted from the deadline that it extends."""

    granted_at: datetime
    days: int
    basis: str


Step = Halt | More


def due(
    started_at: datetime, deadline: Deadline, steps: Iterable[Step], calendar: OfficeCalendar
) -> datetime:
    """The last moment for an answer, in UTC.

    `steps` change it in the order in which they began. A running halt does not: how long it lasts is not
    known yet, and the clock is shown as standing still.
    """
    moment = calendar.deadline(started_at, deadline.days, deadline.basis)
    for step in sorted(steps, key=began):
        if isinstance(step, More):
            moment = later(moment, step.days, step.basis, calendar)
        elif step.ended_at is not None:
            moment = calendar.resume(moment, step.began_at, step.ended_at, deadline.basis)
    return moment


def later(moment: datetime, days: int, basis: str, calendar: OfficeCalendar) -> datetime:
    """A deadline moved by so many days: the day on which it ran out is the one that is not counted."""
    return calendar.deadline(start_of(last_day(moment)), days, cast(Basis, basis))


def began(step: Step) -> datetime:
    """When a step took effect."""
    return step.granted_at if isinstance(step, More) else step.began_at
