"""A citizen's letter and its answer."""

from __future__ import annotations

from flask import Flask

from feedback import models as models


def init_app(app: Flask) -> None:
    pass
