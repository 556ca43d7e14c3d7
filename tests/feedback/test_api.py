"""What other systems may send and ask, and what they are told when it is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from werkzeug.test import TestResponse

from feedback.models import Case, Contact
from feedback.services import answering, sorting
from portal.app import profile
from portal.db import db
from tests.factories import NOW, answered_case, make_actor, make_case, unsigned
from tests.openapi import assert_matches_openapi

SECRET = "0123ABCD4567"
PATH, ONE = "/api/v1/cases", "/api/v1/cases/{number}"
LETTER = {"subject": "系統介接", "body": "由其他系統送入的信"}


def cases() -> int:
    return db.session.scalar(sa.select(sa.func.count(Case.id))) or 0


def send(client: FlaskClient, key: str | None = None, **values: Any) -> TestResponse:
    headers = {} if key is None else {"Idempotency-Key": key}
    answer = client.post(PATH, json=LETTER | values, headers=headers)
    assert_matches_openapi(answer, PATH, "post")
    return answer


def send_raw(client: FlaskClient, data: bytes, content_type: str = "application/json") -> TestResponse:
    answer = client.post(PATH, data=data, content_type=content_type)
    assert_matches_openapi(answer, PATH, "post")
    return answer


def ask(client: FlaskClient, number: str, secret: str = SECRET) -> TestResponse:
    answer = client.get(f"{PATH}/{number}", headers={"X-Case-Secret": secret})
    assert_matches_openapi(answer, ONE, "get")
    return answer


def test_a_letter_gets_number_secret_and_address(client: FlaskClient) -> None:
    answer = send(client, topic_hint="ST-CNS", county="臺北市", name="王小明", email="a@example.com")
    assert answer.status_code == 201
    taken = answer.get_json()
    assert taken["track_url"] == f"https://mailbox.test/feedback/track?number={taken['number']}"
    case = db.session.scalars(sa.select(Case).where(Case.number == taken["number"])).one()
    assert (case.channel, case.hint, case.county) == ("api", "ST-CNS", "臺北市")
    assert db.session.get_one(Contact, case.id).name == "王小明"
    assert ask(client, taken["number"], taken["secret"]).status_code == 200


def test_programs_need_no_form_token(ctx: Flask) -> None:
    assert send(ctx.test_client()).status_code == 201


def test_the_answer_is_not_kept_by_caches(client: FlaskClient) -> None:
    assert send(client).headers["Cache-Control"] == "no-store"


def test_a_repeated_key_gives_the_first_answer_and_one_letter(client: FlaskClient) -> None:
    before = cases()
    first, again = send(client, key="order 66"), send(client, key="order 66")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.get_data() == again.get_data()
    assert cases() == before + 1


def test_a_key_used_for_another_letter_is_refused(client: FlaskClient) -> None:
    send(client, key="one")
    answer = send(client, key="one", body="別的內容")
    assert answer.status_code == 422
    assert set(answer.get_json()["errors"]) == {"Idempotency-Key"}


def test_without_a_key_every_request_is_a_letter(client: FlaskClient) -> None:
    assert send(client).get_json()["number"] != send(client).get_json()["number"]


@pytest.mark.parametrize("key", ["", "k" * 201, "\x7f", "caf\xe9"])
def test_a_key_must_be_short_printable_ascii(client: FlaskClient, key: str) -> None:
    before = cases()
    answer = send(client, key=key)
    assert answer.status_code == 422
    assert set(answer.get_json()["errors"]) == {"Idempotency-Key"}
    assert cases() == before


@pytest.mark.parametrize("key", ["k", "k" * 200, " ~!@#$%^&*()"])
def test_every_printable_ascii_key_is_accepted(client: FlaskClient, key: str) -> None:
    assert send(client, key=key).status_code == 201


BAD = {
    "subject": ["", "  ", "長" * 201, "前\x00後", 1, None, True, [], {}, ["x"]],
    "body": ["", "\u3000\n", "長" * 5001, "前\x07後", 1.5, None, {"a": "b"}],
    "topic_hint": ["NO-SUCH", 1, None],
    "county": ["火星市", 7, None],
    "name": ["長" * 81, "王\x00", 5],
    "email": ["a", "a@b", "a@b.tw\nBcc: c@d.tw", "a" * 300, 0],
    "phone": ["打給我", "9" * 41, 223434567],
    "channel": ["web"],
    "status": ["closed"],
    "嗯": [1],
}


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in BAD.items() for value in values]
)
def test_a_wrong_field_is_named_in_chinese(client: FlaskClient, field: str, value: object) -> None:
    before = cases()
    answer = send(client, **{field: value})
    assert answer.status_code == 422
    fault = answer.get_json()
    assert set(fault["errors"]) == {field}
    assert all(not text.isascii() for text in (fault["title"], fault["detail"], *fault["errors"].values()))
    assert cases() == before


@pytest.mark.parametrize("missing", ["subject", "body"])
def test_subject_and_body_are_needed(client: FlaskClient, missing: str) -> None:
    rest = {name: text for name, text in LETTER.items() if name != missing}
    answer = send_raw(client, json.dumps(rest).encode())
    assert (answer.status_code, answer.get_json()["errors"]) == (422, {missing: "缺少這一項。"})


def test_every_wrong_field_is_named_at_once(client: FlaskClient) -> None:
    assert set(send(client, subject="", email="a", county="火星市").get_json()["errors"]) == {
        "subject", "email", "county",
    }  # fmt: skip


@pytest.mark.parametrize("field", ["subject", "body", "name", "email", "x\\ud800"])
def test_half_a_character_is_refused(client: FlaskClient, field: str) -> None:
    letter = {**LETTER, "PLACE": "MARK"}
    text = json.dumps({name: value for name, value in letter.items() if name != field})
    answer = send_raw(client, text.replace("PLACE", field).replace("MARK", "\\ud800").encode())
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"{'subject': 1}",
        b"\xff\xfe",
        b'{"subject": "\xff"}',
        b"[" * 100_000,
        b"1" * 6000,
        b'{"a":1}x',
    ],
)
def test_what_is_not_json_is_told_so(client: FlaskClient, data: bytes) -> None:
    assert send_raw(client, data).status_code == 400


@pytest.mark.parametrize("data", [b"[]", b'"text"', b"null", b"12", b"true"])
def test_json_that_is_not_an_object_is_refused(client: FlaskClient, data: bytes) -> None:
    assert send_raw(client, data).status_code == 422


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_another_media_type_is_refused(client: FlaskClient, kind: str) -> None:
    assert send_raw(client, json.dumps(LETTER).encode(), kind).status_code == 415


def test_a_body_beyond_the_limit_is_refused_as_a_problem(client: FlaskClient) -> None:
    body = b'{"subject":"x","body":"' + b"a" * 50_000_000 + b'"}'
    answer = send_raw(client, body)
    assert answer.status_code == 413
    assert answer.get_json()["title"] == "送出的內容太大"


def test_emoji_stay_and_marks_that_reorder_text_go(client: FlaskClient) -> None:
    number = send(client, subject="謝謝👍🏽", body="檢\u202e驗\r\n標識").get_json()["number"]
    case = db.session.scalars(sa.select(Case).where(Case.number == number)).one()
    assert (case.subject, case.body) == ("謝謝👍🏽", "檢驗\n標識")


def test_a_new_letter_is_shown_as_received(client: FlaskClient) -> None:
    case = make_case(secret=SECRET)
    shown = ask(client, case.number).get_json()
    assert (shown["status"], shown["status_label"], shown["topic"], shown["answer"]) == (
        "received", "已受理", None, None,
    )  # fmt: skip
    assert shown["due_at"].startswith(case.due_at.isoformat()[:16])


def test_an_answered_letter_is_shown_with_topic_and_answer(client: FlaskClient) -> None:
    handler = make_actor()
    case = make_case(unit_code="standards", secret=SECRET)
    sorting.confirm_topic(case.id, topic="ST-CNS", by=handler, profile=profile(), now=NOW)
    answering.answer(case.id, body="您好，可線上閱覽。", by=handler, profile=unsigned(), site_url="", now=NOW)
    shown = ask(client, case.number).get_json()
    assert (shown["status"], shown["answer"]) == ("answered", "您好，可線上閱覽。")
    assert shown["topic"] == profile().topic_name("ST-CNS")


def test_the_answer_for_programs_names_no_staff_and_no_sender(client: FlaskClient) -> None:
    case = answered_case(make_actor(name="承辦甲"), secret=SECRET, name="王小明", email="a@example.com")
    text = ask(client, case.number).get_data(as_text=True)
    shown = json.dumps(json.loads(text), ensure_ascii=False)
    assert not any(word in shown for word in ("承辦甲", "王小明", "a@example.com", case.body))


def test_a_wrong_secret_and_a_wrong_number_get_the_same_answer(client: FlaskClient) -> None:
    case = make_case(secret=SECRET)
    answers = [ask(client, case.number, "WRONG"), ask(client, case.number, ""), ask(client, "115-999999")]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.get_data() for answer in answers}) == 1


@pytest.mark.parametrize("number", ["%00", "x" * 5000, "115-000001%00", "%ff", "..", "' OR 1=1"])
def test_a_strange_number_is_unknown(client: FlaskClient, number: str) -> None:
    assert client.get(f"{PATH}/{number}", headers={"X-Case-Secret": SECRET}).status_code == 404


def test_an_unknown_address_below_the_api_is_a_problem_document(client: FlaskClient) -> None:
    for answer in (client.get("/api/v1/nothing"), client.delete(PATH)):
        assert answer.mimetype == "application/problem+json"
        assert not answer.get_json()["detail"].isascii()


def test_the_document_is_published_and_its_schemas_are_sound(client: FlaskClient) -> None:
    described = client.get("/api/v1/openapi.json").get_json()
    assert described["openapi"] == "3.1.0"
    assert {PATH, ONE} <= set(described["paths"])
    for schema in described["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_what_the_document_allows_is_what_is_accepted(client: FlaskClient) -> None:
    schema = client.get("/api/v1/openapi.json").get_json()["components"]["schemas"]["NewCase"]
    assert schema["required"] == ["subject", "body"]
    assert schema["additionalProperties"] is False
    limits = profile().intake
    subject, body = schema["properties"]["subject"], schema["properties"]["body"]
    assert (subject["maxLength"], body["maxLength"]) == (limits.max_subject, limits.max_body)
    assert send(client, subject="長" * subject["maxLength"], body="長" * body["maxLength"]).status_code == 201
