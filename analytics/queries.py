"""Counts of letters by unit and month. Restricted letters are in no figure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from analytics.models import Improvement, UnitSummary
from feedback.models import Case, Rating, Reply
from feedback.queries import visibility
from feedback.states import Status
from portal.access import Actor
from portal.clock import Period
from portal.db import db

LEFT_UNANSWERED = (Status.DECLINED, Status.REFERRED, Status.WITHDRAWN)


@dataclass(frozen=True)
class LetterCounts:
    """One unit's letters in a period, as of a moment.

    `received`, `answered` and `closed` happened in the period; `open` and `overdue` are as they
    stood at `as_of`; `answered_late` are those of `answered` that came after their deadline;
    `confirmed` are those of `received` whose topic a person confirmed, `merged` those of them that are
    handled together with another letter (封 − 併案 = 件); `left` went in the period without an answer of
    the unit: 不予處理, 移轉他機關, 撤回.
    """

    received: int
    answered: int
    answered_late: int
    closed: int
    open: int
    overdue: int
    confirmed: int
    merged: int
    left: int


def letter_counts(unit_id: int, period: Period, as_of: datetime) -> LetterCounts:
    received = _within(Case.received_at, period)
    answered = _within(Case.answered_at, period)
    waiting = _waiting(as_of)
    row = db.session.execute(
        sa.select(
            _count(received),
            _count(answered),
            _count(sa.and_(answered, Case.answered_late.is_(sa.true()))),
            _count(_within(Case.closed_at, period)),
            _count(waiting),
            _count(sa.and_(waiting, Case.due_at < as_of)),
            _count(sa.and_(received, Case.topic.is_not(None))),
            _count(sa.and_(received, Case.merged_into_id.is_not(None))),
            _count(sa.and_(_within(Case.settled_at, period), Case.status.in_(LEFT_UNANSWERED))),
        ).where(_of_unit(unit_id))
    ).one()
    return LetterCounts(*row)


def _waiting(as_of: datetime) -> sa.ColumnElement[bool]:
    """Letters that waited for their first answer at a moment. One that was opened again does not."""
    done = sa.func.coalesce(Case.answered_at, Case.settled_at)
    return sa.and_(Case.received_at < as_of, sa.or_(done.is_(None), done >= as_of))


def topic_counts(unit_id: int, period: Period) -> dict[str | None, int]:
    """Letters received in the period by effective topic; None is "not known"."""
    rows = db.session.execute(
        sa.select(Case.likely_topic, sa.func.count())
        .where(_of_unit(unit_id), _within(Case.received_at, period))
        .group_by(Case.likely_topic)
    )
    return dict(rows.all())


def channel_counts(period: Period, unit_id: int | None = None) -> dict[str, int]:
    """Letters received in the period by the channel they came by, of one unit or of all."""
    rows = db.session.execute(
        sa.select(Case.channel, sa.func.count())
        .where(
            Case.restricted.is_(sa.false()) if unit_id is None else _of_unit(unit_id),
            _within(Case.received_at, period),
        )
        .group_by(Case.channel)
    )
    return dict(rows.all())


def letters_received(unit_id: int, period: Period) -> list[tuple[int, str, str]]:
    """(id, subject, body) of the unit's letters of a period, oldest first."""
    rows = db.session.execute(
        sa.select(Case.id, Case.subject, Case.body)
        .where(_of_unit(unit_id), _within(Case.received_at, period))
        .order_by(Case.id)
    )
    return [(case_id, subject, body) for case_id, subject, body in rows]


def letters_open(unit_id: int, as_of: datetime, limit: int) -> list[Case]:
    """The unit's unanswered letters at a moment, most urgent deadline first."""
    return list(
        db.session.scalars(
            sa.select(Case)
            .where(
                _of_unit(unit_id),
                _waiting(as_of),
            )
            .order_by(Case.due_at, Case.id)
            .limit(limit)
        )
    )


def letters_late(unit_id: int, period: Period, limit: int) -> list[Case]:
    """The unit's letters answered in a period after their deadline, oldest deadline first."""
    late = (_of_unit(unit_id), _within(Case.answered_at, period), Case.answered_late.is_(sa.true()))
    return list(db.session.scalars(sa.select(Case).where(*late).order_by(Case.due_at, Case.id).limit(limit)))


def letters_behind(actor: Actor, case_ids: Collection[int]) -> dict[int, bool]:
    """Of these letters those that are not restricted by now, and whether the person may open each."""
    rows = db.session.execute(
        sa.select(Case.id, visibility(actor)).where(Case.id.in_(case_ids), Case.restricted.is_(sa.false()))
    )
    return {case_id: bool(visible) for case_id, visible in rows}


def rating_counts(period: Period, unit_id: int | None = None) -> dict[int, int]:
    """Ratings of answers by score, for letters of one unit or of all."""
    query = (
        sa.select(Rating.score, sa.func.count())
        .join(Reply, Reply.case_id == Rating.case_id)
        .join(Case, Case.id == Rating.case_id)
        .where(Case.restricted.is_(sa.false()), _within(Rating.rated_at, period))
        .group_by(Rating.score)
    )
    if unit_id is not None:
        query = query.where(Case.unit_id == unit_id)
    return dict(db.session.execute(query).all())


def summaries_for(actor: Actor) -> sa.Select[UnitSummary]:
    """The summaries a person may read: the own unit's, all for the secretariat."""
    query = sa.select(UnitSummary).options(joinedload(UnitSummary.unit))
    return query if actor.sees_all_units else query.where(UnitSummary.unit_id == actor.unit_id)


def improvements_for(actor: Actor) -> sa.Select[Improvement]:
    query = sa.select(Improvement).options(joinedload(Improvement.unit))
    return query if actor.sees_all_units else query.where(Improvement.unit_id == actor.unit_id)


def improvements_of(unit_id: int) -> list[Improvement]:
    wanted = sa.select(Improvement).where(Improvement.unit_id == unit_id).order_by(Improvement.id)
    return list(db.session.scalars(wanted))


def _of_unit(unit_id: int) -> sa.ColumnElement[bool]:
    return sa.and_(Case.unit_id == unit_id, Case.restricted.is_(sa.false()))


def _within(column: Any, period: Period) -> sa.ColumnElement[bool]:
    return sa.and_(column >= period.start, column < period.end)


def _count(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)
