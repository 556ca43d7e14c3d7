"""What a citizen does in a browser, for tests to repeat."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from feedback.models import Case
from feedback.secrets import new_key
from feedback.views import public
from portal.db import db

SECRET = "0123ABCD4567"


def cases() -> int:
    return db.session.scalar(sa.select(sa.func.count(Case.id))) or 0


def newest() -> Case:
    """The letter that came last."""
    return db.session.scalars(sa.select(Case).order_by(Case.id.desc()).limit(1)).one()


def write(client: FlaskClient, **values: Any) -> TestResponse:
    form = {"subject": "延長線的標識", "body": "請問怎麼看真偽？", "submission_key": new_key()}
    return client.post("/feedback/new", data=form | values)


def track(client: FlaskClient, number: str, secret: str = SECRET) -> TestResponse:
    return client.post("/feedback/track", data={"number": number, "secret": secret})


def later(monkeypatch: pytest.MonkeyPatch, minutes: int) -> None:
    """The citizen's pages read a clock that is this much ahead."""
    present = public.utcnow()
    monkeypatch.setattr(public, "utcnow", lambda: present + timedelta(minutes=minutes))
