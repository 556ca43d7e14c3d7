"""What the letters and answers say: topics, summaries, trends, improvements."""

from __future__ import annotations

from flask import Flask

from analytics import models as models


def init_app(app: Flask) -> None:
    pass
