"""Where the parts meet: `gunicorn 'wsgi:create_app()'`, `flask --app wsgi …`."""

from __future__ import annotations

from flask import Flask

import analytics
import feedback
import surveys
from portal.app import new_app
from portal.config import Config


def create_app(config: Config | None = None) -> Flask:
    """The whole platform; without a configuration it reads the environment."""
    app = new_app(config or Config.from_env())
    for feature in (feedback, surveys, analytics):
        feature.init_app(app)
    return app
