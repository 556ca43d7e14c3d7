"""What may be read of surveys: questionnaires for everybody, answers counted or shown to staff.

Periods are Taipei months, both ends included. Everything about answers can be narrowed by a Scope; for
a person it is always narrowed by `visible_to` as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from portal.access import Actor, Permission
from portal.app import profile
from portal.clock import Period
from portal.db import db
from surveys.models import Answer, CommentReading, Question, QuestionKind, Response, Survey, SurveyVersion

PAGE = 30
SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
MAX_ID = 2**63 - 1


def open_surveys() -> list[Survey]:
    """Surveys that can be answered now, oldest first."""
    return list(db.session.scalars(sa.select(Survey).where(Survey.open).order_by(Survey.id)))


def all_surveys() -> list[Survey]:
    return list(db.session.scalars(sa.select(Survey).order_by(Survey.id)))


def survey(slug: str) -> Survey | None:
    """A survey, open or closed."""
    if not SLUG.fullmatch(slug):
        return None
    return db.session.scalar(sa.select(Survey).where(Survey.slug == slug))


def exists(slug: str) -> bool:
    return survey(slug) is not None


def open_version(slug: str) -> SurveyVersion | None:
    """The version in force of an open survey, with its questions and its survey; None when there is none."""
    found = survey(slug)
    return newest_version(found.id) if found is not None and found.open else None


def newest_version(survey_id: int) -> SurveyVersion | None:
    """The version in force, with its questions and its survey."""
    return db.session.scalar(
        sa.select(SurveyVersion)
        .where(SurveyVersion.survey_id == survey_id)
        .order_by(SurveyVersion.number.desc())
        .limit(1)
        .options(joinedload(SurveyVersion.survey), selectinload(SurveyVersion.questions))
        .execution_options(populate_existing=True)
    )


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Which responses are meant. None leaves a thing open; `slug` defaults to the standard survey."""

    first: Period
    last: Period
    slug: str = field(default_factory=lambda: profile().satisfaction.slug)
    unit_id: int | None = None
    service_line: str | None = None


def visible_to(actor: Actor) -> sa.ColumnElement[bool]:
    """The responses a person may read: those about the own unit; the secretariat reads all.

    A response that names no unit is the secretariat's.
    """
    if not actor.may(Permission.SURVEY_READ):
        return sa.false()
    return sa.true() if actor.sees_all_units else Response.unit_id == actor.unit_id


def _within(scope: Scope) -> list[sa.ColumnElement[bool]]:
    versions = sa.select(SurveyVersion.id).join(Survey).where(Survey.slug == scope.slug)
    after = scope.last.next()
    conditions: list[sa.ColumnElement[bool]] = [
        Response.version_id.in_(versions),
        Response.day >= date(scope.first.year, scope.first.month, 1),
        Response.day < date(after.year, after.month, 1),
    ]
    if scope.unit_id is not None:
        conditions.append(Response.unit_id == scope.unit_id)
    if scope.service_line is not None:
        conditions.append(Response.service_line == scope.service_line)
    return conditions


@dataclass(frozen=True)
class Cell:
    """How many answers gave one score (1–5) to one question, in one group.

    `unit_id` and `service_line` are None when the respondent did not say; `code` is the question's.
    """

    period: Period
    unit_id: int | None
    service_line: str | None
    code: str
    score: int
    count: int


def counts_between(
    first: Period, last: Period, *, code: str | None = None, unit_id: int | None = None
) -> list[Cell]:
    """The standard survey's answers on the scale, counted by month, unit, service line and question.

    無意見／未使用 is not counted. `code` and `unit_id` narrow it, which saves most of the work.
    """
    month = (sa.extract("year", Response.day), sa.extract("month", Response.day))
    keys = (*month, Response.unit_id, Response.service_line)
    conditions = _within(Scope(first=first, last=last, unit_id=unit_id))
    if code is not None:
        conditions.append(Question.code == code)
    return [
        Cell(Period(int(year), int(month)), *rest)
        for year, month, *rest in db.session.execute(_counted(keys, conditions))
    ]


def _counted(keys: tuple[Any, ...], conditions: Iterable[sa.ColumnElement[bool]]) -> sa.Select[Any]:
    """Answers on the scale, grouped by the keys, the question's code and the score."""
    return (
        sa.select(*keys, Question.code, Answer.score, sa.func.count())
        .select_from(Response)
        .join(Answer, Answer.response_id == Response.id)
        .join(Question, Question.id == Answer.question_id)
        .where(Question.kind == QuestionKind.SCALE, Answer.score.is_not(None), *conditions)
        .group_by(*keys, Question.code, Answer.score)
    )


def responses_between(first: Period, last: Period, *, unit_id: int | None = None) -> int:
    """How many responses to the standard survey came in."""
    return _count(_within(Scope(first=first, last=last, unit_id=unit_id)))


def _count(conditions: Iterable[sa.ColumnElement[bool]]) -> int:
    wanted = sa.select(sa.func.count()).select_from(Response).where(*conditions)
    return db.session.scalar(wanted) or 0


def comments_between(unit_id: int | None, period: Period) -> list[str]:
    """What people wrote in the open questions of one month about one unit (None: about any)."""
    rows = db.session.scalars(
        sa.select(Answer.text)
        .join(Response, Response.id == Answer.response_id)
        .where(Answer.text.is_not(None), *_within(Scope(first=period, last=period, unit_id=unit_id)))
        .order_by(Response.day, Response.id, Answer.question_id)
    )
    return [text for text in rows if text]


Counts = dict[int, int]


@dataclass(frozen=True)
class Results:
    """What a person may read of a scope: answers counted by score.

    `dimensions` by question code; `lines` and `units` for one question by service line and unit id.
    """

    responses: int
    dimensions: dict[str, Counts]
    lines: dict[str | None, Counts]
    units: dict[int | None, Counts]


def results(actor: Actor, scope: Scope, *, overall: str) -> Results:
    """The counted answers that a person may read; `overall` is the code broken down further."""
    conditions = [visible_to(actor), *_within(scope)]
    dimensions: dict[str, Counts] = {}
    for code, score, count in db.session.execute(_counted((), conditions)):
        dimensions.setdefault(code, {})[score] = count
    of_overall = [*conditions, Question.code == overall]
    lines: dict[str | None, Counts] = {}
    units: dict[int | None, Counts] = {}
    keys = (Response.unit_id, Response.service_line)
    for unit_id, line, _, score, count in db.session.execute(_counted(keys, of_overall)):
        for group, key in ((lines, line), (units, unit_id)):
            counts = group.setdefault(key, {})
            counts[score] = counts.get(score, 0) + count
    return Results(_count(conditions), dimensions, lines, units)


@dataclass(frozen=True)
class Comment:
    """What one respondent wrote, and what the classifier made of it: by question code, in the order asked."""

    response: Response
    texts: dict[str, str]
    readings: dict[str, CommentReading]


@dataclass(frozen=True)
class Page:
    """One page of comments, newest day first, and the keys of its neighbours (None at either end)."""

    comments: list[Comment]
    previous: str | None
    next: str | None


@dataclass(frozen=True)
class Opinion:
    """Which comments are meant, as the classifier reads them; None leaves a thing open."""

    sentiment: str | None = None
    dimension: str | None = None

    def as_args(self) -> dict[str, str]:
        """The opinion as an address says it."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        read = []
        if self.sentiment is not None:
            read.append(CommentReading.sentiment == self.sentiment)
        if self.dimension is not None:
            read.append(CommentReading.dimension == self.dimension)
        return [sa.exists().where(CommentReading.response_id == Response.id, *read)] if read else []


def comment_page(
    actor: Actor, scope: Scope, opinion: Opinion | None = None, *, after: str = "", before: str = ""
) -> Page:
    """A page by key. A key is "day_id"; one that cannot be read starts from the beginning."""
    key, backwards = _read_key(before or after), bool(before)
    written = sa.and_(
        sa.exists().where(Answer.response_id == Response.id, Answer.text.is_not(None)),
        *(opinion.conditions() if opinion else []),
    )
    query = sa.select(Response).where(visible_to(actor), written, *_within(scope))
    if key is not None:
        place = sa.tuple_(Response.day, Response.id)
        mark = sa.tuple_(sa.literal(key[0], Response.day.type), sa.literal(key[1], Response.id.type))
        query = query.where(place > mark if backwards else place < mark)
    order = (Response.day, Response.id) if backwards else (Response.day.desc(), Response.id.desc())
    loaded = (joinedload(Response.unit), selectinload(Response.answers).joinedload(Answer.question))
    found = list(db.session.scalars(query.order_by(*order).limit(PAGE + 1).options(*loaded)))
    more, found = len(found) > PAGE, found[:PAGE]
    if backwards:
        found.reverse()
    earlier = more if backwards else key is not None
    later = key is not None if backwards else more
    readings = _readings([response.id for response in found])
    return Page(
        [_comment(response, readings) for response in found],
        _write_key(found[0]) if earlier and found else None,
        _write_key(found[-1]) if later and found else None,
    )


_Readings = dict[tuple[int, int], CommentReading]


def _readings(responses: list[int]) -> _Readings:
    rows = db.session.scalars(sa.select(CommentReading).where(CommentReading.response_id.in_(responses)))
    return {(row.response_id, row.question_id): row for row in rows}


def _comment(response: Response, readings: _Readings) -> Comment:
    asked = sorted(response.answers, key=lambda answer: answer.question.position)
    written = {answer.question.code: answer for answer in asked if answer.text}
    return Comment(
        response,
        {code: answer.text for code, answer in written.items() if answer.text},
        {
            code: readings[response.id, answer.question_id]
            for code, answer in written.items()
            if (response.id, answer.question_id) in readings
        },
    )


def opinions(actor: Actor, scope: Scope) -> dict[str | None, dict[str, int]]:
    """How many comments a person may read are glad, neutral or cross, by dimension (None: about none)."""
    query = (
        sa.select(CommentReading.dimension, CommentReading.sentiment, sa.func.count())
        .join(Response, Response.id == CommentReading.response_id)
        .where(visible_to(actor), *_within(scope))
        .group_by(CommentReading.dimension, CommentReading.sentiment)
    )
    found: dict[str | None, dict[str, int]] = {}
    for dimension, sentiment, count in db.session.execute(query):
        found.setdefault(dimension, {})[sentiment] = count
    return found


def unread_comments(version: str, limit: int) -> list[tuple[int, int, str]]:
    """Response, question and text of comments that this version of the classifier has not read."""
    read = sa.exists().where(
        CommentReading.response_id == Answer.response_id,
        CommentReading.question_id == Answer.question_id,
        CommentReading.model_version == version,
    )
    rows = db.session.execute(
        sa.select(Answer.response_id, Answer.question_id, Answer.text)
        .where(Answer.text.is_not(None), ~read)
        .limit(limit)
    )
    return [(response, question, text) for response, question, text in rows if text is not None]


def _write_key(response: Response) -> str:
    return f"{response.day.isoformat()}_{response.id}"


def _read_key(text: str) -> tuple[date, int] | None:
    day, _, number = text.partition("_")
    try:
        key = date.fromisoformat(day), int(number)
    except ValueError:
        return None
    return key if 0 < key[1] <= MAX_ID else None
