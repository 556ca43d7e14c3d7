"""Publishing questionnaires and keeping answers: the only writers of the survey tables.

Answers stay anonymous. A response has no name, address, account or letter; it keeps the Taipei day it
came on, not the moment; and no audit row is written for it, because an audit row has the moment. Its
number is random: the access log keeps the moment of each request, so a number that counts would tell,
by the order alone, which request a response came from. (On PostgreSQL the order in which rows lie on
disk can still tell this to somebody who reads the database server itself.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.audit import record
from portal.clock import local_date
from portal.db import insert, transaction
from portal.errors import BadInput, NotFound, NotReady
from portal.profile import Profile
from portal.units import Unit
from surveys import queries
from surveys.definition import Definition
from surveys.models import Answer, CommentReading, Question, Response, Survey, SurveyVersion
from surveys.questions import Given, check_all
from surveys.tickets import random_number

COPIED = ("service_line", "channel")
"""Roles whose answer is copied to the response as it is; `unit` is copied as the unit's id."""


class AnswersRefused(BadInput):
    """Answers that the questionnaire does not take; `errors` says by question code what to correct."""

    message = "有題目需要修正。"

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__()
        self.errors = errors


class NoSuchSurvey(NotFound):
    message = "沒有這份問卷，或問卷已經結束。"


@dataclass(frozen=True)
class Receipt:
    """What became of a filling. `repeated` is true when the same one had been kept before."""

    response_id: int
    repeated: bool = False


def publish(definition: Definition, *, now: datetime) -> SurveyVersion:
    """Publish a questionnaire and return its version in force.

    Safe to repeat: the same questions stay the version they are. Changed ones become the next
    version, and answers to the earlier one keep it. Title and introduction are brought up to date.
    """
    with transaction() as session:
        survey = _survey(session, definition, now)
        current = queries.newest_version(survey.id)
        if current is not None and current.digest == definition.digest:
            return current
        version = SurveyVersion(
            survey_id=survey.id,
            number=current.number + 1 if current else 1,
            digest=definition.digest,
            published_at=now,
        )
        session.add(version)
        session.flush()
        session.add_all(
            Question(version_id=version.id, position=position, **spec.as_columns())
            for position, spec in enumerate(definition.questions, start=1)
        )
        record(
            session, "survey.published", "survey", definition.slug,
            actor_id=None, now=now, version=version.number,
        )  # fmt: skip
    return version


def _survey(session: Session, definition: Definition, now: datetime) -> Survey:
    """The survey's row, held until the end of the transaction, so that two publishers queue."""
    fresh = {"slug": definition.slug, "title": definition.title, "intro": definition.intro}
    statement = insert(session, Survey).values(**fresh, open=True, created_at=now)
    session.execute(statement.on_conflict_do_nothing(index_elements=["slug"]))
    survey = session.scalars(sa.select(Survey).where(Survey.slug == definition.slug).with_for_update()).one()
    survey.title, survey.intro = definition.title, definition.intro
    return survey


def submit(
    slug: str,
    values: Mapping[str, object],
    *,
    source: str,
    profile: Profile,
    now: datetime,
    response_id: int | None = None,
) -> Receipt:
    """Keep one filled questionnaire.

    `values` are raw answers by question code; a code left out was not answered. `response_id` is the
    number of this filling (`surveys.tickets`): a second call with it changes nothing and says so.
    Raises AnswersRefused when any answer is unusable, NoSuchSurvey when the survey is unknown or
    closed, and NotReady when the agency's own survey has not been published yet.
    """
    with transaction() as session:
        version = queries.open_version(slug)
        if version is None:
            raise NotReady if slug == profile.satisfaction.slug and not queries.exists(slug) else NoSuchSurvey
        given, wrong = check_all(version.questions, values)
        if wrong:
            raise AnswersRefused(wrong)
        number = random_number() if response_id is None else response_id
        kept = _keep(session, version, given, number=number, source=source, day=local_date(now))
    return Receipt(number, repeated=not kept)


def _keep(
    session: Session,
    version: SurveyVersion,
    given: Mapping[str, Given],
    *,
    number: int,
    source: str,
    day: date,
) -> bool:
    """Write a response and its answers, unless the number is taken; the primary key decides."""
    statement = insert(session, Response).values(
        id=number, version_id=version.id, day=day, source=source, **_copied(session, version, given)
    )
    written = session.scalar(statement.on_conflict_do_nothing(index_elements=["id"]).returning(Response.id))
    if written is None:
        return False
    questions = {question.code: question.id for question in version.questions}
    rows = [
        {"response_id": number, "question_id": questions[code], **asdict(answer)}
        for code, answer in given.items()
    ]
    if rows:
        session.execute(sa.insert(Answer), rows)
    return True


def _copied(
    session: Session, version: SurveyVersion, given: Mapping[str, Given]
) -> dict[str, str | int | None]:
    """What the response repeats of its answers, so that figures need not look for it."""
    by_role = {
        question.role: given[question.code].choice
        for question in version.questions
        if question.role and question.code in given
    }
    unit = by_role.get("unit")
    unit_id = session.scalar(sa.select(Unit.id).where(Unit.code == unit)) if unit else None
    return {"unit_id": unit_id, **{role: by_role.get(role) for role in COPIED}}


def record_readings(readings: Sequence[tuple[int, int, str, str | None]], *, model_version: str) -> None:
    """Keep what the classifier makes of comments (response, question, sentiment, dimension).

    A newer reading replaces an older one.
    """
    with transaction() as session:
        for response_id, question_id, sentiment, dimension in readings:
            session.merge(
                CommentReading(
                    response_id=response_id, question_id=question_id, sentiment=sentiment,
                    dimension=dimension, model_version=model_version,
                )
            )  # fmt: skip
