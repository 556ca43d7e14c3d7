"""The job that reads open survey answers: their sentiment and the dimension they are about."""

from __future__ import annotations

from analytics.resources import Resources
from analytics.services.suggestions import load_active
from surveys import queries, services

BATCH = 500


def read_comments(*, resources: Resources) -> int:
    """Read what the active version has not read yet; return how many.

    Without a usable classifier, or one that knows comments, nothing happens and comments wait.
    """
    active = load_active(resources)
    if active is None or active[1].comments is None:
        return 0
    version, reader = active[0], active[1].comments
    done = 0
    while waiting := queries.unread_comments(version, BATCH):
        found = reader.read([text for _, _, text in waiting])
        services.record_readings(
            [
                (response, question, reading.sentiment, reading.dimension)
                for (response, question, _), reading in zip(waiting, found, strict=True)
            ],
            model_version=version,
        )
        done += len(waiting)
    return done
