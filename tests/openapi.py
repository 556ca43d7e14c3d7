"""Holds answers of the interface for programs against the published OpenAPI document."""

from __future__ import annotations

from typing import Any

from flask import current_app
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from werkzeug.test import TestResponse

from portal.openapi import document

ROOT = "urn:openapi"


def assert_matches_openapi(response: TestResponse, path: str, method: str) -> None:
    """Status, media type and body are as described; `path` as in the document: "/api/v1/cases/{number}".

    Needs the application context that the `client` fixture brings.
    """
    described: Any = document(current_app)
    responses = described["paths"][path][method.lower()]["responses"]
    status = str(response.status_code)
    assert status in responses, f"{method} {path} does not describe {status}"
    content = responses[status].get("content", {})
    assert response.mimetype in content, f"{method} {path} {status} does not describe {response.mimetype}"
    validator(content[response.mimetype]["schema"], described).validate(response.get_json())


def validator(schema: dict[str, Any], described: dict[str, Any]) -> Draft202012Validator:
    """A validator of one schema whose references point into the document."""
    whole = Resource.from_contents(described, default_specification=DRAFT202012)
    absolute = _absolute(schema)
    return Draft202012Validator(absolute, registry=Registry().with_resource(ROOT, whole))


def _absolute(schema: dict[str, Any]) -> dict[str, Any]:
    """References inside the document resolve by themselves; the entry needs the document's name."""
    reference = schema.get("$ref")
    return {"$ref": f"{ROOT}{reference}"} if reference else schema
