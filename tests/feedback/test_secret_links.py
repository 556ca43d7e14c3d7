"""Whoever wrote by mail gets the letter's secret by a link that works once, when its button is pressed."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from feedback.channel_models import SecretLink
from feedback.mail_reading import read_mail
from feedback.secrets import matches
from feedback.services import mailin, secret_links
from portal import sweep
from portal.app import profile
from portal.audit import AuditEvent
from portal.db import db
from portal.errors import NotFound
from portal.outbox import OutboxMessage
from tests.factories import NOW, SITE
from tests.feedback.browsing import newest
from tests.feedback.mailing import mail, raw


@pytest.fixture(autouse=True)
def _database(ctx: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedback.views.public.utcnow", lambda: NOW)


def wrote(text: str = "請問", site_url: str = SITE, **headers: str) -> OutboxMessage:
    """The receipt for a mail that was just taken in."""
    found = read_mail(raw(mail(text, **headers)))
    mailin.take_in(found, profile=profile(), site_url=site_url, now=NOW)
    return db.session.scalars(sa.select(OutboxMessage)).one()


def token(receipt: OutboxMessage) -> str:
    found = re.search(rf"{SITE}/feedback/secret/(\S+)", receipt.body)
    assert found
    return found[1]


def test_the_receipt_names_the_number_and_a_link_but_no_secret_and_no_words() -> None:
    receipt = wrote("便宜又大碗", Subject="快來買")
    assert newest().number in receipt.body
    assert receipt.recipient == "chen@example.com"
    assert token(receipt) not in str(db.session.scalars(sa.select(SecretLink.token_hash)).all())
    assert not any(words in receipt.subject + receipt.body for words in ("便宜又大碗", "快來買", "陳大文"))


def test_the_link_opens_the_letter_once_and_only_when_the_button_is_pressed(client: FlaskClient) -> None:
    page = f"/feedback/secret/{token(wrote())}"
    for _ in range(3):  # a mail scanner looks
        assert client.get(page).status_code == 200
    answer = client.post(page)
    assert answer.location == "/feedback/receipt"
    shown = client.get("/feedback/receipt").text
    secret = "".join(re.findall(r'code-group">(\w+)<', shown))
    assert matches(newest().number, secret, newest().secret_hash)
    assert client.post(page).status_code == 404
    assert client.post("/feedback/secret/guessed").status_code == 404
    events = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "case.secret_issued")).all()
    assert [event.object_id for event in events] == [newest().number]


def test_a_link_lasts_a_week_and_is_swept() -> None:
    given = token(wrote())
    with pytest.raises(NotFound):
        secret_links.redeem(given, now=NOW + timedelta(days=7))
    assert sweep.run(NOW + timedelta(days=7)) == 0
    assert sweep.run(NOW + timedelta(days=8)) == 1


def test_where_mail_may_hold_no_links_the_answer_still_comes(
    ctx: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ctx.config, "QINGTING", replace(ctx.config["QINGTING"], base_url=""))
    receipt = wrote(site_url="")
    assert "http" not in receipt.body
    assert "答復會寄到" in receipt.body
