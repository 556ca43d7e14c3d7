"""What every operation for programs shares: reading a JSON body, a repeat key, faults in words."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any, TypeVar

from flask import request
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails
from werkzeug.exceptions import BadRequest

from portal.errors import BadInput, DomainError

IDEMPOTENCY_KEY = "Idempotency-Key"
KEY = re.compile(r"[\x20-\x7e]{1,200}")
MESSAGES = {
    "missing": "缺少這一項。",
    "extra_forbidden": "沒有這個欄位，請檢查拼字。",
    "string_type": "要填文字。",
    "string_unicode": "含有不完整的字元，請檢查編碼。",
    "string_too_long": "最長 {max_length} 個字。",
    "int_type": "要填整數。",
    "bool_type": "只能填 true 或 false。",
    "dict_type": "要填物件。",
    "list_type": "要填清單。",
    "greater_than_equal": "不可小於 {ge}。",
    "less_than_equal": "不可大於 {le}。",
    "literal_error": "只能填 {expected}。",
}


class Body(BaseModel):
    """A JSON body: every field is named, and no type is guessed from another."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class UnreadableJson(DomainError):
    status = HTTPStatus.BAD_REQUEST
    message = "內容不是正確的 JSON（UTF-8），請檢查後再送出。"


class FieldFaults(BadInput):
    """Fields of a request that cannot be used, each with what to correct."""

    message = "送出的內容有欄位需要修正，請看 errors。"

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__()
        self.extra = {"errors": errors}


SomeBody = TypeVar("SomeBody", bound=BaseModel)


def read_body(model: type[SomeBody]) -> SomeBody:
    """The request's JSON as `model`.

    Answers 415 when it is not JSON and 400 when it cannot be read; raises FieldFaults when fields
    are wrong.
    """
    value = _json()
    if not isinstance(value, dict):
        raise BadInput('內容要是一個 JSON 物件，例如 {"subject": "…"}。')
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise FieldFaults({_place(item): _words(item) for item in error.errors()}) from None


def _json() -> Any:
    try:
        return request.get_json()
    except (BadRequest, RecursionError):  # the latter: thousands of brackets inside each other
        raise UnreadableJson from None


def _place(fault: ErrorDetails) -> str:
    """Where the fault is. A name the sender made up is shown shortened."""
    return ".".join(str(part) for part in fault["loc"])[:80].encode("utf-8", "replace").decode()


def _words(fault: ErrorDetails) -> str:
    details = dict(fault.get("ctx", {}))
    if "expected" in details:
        details["expected"] = str(details["expected"]).replace("'", "").replace(" or ", "、")
    return MESSAGES.get(fault["type"], "這個值不能用。").format(**details)


def idempotency_key() -> str | None:
    """The sender's own key for this request, if there is one. Raises FieldFaults for an unusable one."""
    key = request.headers.get(IDEMPOTENCY_KEY)
    if key is not None and not KEY.fullmatch(key):
        raise FieldFaults({IDEMPOTENCY_KEY: "要是 1 到 200 個可顯示的 ASCII 字元。"})
    return key


IDEMPOTENCY_PARAMETER = {
    "name": IDEMPOTENCY_KEY,
    "in": "header",
    "required": False,
    "description": "呼叫端自訂的鍵。重送相同的鍵與內容時，回傳第一次的結果，不會重複受理。",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
}
