"""The agency's office calendar: days off, make-up workdays, and closures such as typhoon days."""

from __future__ import annotations

from flask import Flask

from portal import health
from portal.calendars.changes import on_change
from portal.calendars.checks import coverage
from portal.calendars.cli import calendar_cli
from portal.calendars.queries import known_years, office_calendar
from portal.calendars.views import office_days

__all__ = ["init_app", "known_years", "office_calendar", "on_change"]


def init_app(app: Flask) -> None:
    app.register_blueprint(office_days)
    app.cli.add_command(calendar_cli)
    health.add(app, coverage)
