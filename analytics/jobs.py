"""The scheduled work of analytics: the services, given this application's agency and folders."""

from __future__ import annotations

from datetime import datetime

from analytics.resources import resources
from analytics.services.suggestions import suggest_pending
from analytics.services.summaries import write_summaries
from analytics.services.training import Trained, train_version
from portal.app import profile


def train_now(now: datetime, *, force: bool) -> Trained:
    """Train a version from this agency's corpus and confirmed letters."""
    return train_version(profile=profile(), resources=resources(), now=now, force=force)


def suggest_topics(now: datetime) -> int:
    """Suggest topics for new letters; return how many."""
    return suggest_pending(profile=profile(), resources=resources(), now=now)


def unit_summaries(now: datetime) -> int:
    """Bring the units' summaries up to date; return how many versions were written."""
    return write_summaries(profile=profile(), resources=resources(), now=now)
