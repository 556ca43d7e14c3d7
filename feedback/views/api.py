"""Letters for programs: send one, ask how it stands."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Flask, current_app, request
from flask.typing import ResponseReturnValue
from pydantic import Field

from feedback import mails, queries
from feedback.letters import MAX_EMAIL, MAX_NAME, MAX_PHONE, Letter, problems
from feedback.models import Case
from feedback.secrets import ALPHABET, LENGTH, derive_secret, new_key
from feedback.services import intake
from feedback.states import Status
from portal.abuse import limited
from portal.access import public
from portal.api import IDEMPOTENCY_KEY, IDEMPOTENCY_PARAMETER, Body, FieldFaults, idempotency_key, read_body
from portal.app import profile
from portal.clock import utcnow
from portal.errors import NotFound
from portal.forms import clean
from portal.openapi import add_operation, json_response, problem_response, schemas_of
from portal.profile import Profile
from portal.urls import site_url

api = Blueprint("feedback_api", __name__, url_prefix="/api/v1")

CHANNEL = "api"


class NewCase(Body):
    """一封來信。"""

    subject: str = Field(description="主旨。")
    body: str = Field(description="內容。")
    topic_hint: str = Field("", description="來信人自己選的主題代碼。")
    county: str = Field("", description="案發或服務地點的縣市，例如臺北市。")
    name: str = Field("", description="姓名。", max_length=MAX_NAME)
    email: str = Field("", description="電子郵件。", max_length=MAX_EMAIL)
    phone: str = Field("", description="電話。", max_length=MAX_PHONE)

    def as_letter(self) -> Letter:
        values = {name: clean(value) for name, value in self.model_dump().items()}
        return Letter(hint=values.pop("topic_hint"), channel=CHANNEL, **values)


class CaseTaken(Body):
    """受理結果。`secret` 只出現在這裡，請妥善保存。"""

    number: str = Field(description="案件編號，例如 115-000123。")
    secret: str = Field(description="查詢密碼。", pattern=f"^[{ALPHABET}]{{{LENGTH}}}$")
    track_url: str = Field(description="民眾查詢進度的網址。")


class CaseStatus(Body):
    """一封來信的現況。"""

    number: str
    status: Status
    status_label: str = Field(description="現況的中文說明，例如辦理中。")
    topic: str | None = Field(description="承辦單位確認的主題名稱；未確認時為 null。")
    received_at: datetime
    due_at: datetime = Field(description="最晚答復時間。")
    answered_at: datetime | None
    answer: str | None = Field(description="答復全文；未答復時為 null。")


class UnknownCase(NotFound):
    message = "找不到這個案件，或查詢密碼不正確。"


@api.post("/cases")
@public
@limited("programs")
def take_in() -> ResponseReturnValue:
    letter = read_body(NewCase).as_letter()
    given = idempotency_key()
    key = f"{CHANNEL}:{given}" if given else new_key()
    _refuse_faulty(letter)
    secret = derive_secret(current_app.config["QINGTING"].secret_key, key)
    try:
        receipt = intake.open_case(
            letter, profile=profile(), secret=secret, now=utcnow(), key=key, site_url=site_url()
        )
    except intake.KeyReused as refusal:
        raise FieldFaults({IDEMPOTENCY_KEY: refusal.message}) from None
    taken = CaseTaken(
        number=receipt.number, secret=secret, track_url=mails.track_url(site_url(), receipt.number)
    )
    return taken.model_dump(mode="json"), 201, {"Cache-Control": "no-store"}


def _refuse_faulty(letter: Letter) -> None:
    found = problems(letter, profile())
    if found:
        raise FieldFaults({"topic_hint" if name == "hint" else name: text for name, text in found.items()})


@api.get("/cases/<number>")
@public
def show(number: str) -> ResponseReturnValue:
    case = queries.opened_with(number, request.headers.get("X-Case-Secret", ""))
    if case is None:
        raise UnknownCase
    return _status(case, profile()).model_dump(mode="json"), 200, {"Cache-Control": "no-store"}


def _status(case: Case, agency: Profile) -> CaseStatus:
    return CaseStatus(
        number=case.number,
        status=case.status,
        status_label=case.status.label,
        topic=agency.topic_name(case.topic) if case.topic else None,
        received_at=case.received_at,
        due_at=case.due_at,
        answered_at=case.answered_at,
        answer=case.reply.body if case.reply else None,
    )


def describe(app: Flask) -> None:
    """Register both operations in the OpenAPI document, with this agency's limits."""
    add_operation(app, "/api/v1/cases", "post", _taking_in(), _new_case_schema(app.extensions["profile"]))
    add_operation(
        app, "/api/v1/cases/{number}", "get", _showing(), schemas_of(CaseStatus, mode="serialization")
    )


def _new_case_schema(agency: Profile) -> dict[str, Any]:
    schemas = schemas_of(NewCase) | schemas_of(CaseTaken, mode="serialization")
    fields = schemas["NewCase"]["properties"]
    fields["subject"] |= {"minLength": 1, "maxLength": agency.intake.max_subject}
    fields["body"] |= {"minLength": 1, "maxLength": agency.intake.max_body}
    fields["topic_hint"]["enum"] = ["", *(topic.code for topic in agency.topics)]
    fields["county"]["enum"] = ["", *(county.name for county in agency.counties)]
    return schemas


def _taking_in() -> dict[str, Any]:
    return {
        "operationId": "takeInCase",
        "summary": "送出一封來信",
        "parameters": [IDEMPOTENCY_PARAMETER],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/NewCase"}}},
        },
        "responses": {
            "201": json_response("已受理。重送相同的鍵與內容時，回傳相同的結果。", "CaseTaken"),
            "400": problem_response("內容不是正確的 JSON"),
            "415": problem_response("不是 application/json"),
            "422": problem_response("欄位需要修正，或 Idempotency-Key 已用在另一封信"),
        },
    }


def _showing() -> dict[str, Any]:
    number = {"name": "number", "in": "path", "required": True, "schema": {"type": "string"}}
    secret = {"name": "X-Case-Secret", "in": "header", "required": True, "schema": {"type": "string"}}
    return {
        "operationId": "showCase",
        "summary": "查詢一封來信的現況",
        "parameters": [number, secret],
        "responses": {
            "200": json_response("現況。", "CaseStatus"),
            "404": problem_response("案件不存在，或查詢密碼不正確"),
        },
    }
