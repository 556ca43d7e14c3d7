"""Questionnaires from other programs: what is taken, and what they are told when it is not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from werkzeug.test import TestResponse

from portal.openapi import document
from tests.openapi import assert_matches_openapi, validator
from tests.surveys.factories import answers_of, count_responses, only_response, publish_standard

DESCRIBED = "/api/v1/surveys/{slug}/responses"
PATH = "/api/v1/surveys/service/responses"
NEEDED: dict[str, Any] = {"service_line": "metrology", "I": 4}


@pytest.fixture(autouse=True)
def _survey(client: FlaskClient) -> None:
    publish_standard()


def send(client: FlaskClient, body: object, key: str | None = None, path: str = PATH) -> TestResponse:
    headers = {} if key is None else {"Idempotency-Key": key}
    answer = client.post(path, json=body, headers=headers)
    assert_matches_openapi(answer, DESCRIBED, "post")
    return answer


def send_raw(client: FlaskClient, data: bytes, content_type: str = "application/json") -> TestResponse:
    answer = client.post(PATH, data=data, content_type=content_type)
    assert_matches_openapi(answer, DESCRIBED, "post")
    return answer


def test_a_questionnaire_is_taken_without_telling_its_number(client: FlaskClient) -> None:
    answer = send(
        client, {"answers": NEEDED | {"A": 5, "B": None, "C": "na", "best": "很親切", "unit": None}}
    )
    assert (answer.status_code, answer.get_json()) == (201, {"accepted": True})
    kept = only_response()
    assert (kept.source, kept.service_line, kept.unit_id) == ("api", "metrology", None)
    scores = {code: answer.score for code, answer in answers_of(kept.id).items() if code in "ABC"}
    assert scores == {"A": 5, "B": None, "C": None}


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        ({"I": 4}, "service_line"),
        ({"service_line": "metrology"}, "I"),
        (NEEDED | {"A": "5"}, "A"),
        (NEEDED | {"A": 6}, "A"),
        (NEEDED | {"A": 4.5}, "A"),
        (NEEDED | {"A": True}, "A"),
        (NEEDED | {"A": [5]}, "A"),
        (NEEDED | {"unit": "moon"}, "unit"),
        (NEEDED | {"best": "字" * 1001}, "best"),
        (NEEDED | {"best": "空\x00字元"}, "best"),
        (NEEDED | {"best": "壞\ud800字"}, "best"),
        (NEEDED | {"best": {"text": "x"}}, "best"),
        (NEEDED | {"name": "王小明"}, "name"),
    ],
)
def test_an_unusable_answer_is_named_and_nothing_is_kept(
    client: FlaskClient, answers: dict[str, Any], field: str
) -> None:
    answer = send(client, {"answers": answers})
    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == [f"answers.{field}"]
    assert count_responses() == 0


@pytest.mark.parametrize("body", [[], "x", 5, {}, {"answers": []}, {"answers": NEEDED, "name": "王"}])
def test_a_body_of_another_shape_is_refused(client: FlaskClient, body: object) -> None:
    assert send(client, body).status_code == 422
    assert count_responses() == 0


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b'{"answers": ' + b"[" * 100_000])
def test_what_is_not_json_is_refused(client: FlaskClient, data: bytes) -> None:
    assert send_raw(client, data).status_code == 400


def test_a_form_is_no_json(client: FlaskClient) -> None:
    assert send_raw(client, b"I=4", "application/x-www-form-urlencoded").status_code == 415


def test_an_unusable_name_of_a_question_comes_back_readable(client: FlaskClient) -> None:
    data = json.dumps({"answers": NEEDED | {"\ud800" + "x" * 500: 5}}).encode()
    answer = send_raw(client, data)
    assert answer.status_code == 422
    assert len(next(iter(answer.get_json()["errors"]))) < 100


def test_an_unknown_survey_is_not_found(client: FlaskClient) -> None:
    path = "/api/v1/surveys/moon/responses"
    assert send(client, {"answers": NEEDED}, path=path).status_code == 404


def test_a_repeat_with_the_same_key_and_answers_counts_once(client: FlaskClient) -> None:
    for _ in range(2):
        assert send(client, {"answers": NEEDED}, key="kiosk-1-0001").status_code == 201
    assert count_responses() == 1
    send(client, {"answers": NEEDED | {"A": 1}}, key="kiosk-1-0001")
    assert count_responses() == 2


def test_without_a_key_equal_answers_are_two_people(client: FlaskClient) -> None:
    for _ in range(2):
        send(client, {"answers": NEEDED})
    assert count_responses() == 2


def test_no_csrf_token_is_needed(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(client.application.config, "WTF_CSRF_ENABLED", True)
    assert send(client, {"answers": NEEDED}).status_code == 201


def test_the_description_takes_what_the_service_takes(client: FlaskClient) -> None:
    described = document(client.application)
    schema = described["paths"][DESCRIBED]["post"]["requestBody"]["content"]["application/json"]["schema"]
    check: Draft202012Validator = validator(schema, described)
    assert check.is_valid({"answers": NEEDED | {"A": None, "B": "na", "best": "好", "unit": "taichung"}})
    for wrong in ({}, NEEDED | {"A": 6}, NEEDED | {"unit": "moon"}, NEEDED | {"name": "王"}):
        assert not check.is_valid({"answers": wrong})
