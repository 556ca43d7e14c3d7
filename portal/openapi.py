"""The programs' interface described: features register their operations, one document names them all."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, current_app, jsonify
from flask.typing import ResponseReturnValue

from portal.access import public

PROBLEM = {
    "type": "object",
    "description": "RFC 9457。`errors` 逐欄說明要修正的地方。",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "additionalProperties": False,
}
# What the shell may answer before a feature is asked.
ALWAYS = {413: "送出的內容太大", 500: "系統發生錯誤", 503: "系統暫時無法使用"}

openapi = Blueprint("openapi", __name__, url_prefix="/api/v1")


def add_operation(
    app: Flask, path: str, method: str, operation: dict[str, Any], schemas: dict[str, Any] | None = None
) -> None:
    """Describe one operation, for example `("/api/v1/cases", "post", {...}, {"NewCase": {...}})`.

    `path` is the whole path with `{names}`; `operation` an OpenAPI 3.1 operation whose references
    point into `#/components/schemas/`; `schemas` adds what it refers to. Answers that the shell gives
    for every operation (413, 500, 503) are added here.
    """
    kept = app.extensions.setdefault("openapi", {"paths": {}, "schemas": {}})
    always = {str(code): problem_response(text) for code, text in ALWAYS.items()}
    described = operation | {"responses": operation.get("responses", {}) | always}
    kept["paths"].setdefault(path, {})[method.lower()] = described
    kept["schemas"].update(schemas or {})


def problem_response(description: str) -> dict[str, Any]:
    """An answer that is a problem document."""
    return _response(description, "application/problem+json", "Problem")


def json_response(description: str, schema: str) -> dict[str, Any]:
    """An answer that is JSON of a registered schema."""
    return _response(description, "application/json", schema)


def _response(description: str, mimetype: str, schema: str) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{schema}"}
    return {"description": description, "content": {mimetype: {"schema": reference}}}


def schemas_of(model: Any, *, mode: str = "validation") -> dict[str, Any]:
    """A pydantic model's schema and those it uses, by name; `mode` is validation or serialization."""
    schema = model.model_json_schema(mode=mode, ref_template="#/components/schemas/{model}")
    parts: dict[str, Any] = schema.pop("$defs", {})
    return {**parts, model.__name__: schema}


def document(app: Flask) -> dict[str, Any]:
    """The OpenAPI 3.1 document of everything registered."""
    profile = app.extensions["profile"]
    kept = app.extensions.get("openapi", {"paths": {}, "schemas": {}})
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{profile.name}{profile.mailbox_name} API",
            "version": "1",
            "description": "供其他系統送信、查詢進度與填答調查。錯誤一律以 application/problem+json 說明。",
        },
        "paths": dict(sorted(kept["paths"].items())),
        "components": {"schemas": {**dict(sorted(kept["schemas"].items())), "Problem": PROBLEM}},
    }


@openapi.get("/openapi.json")
@public
def show() -> ResponseReturnValue:
    return jsonify(document(current_app._get_current_object()))  # type: ignore[attr-defined]  # werkzeug's proxy
