"""Writing a letter and keeping its receipt."""

from __future__ import annotations

import html
import io
import json
import logging
import re
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from feedback.models import Contact
from feedback.secrets import derive_secret
from feedback.views import public
from portal.app import profile
from portal.clock import roc_deadline
from portal.db import db
from portal.log import JsonLine
from tests.factories import SIGNING_KEY, SITE
from tests.feedback.browsing import cases, later, newest, track, write

KEY = "k" * 32


# Writing


def test_who_reports_a_product_is_told_of_the_system_for_it_and_taken_in_all_the_same(
    client: FlaskClient,
) -> None:
    pointed = next(topic for topic in profile().topics if topic.pointer)
    assert pointed.pointer is not None
    assert f'href="{pointed.pointer.url}"' in client.get("/feedback/new").text
    write(client, hint=pointed.code)
    assert pointed.pointer.text in client.get("/feedback/receipt").text
    assert newest().hint == pointed.code


def test_the_form_shows_the_six_items_of_the_privacy_law_and_the_advice(client: FlaskClient) -> None:
    page = html.unescape(client.get("/feedback/new").text)
    notice = profile().privacy
    for item in (notice.agency, notice.purpose, notice.categories, notice.use, notice.rights, notice.refusal):
        assert item in page
    assert all(line in page for line in profile().intake.advice)


def test_every_topic_can_be_hinted_at_also_the_restricted_one(client: FlaskClient) -> None:
    page = html.unescape(client.get("/feedback/new").text)
    assert all(f'value="{topic.code}">{topic.hint}<' in page for topic in profile().topics)


def test_a_letter_leads_to_its_receipt(client: FlaskClient) -> None:
    answer = write(client, hint="ST-CNS", county="臺北市", name="王小明", email="a@example.com")
    assert (answer.status_code, urlsplit(answer.location).path) == (303, "/feedback/receipt")
    page = client.get("/feedback/receipt")
    case = newest()
    assert case.number in page.text
    assert roc_deadline(case.due_at) in page.text
    assert "<svg" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert (case.hint, case.county, case.channel) == ("ST-CNS", "臺北市", "web")
    assert db.session.get_one(Contact, case.id).name == "王小明"


def test_sending_twice_gives_one_letter_and_the_same_receipt(client: FlaskClient) -> None:
    write(client, submission_key=KEY)
    first, count = client.get("/feedback/receipt").text, cases()
    assert write(client, submission_key=KEY).status_code == 303
    assert cases() == count
    assert newest().number in first
    assert re.findall('code-group">(....)<', client.get("/feedback/receipt").text) == re.findall(
        'code-group">(....)<', first
    )


def test_a_changed_letter_sent_again_is_asked_about_and_then_taken_as_another(client: FlaskClient) -> None:
    write(client, submission_key=KEY)
    count = cases()
    answer = write(client, submission_key=KEY, body="改過的內容")
    assert answer.status_code == 422
    assert public.SENT_BEFORE in answer.text
    assert "改過的內容" in answer.text
    found = re.search(r'name="submission_key"[^>]*value="([^"]{32})"', answer.text)
    assert found
    assert found[1] != KEY
    assert write(client, submission_key=found[1], body="改過的內容").status_code == 303
    assert cases() == count + 1


@pytest.mark.parametrize("key", ["", "short", "x" * 5000, "api:" + "k" * 28, "鍵" * 32])
def test_a_form_key_that_somebody_made_up_does_no_harm(client: FlaskClient, key: str) -> None:
    assert write(client, submission_key=key).status_code == 303


BAD = {
    "subject": ["", "   ", "\u3000", "長" * 201, "前\x00後", "前\x1b後"],
    "body": ["", " \n\t ", "\u200b\u202e", "長" * 5001, "前\x00後", "前\x07後"],
    "name": ["長" * 81, "王\x00明"],
    "email": ["a", "a@b", "a b@c.tw", "a\x00@b.tw", "a" * 300 + "@b.tw"],
    "phone": ["打給我", "1", "9" * 41, "0912\x00"],
    "county": ["火星市", "臺北市\x00", "x" * 3000],
    "hint": ["NO-SUCH", "ST-CNS\x00", "x" * 3000],
    "website": ["https://robot.example"],
}


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in BAD.items() for value in values]
)
def test_bad_input_is_refused_named_and_kept_in_the_form(client: FlaskClient, field: str, value: str) -> None:
    before = cases()
    answer = write(client, **{"body": "這段話要留著", field: value})
    assert answer.status_code == 422
    assert 'id="error-summary"' in answer.text
    assert "<title>需修正：" in answer.text
    if field != "body":
        assert "這段話要留著" in answer.text
    assert cases() == before


def test_emoji_stay_and_marks_that_reorder_text_go(client: FlaskClient) -> None:
    write(client, subject="謝謝👍🏽", body="檢\u202e驗\u2066標\u200b識")
    assert (newest().subject, newest().body) == ("謝謝👍🏽", "檢驗標識")


def test_words_are_shown_as_words_never_as_markup(client: FlaskClient) -> None:
    answer = write(client, subject="", body="</textarea><script>alert(1)</script>")
    assert "<script>alert" not in answer.text


def test_a_field_the_agency_does_not_ask_for_is_not_on_the_form(
    client: FlaskClient, ctx: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake = profile().intake.model_copy(update={"name": "off", "contact": "off", "county": "off"})
    monkeypatch.setitem(ctx.extensions, "profile", profile().model_copy(update={"intake": intake}))
    page = client.get("/feedback/new").text
    assert not any(f'name="{name}"' in page for name in ("name", "email", "phone", "county"))
    assert write(client, name="王小明").status_code == 303
    assert db.session.get(Contact, newest().id) is None


def test_a_form_that_asks_for_contact_says_so_and_insists(
    client: FlaskClient, ctx: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake = profile().intake.model_copy(update={"contact": "required"})
    monkeypatch.setitem(ctx.extensions, "profile", profile().model_copy(update={"intake": intake}))
    assert "請至少填一項" in client.get("/feedback/new").text
    assert write(client).status_code == 422
    assert write(client, phone="02-2343-4567").status_code == 303


def test_a_lost_cookie_does_not_lose_the_letter(ctx: Flask) -> None:
    before = cases()
    answer = write(ctx.test_client(use_cookies=False), body="寫了一個小時的信")
    assert answer.status_code == 400
    assert "寫了一個小時的信" in answer.text
    assert public.NO_COOKIE in html.unescape(answer.text)
    assert cases() == before


def test_the_page_that_came_back_after_a_lost_cookie_can_be_sent(ctx: Flask) -> None:
    browser = ctx.test_client()
    refused = write(browser)
    form = {}
    for name in ("csrf_token", "submission_key"):
        found = re.search(rf'name="{name}"[^>]*value="([^"]+)"', refused.text)
        assert found
        form[name] = found[1]
    assert write(browser, **form).status_code == 303


def test_a_lost_cookie_elsewhere_gets_the_plain_page(ctx: Flask) -> None:
    answer = track(ctx.test_client(), "115-000001")
    assert answer.status_code == 400
    assert "Cookie" in answer.text


def test_fifty_megabytes_are_read_to_the_end_and_refused_with_a_page(client: FlaskClient) -> None:
    body = io.BytesIO(b"subject=x&body=" + b"a" * 50_000_000)
    answer = client.post(
        "/feedback/new", input_stream=body, content_length=50_000_015,
        content_type="application/x-www-form-urlencoded",
    )  # fmt: skip
    assert answer.status_code == 413
    assert "送出的內容太大" in answer.text
    assert body.read(1) == b""


# The receipt


def test_the_receipt_is_gone_after_clearing_and_says_so_kindly(client: FlaskClient) -> None:
    write(client)
    number = newest().number
    assert client.post("/feedback/receipt/clear").status_code == 303
    page = client.get("/feedback/receipt")
    assert (page.status_code, number in page.text) == (200, False)
    assert "不再顯示" in page.text


def test_the_receipt_is_gone_after_half_an_hour(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    write(client)
    later(monkeypatch, 31)
    assert newest().number not in client.get("/feedback/receipt").text
    with client.session_transaction() as cookie:
        assert "receipt" not in cookie


def test_another_browser_has_no_receipt(client: FlaskClient, ctx: Flask) -> None:
    write(client)
    assert newest().number not in ctx.test_client().get("/feedback/receipt").text


def test_no_address_of_ours_holds_the_secret(client: FlaskClient) -> None:
    location = write(client, submission_key=KEY).location
    secret = derive_secret(SIGNING_KEY, KEY)
    page = client.get("/feedback/receipt").text
    assert secret not in location
    assert all(secret not in url for url in re.findall(r'(?:href|action|src)="([^"]*)"', page))


# Logs


def test_logs_never_hold_a_citizens_words(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    write(
        client,
        subject="獨特主旨",
        body="獨特內容",
        name="王獨特",
        email="unique@example.com",
        submission_key=KEY,
    )
    secret = derive_secret(SIGNING_KEY, KEY)
    track(client, newest().number, secret)
    track(client, newest().number, "WRONGSECRET")
    write(client, body="獨特內容", subject="長" * 300)
    lines = "\n".join(JsonLine().format(record) for record in caplog.records)
    words = ("獨特主旨", "獨特內容", "王獨特", "unique@example.com", secret, "WRONGSECRET")
    assert [word for word in words if word in lines or json.dumps(word).strip('"') in lines] == []
    assert "request" in lines
    assert SITE not in lines
