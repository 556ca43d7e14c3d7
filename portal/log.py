"""Logs as JSON lines: a fixed sentence with ids beside it, never a citizen's words."""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, g, has_request_context, request

PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
SAFE_VALUE = re.compile(r"[\w .:/,+-]{0,200}", re.ASCII)


class JsonLine(logging.Formatter):
    """One record as one JSON object.

    Only ASCII primitives of `extra` pass: words of people are Chinese or have an @, so they cannot
    slip in. Of an exception the type and the places in our code are kept, never its message, which
    may quote input.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "event": record.msg if isinstance(record.msg, str) else type(record.msg).__name__,
        }
        if has_request_context():
            line["request_id"] = g.get("request_id")
        for key, value in vars(record).items():
            if key not in PLAIN:
                line[key] = _safe(value)
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            line["where"] = [
                f"{frame.filename.rsplit('/', 2)[-1]}:{frame.lineno}:{frame.name}"
                for frame in traceback.extract_tb(record.exc_info[2])[-6:]
            ]
        return json.dumps(line, ensure_ascii=True)


def _safe(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)
    return text if SAFE_VALUE.fullmatch(text) else "〔略〕"


def init_app(app: Flask) -> None:
    root = logging.getLogger()
    if not app.testing and not any(isinstance(item.formatter, JsonLine) for item in root.handlers):
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonLine())
        root.addHandler(handler)
        root.setLevel(logging.INFO)
        for library in ("alembic", "apscheduler"):
            logging.getLogger(library).setLevel(logging.WARNING)

    @app.before_request
    def _name_request() -> None:
        g.request_id = secrets.token_hex(8)

    @app.after_request
    def _log_request(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.get("request_id", "")
        if request.endpoint != "static":
            logging.getLogger("qingting.access").info(
                "request",
                extra={
                    "method": request.method,
                    "endpoint": request.endpoint,
                    "status": response.status_code,
                },
            )
        return response
