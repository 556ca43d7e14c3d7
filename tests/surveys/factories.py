"""Makers of surveys and answers with sensible defaults."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from portal.app import profile
from portal.clock import local_date, start_of
from portal.db import db
from surveys.definition import Definition
from surveys.models import Answer, Response, SurveyVersion
from surveys.services import publish, submit
from surveys.standard import OVERALL, standard_survey
from tests.factories import NOW

SLUG = "service"
TODAY = local_date(NOW)


def publish_standard(definition: Definition | None = None) -> SurveyVersion:
    return publish(definition or standard_survey(profile()), now=NOW)


def make_response(
    scores: dict[str, int | None] | None = None,
    unit_code: str | None = "standards",
    service_line: str = "standards",
    day: date = TODAY,
    **texts: str,
) -> int:
    """One filled questionnaire handed in at the beginning of a day; its number.

    Without scores it says 滿意 overall. Remaining values are further answers (`best`, `improve` …).
    """
    values: dict[str, object] = {OVERALL: 4, "service_line": service_line, **(scores or {}), **texts}
    if unit_code:
        values["unit"] = unit_code
    receipt = submit(SLUG, values, source="web", profile=profile(), now=start_of(day))
    return receipt.response_id


def make_responses(count: int, scores: dict[str, int | None] | None = None, **values: object) -> None:
    for _ in range(count):
        make_response(scores, **values)  # type: ignore[arg-type]  # as make_response says


def count_responses() -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(Response)) or 0


def answers_of(response_id: int) -> dict[str, Answer]:
    """What is kept of one response, by question code."""
    kept = db.session.scalars(
        sa.select(Answer).where(Answer.response_id == response_id).options(joinedload(Answer.question))
    )
    return {answer.question.code: answer for answer in kept}


def only_response() -> Response:
    return db.session.scalars(sa.select(Response)).one()
