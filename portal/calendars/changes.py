"""Who is told when days become off or worked: features that keep deadlines counted in office days."""

from __future__ import annotations

from datetime import date, datetime
from typing import Protocol

from flask import Flask, current_app
from sqlalchemy.orm import Session
from werkzeug.utils import import_string

from portal.access import Actor
from portal.clock import OfficeCalendar


class Listener(Protocol):
    """Moves what depends on the days given, inside the caller's transaction; returns how many moved.

    `calendar` already holds the change; `changed_days` are those that became off or worked. `by` is
    None when the change came from the command line. What it raises undoes the change as well.
    """

    def __call__(
        self,
        session: Session,
        calendar: OfficeCalendar,
        changed_days: frozenset[date],
        *,
        by: Actor | None,
        now: datetime,
    ) -> int: ...


def on_change(app: Flask, *listeners: str) -> None:
    """Features register listeners as "package.module:function", loaded when a day changes."""
    app.extensions.setdefault("calendar_listeners", []).extend(listeners)


def announce(
    session: Session,
    calendar: OfficeCalendar,
    changed_days: frozenset[date],
    *,
    by: Actor | None,
    now: datetime,
) -> int:
    """Tell every listener, in the order registered; return how many deadlines they moved."""
    if not changed_days:
        return 0
    listeners: list[str] = current_app.extensions.get("calendar_listeners", [])
    moved = 0
    for name in listeners:
        listener: Listener = import_string(name)
        moved += listener(session, calendar, changed_days, by=by, now=now)
    return moved
