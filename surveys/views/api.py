"""Surveys for programs: hand in one filled questionnaire."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Flask, current_app
from flask.typing import ResponseReturnValue
from pydantic import Field

from portal.abuse import limited
from portal.access import public
from portal.api import IDEMPOTENCY_PARAMETER, Body, FieldFaults, idempotency_key, read_body
from portal.app import profile
from portal.clock import utcnow
from portal.openapi import add_operation, json_response, problem_response, schemas_of
from portal.profile import Profile
from surveys import services
from surveys.definition import QuestionSpec
from surveys.models import QuestionKind
from surveys.questions import MAX_TEXT
from surveys.standard import NO_OPINION, standard_survey
from surveys.tickets import number_for

api = Blueprint("surveys_api", __name__, url_prefix="/api/v1/surveys")

SOURCE = "api"


class NewResponse(Body):
    """一份填好的問卷。"""

    answers: dict[str, Any] = Field(description="各題的答案，以題目代碼為名；沒有作答的題目不必列。")


class ResponseTaken(Body):
    """問卷已收下。為了匿名，不回傳任何編號。"""

    accepted: bool


@api.post("/<slug>/responses")
@public
@limited("programs")
def take_in(slug: str) -> ResponseReturnValue:
    values = read_body(NewResponse).answers
    try:
        services.submit(
            slug, values, source=SOURCE, profile=profile(), now=utcnow(), response_id=_number(slug, values)
        )
    except services.AnswersRefused as refusal:
        faults = {f"answers.{_shown(code)}": text for code, text in refusal.errors.items()}
        raise FieldFaults(faults) from None
    return ResponseTaken(accepted=True).model_dump(mode="json"), 201, {"Cache-Control": "no-store"}


def _number(slug: str, values: dict[str, Any]) -> int | None:
    """The filling's number: the same for the same key and answers, so that a repeat counts once."""
    key = idempotency_key()
    if key is None:
        return None
    sent = json.dumps([SOURCE, slug, key, values], sort_keys=True)
    return number_for(sent, current_app.config["QINGTING"].secret_key)


def _shown(code: str) -> str:
    """A name the sender made up, shortened and without broken characters."""
    return code[:80].encode("utf-8", "replace").decode()


def describe(app: Flask) -> None:
    """Register the operation, with the questions of this agency's survey."""
    add_operation(
        app, "/api/v1/surveys/{slug}/responses", "post", _operation(), _schemas(app.extensions["profile"])
    )


def _operation() -> dict[str, Any]:
    return {
        "operationId": "takeInSurveyResponse",
        "summary": "送出一份填好的問卷",
        "description": "供自助機、平板等填答。問卷匿名，請不要送出可以辨識個人的內容。",
        "parameters": [
            {"name": "slug", "in": "path", "required": True, "schema": {"type": "string"}},
            IDEMPOTENCY_PARAMETER,
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/NewResponse"}}},
        },
        "responses": {
            "201": json_response("已收下。", "ResponseTaken"),
            "400": problem_response("內容不是正確的 JSON"),
            "404": problem_response("沒有這份問卷，或問卷已經結束"),
            "415": problem_response("不是 application/json"),
            "422": problem_response("有題目需要修正，請看 errors"),
        },
    }


def _schemas(agency: Profile) -> dict[str, Any]:
    schemas = schemas_of(NewResponse) | schemas_of(ResponseTaken, mode="serialization")
    asked = standard_survey(agency).questions
    schemas["NewResponse"]["properties"]["answers"] |= {
        "properties": {question.code: _answer_schema(question) for question in asked},
        "required": [question.code for question in asked if question.required],
        "additionalProperties": False,
        "examples": [{"service_line": agency.satisfaction.service_lines[0].code, "I": 4, "A": 5, "F": None}],
    }
    return schemas


def _answer_schema(question: QuestionSpec) -> dict[str, Any]:
    codes = [option.code for option in question.options]
    described = {"title": question.label}
    if question.kind is QuestionKind.SCALE:
        scores = [int(code) for code in codes if code != NO_OPINION]
        note = '5 非常滿意 … 1 非常不滿意；null 或 "na" 為無意見／未使用，不計入有效樣本。'
        return described | {"enum": [*scores, None, NO_OPINION], "description": note}
    if question.kind is QuestionKind.CHOICE:
        return described | {"enum": codes if question.required else [*codes, None]}
    return described | {"type": ["string", "null"], "maxLength": MAX_TEXT}
