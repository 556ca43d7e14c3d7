"""Surveys that anybody can answer without an account."""

from __future__ import annotations

from flask import Flask

from surveys import models as models


def init_app(app: Flask) -> None:
    pass
