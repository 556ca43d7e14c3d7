"""How well the classifier does on the letters that come: counted from the database, with each n.

A letter counts in the month in which it was received. What is right is what a person said last; what had
been suggested is what stood there when a person first decided, so that no model is judged by a letter it
had learned. Restricted letters are in no figure.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from analytics.drift import Month
from analytics.intervals import Interval, Moments, wilson
from feedback.models import Case, Suggestion, TopicLabel
from feedback.sampling import in_random_share
from portal.clock import Period
from portal.db import db

FEW = 30
"""Letters below which a share is flagged."""

ROWS = 2_000
"""Letters read at a time."""


@dataclass(slots=True)
class Score:
    """How many of n letters were suggested as a person then confirmed."""

    right: int = 0
    n: int = 0

    def add(self, right: bool) -> None:
        self.right += right
        self.n += 1

    @property
    def share(self) -> float | None:
        return self.right / self.n if self.n else None

    @property
    def interval(self) -> Interval | None:
        return wilson(self.right, self.n)

    @property
    def few(self) -> bool:
        return self.n < FEW


@dataclass(slots=True)
class TopicAccuracy:
    """The letters confirmed to be about one topic, or about any.

    `sure` are those of `every` for which the classifier did not abstain; the `random` ones are those of
    them in the random share. `first` and `last` are when the earliest and the latest were confirmed.
    """

    every: Score = field(default_factory=Score)
    sure: Score = field(default_factory=Score)
    random: Score = field(default_factory=Score)
    random_sure: Score = field(default_factory=Score)
    first: datetime | None = None
    last: datetime | None = None

    def add(self, *, right: bool, sure: bool, sampled: bool, at: datetime) -> None:
        self.every.add(right)
        if sure:
            self.sure.add(right)
        if sampled:
            self.random.add(right)
        if sampled and sure:
            self.random_sure.add(right)
        self.first = min(self.first or at, at)
        self.last = max(self.last or at, at)


@dataclass(slots=True)
class Accuracy:
    """By confirmed topic, and over all. `sampled` letters are in the random share, confirmed or not."""

    topics: dict[str, TopicAccuracy] = field(default_factory=lambda: defaultdict(TopicAccuracy))
    total: TopicAccuracy = field(default_factory=TopicAccuracy)
    sampled: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """One letter that the classifier read; `topic` and `confirmed_at` are None until a person said."""

    number: str
    suggested: str | None
    abstained: bool | None
    topic: str | None
    confirmed_at: datetime | None


def accuracy(first: Period, last: Period) -> Accuracy:
    """Suggested against confirmed for the letters of these months; both ends count."""
    return score(Reading(*row) for row in db.session.execute(_readings(first, last)).yield_per(ROWS))


def score(readings: Iterable[Reading]) -> Accuracy:
    """Letters confirmed without a suggestion before are left out: nobody had been told anything."""
    found = Accuracy()
    for reading in readings:
        sampled = in_random_share(reading.number)
        found.sampled += sampled
        if reading.topic is None or reading.suggested is None or reading.confirmed_at is None:
            continue
        for part in (found.total, found.topics[reading.topic]):
            part.add(
                right=reading.suggested == reading.topic, sure=not reading.abstained, sampled=sampled,
                at=reading.confirmed_at,
            )  # fmt: skip
    return found


def months_between(first: Period, last: Period) -> list[Month]:
    """What drifts, by month, oldest first and without gaps; counted by the database in one query."""
    periods = [first]
    while periods[-1] < last:
        periods.append(periods[-1].next())
    months = [Month(period) for period in periods]
    for row in db.session.execute(_by_month(periods)):
        months[row.month] = months[row.month].joined(_of(row, periods[row.month]))
    return months


def _of(row: Any, period: Period) -> Month:
    return Month(
        period, row.letters, row.abstained, row.confirmed, row.corrected, row.reread,
        Moments(row.known, float(row.unknown or 0.0), float(row.squares or 0.0)),
        Counter({row.topic: row.letters}),
    )  # fmt: skip


First, Last = aliased(TopicLabel, name="first_label"), aliased(TopicLabel, name="last_label")


def _with_labels(query: sa.Select[*tuple[Any, ...]]) -> sa.Select[*tuple[Any, ...]]:
    """Beside each letter its first and its last label, where it has any."""
    ends = (
        sa.select(
            TopicLabel.case_id,
            sa.func.min(TopicLabel.id).label("first_id"),
            sa.func.max(TopicLabel.id).label("last_id"),
        )
        .group_by(TopicLabel.case_id)
        .subquery("ends")
    )
    return (
        query.outerjoin(ends, ends.c.case_id == Case.id)
        .outerjoin(First, First.id == ends.c.first_id)
        .outerjoin(Last, Last.id == ends.c.last_id)
    )


def _received(first: Period, last: Period) -> list[sa.ColumnElement[bool]]:
    return [Case.restricted.is_(sa.false()), Case.received_at >= first.start, Case.received_at < last.end]


def _readings(first: Period, last: Period) -> sa.Select[*tuple[Any, ...]]:
    query = sa.select(Case.number, First.suggested, First.abstained, Last.topic, Last.confirmed_at)
    return _with_labels(query.select_from(Case)).where(
        *_received(first, last), Case.classified_at.is_not(None)
    )


def _by_month(periods: Sequence[Period]) -> sa.Select[*tuple[Any, ...]]:
    """One row for each month and suggested topic. The month is the place of its period in the list."""
    month = sa.case(*((Case.received_at < period.end, place) for place, period in enumerate(periods)))
    seen = (
        _with_labels(
            sa.select(
                month.label("month"),
                Suggestion.topic,
                Suggestion.abstained,
                Suggestion.unknown_words,
                First.suggested,
                Last.topic.label("confirmed"),
                (Suggestion.created_at > Case.topic_confirmed_at).label("reread"),
            )
            .select_from(Case)
            .join(Suggestion, Suggestion.case_id == Case.id)
        )
        .where(*_received(periods[0], periods[-1]))
        .subquery("seen")
    )
    told = sa.and_(seen.c.confirmed.is_not(None), seen.c.suggested.is_not(None))
    return sa.select(
        seen.c.month,
        seen.c.topic,
        sa.func.count().label("letters"),
        _how_many(seen.c.abstained).label("abstained"),
        _how_many(told).label("confirmed"),
        _how_many(sa.and_(told, seen.c.confirmed != seen.c.suggested)).label("corrected"),
        _how_many(seen.c.reread).label("reread"),
        sa.func.count(seen.c.unknown_words).label("known"),
        sa.func.sum(seen.c.unknown_words).label("unknown"),
        sa.func.sum(seen.c.unknown_words * seen.c.unknown_words).label("squares"),
    ).group_by(seen.c.month, seen.c.topic)


def _how_many(condition: Any) -> sa.ColumnElement[int]:
    return sa.func.count(sa.case((condition, 1)))
