"""The scheduled work of analytics: the services, given this application's agency and folders."""

from __future__ import annotations

from datetime import datetime

from flask import current_app

from analytics.resources import resources
from analytics.services import opinions
from analytics.services.issue_watch import watch_letters
from analytics.services.suggestions import suggest_pending
from analytics.services.summaries import write_summaries
from analytics.services.training import Trained, labels_waiting, train_version
from portal.app import profile


def train_now(now: datetime, *, force: bool) -> Trained:
    """Train a version from this agency's corpus and confirmed letters."""
    return train_version(profile=profile(), resources=resources(), now=now, force=force)


def suggest_topics(now: datetime) -> int:
    """Suggest topics for new letters; return how many."""
    return suggest_pending(profile=profile(), resources=resources(), now=now)


def read_comments(now: datetime) -> int:
    """Read new survey comments; return how many."""
    return opinions.read_comments(resources=resources())


def watch_issues(now: datetime) -> int:
    """Group the letters that came since and judge the hot issues; return how many letters came."""
    site_url = current_app.config["QINGTING"].base_url
    return watch_letters(profile=profile(), resources=resources(), site_url=site_url, now=now)


def unit_summaries(now: datetime) -> int:
    """Bring the units' summaries up to date; return how many versions were written."""
    return write_summaries(profile=profile(), resources=resources(), now=now)


def retrain(now: datetime) -> int:
    """Train anew when people have confirmed enough topics since; return how many, or none."""
    waiting = labels_waiting()
    if waiting < profile().analysis.retrain_after:
        return 0
    train_now(now, force=False)
    return waiting
