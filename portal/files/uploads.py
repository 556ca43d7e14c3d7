"""Files in a request: how large it may be, and what was sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from flask import Flask, current_app, request

from portal.config import MEBIBYTE, Config
from portal.files.scanning import Scanner, scanner_at
from portal.files.store import Store

MAX_REQUEST = 64 * MEBIBYTE
"""What a request to an endpoint that takes files may weigh. The parser writes large parts to disk."""


@dataclass(frozen=True)
class Upload:
    """One file as it was sent. `data` is None when it is larger than may be."""

    name: str
    data: bytes | None = field(repr=False)


def init_app(app: Flask, config: Config) -> None:
    app.extensions["files"] = Store(config.attachments)
    app.extensions["scanner"] = scanner_at(config.clamd)
    app.extensions["takes_files"] = set()

    @app.before_request
    def _room_for_files() -> None:
        if request.endpoint in app.extensions["takes_files"] and request.mimetype == "multipart/form-data":
            request.max_content_length = MAX_REQUEST


def takes_files(app: Flask, *endpoints: str) -> None:
    """Let these endpoints receive large requests."""
    app.extensions["takes_files"].update(endpoints)


def sent(name: str, *, longest: int) -> Iterator[Upload]:
    """The files of one field of the form, each at most `longest` bytes. An empty chooser sends none."""
    for file in request.files.getlist(name):
        if not file.filename:
            continue
        data = file.stream.read(longest + 1)
        yield Upload(file.filename, data if len(data) <= longest else None)


def store() -> Store:
    found: Store = current_app.extensions["files"]
    return found


def scanner() -> Scanner | None:
    found: Scanner | None = current_app.extensions["scanner"]
    return found
