"""Following a letter and rating its answer: nobody can without the secret."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from feedback.models import Case, Rating
from feedback.services import routing, suggesting
from feedback.views import public
from portal.app import profile
from portal.clock import roc_deadline
from portal.db import db
from tests.factories import NOW, answered_case, get_case, guess, make_actor, make_case, unit
from tests.feedback.browsing import SECRET, later, newest, track, write

# Following a letter


def test_the_number_comes_from_the_address_and_the_secret_from_behind_the_hash(client: FlaskClient) -> None:
    page = client.get("/feedback/track?number=115-000123").text
    assert 'value="115-000123"' in page
    assert 'data-from-hash="s"' in page


@pytest.mark.parametrize("number", ["%00", "x" * 9000, "<script>", "%ff%fe", "115-000123%0a"])
def test_a_strange_number_in_the_address_does_no_harm(client: FlaskClient, number: str) -> None:
    page = client.get(f"/feedback/track?number={number}")
    assert page.status_code == 200
    assert "<script>alert" not in page.text


def test_number_and_secret_open_the_letter(client: FlaskClient) -> None:
    case = make_case(secret=SECRET, subject="我的主旨", body="我的內容")
    answer = track(client, case.number.replace("-", " "), "o123 abcd 4567")
    assert (answer.status_code, urlsplit(answer.location).path) == (303, f"/feedback/track/{case.number}")
    page = client.get(answer.location)
    for words in ("我的主旨", "我的內容", "已受理", roc_deadline(case.due_at), "收到您的來信"):
        assert words in page.text
    assert page.headers["Cache-Control"] == "no-store"


def test_a_wrong_secret_and_a_wrong_number_get_the_same_answer_and_show_nothing(client: FlaskClient) -> None:
    case = make_case(secret=SECRET, body="我的內容")
    pages = [track(client, case.number, "WRONG"), track(client, "115-999999", SECRET)]
    for page in pages:
        assert page.status_code == 422
        assert public.NO_MATCH in page.text
        assert "我的內容" not in page.text
    assert client.get(f"/feedback/track/{case.number}").status_code == 302


@pytest.mark.parametrize("typed", ["", "   ", "\x00", "前\x00後", "長" * 5000, "' OR 1=1 --", "\u202e"])
@pytest.mark.parametrize("field", ["number", "secret"])
def test_nonsense_on_the_track_form_is_refused_with_a_page(
    client: FlaskClient, field: str, typed: str
) -> None:
    answer = client.post("/feedback/track", data={"number": "115-000001", "secret": SECRET} | {field: typed})
    assert answer.status_code == 422
    assert 'id="error-summary"' in answer.text


def test_a_letter_not_opened_here_leads_to_the_form(client: FlaskClient) -> None:
    case = make_case(secret=SECRET)
    answer = client.get(f"/feedback/track/{case.number}")
    assert answer.location.endswith(f"/feedback/track?number={case.number}")
    assert client.get("/feedback/track/%00").location.endswith("/feedback/track")


def test_an_opened_letter_closes_after_half_an_hour(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = make_case(secret=SECRET)
    track(client, case.number)
    later(monkeypatch, 31)
    assert client.get(f"/feedback/track/{case.number}").status_code == 302


def test_leaving_forgets_letters_and_receipt(client: FlaskClient) -> None:
    case = make_case(secret=SECRET)
    track(client, case.number)
    write(client)
    client.post("/feedback/track/leave")
    assert client.get(f"/feedback/track/{case.number}").status_code == 302
    assert newest().number not in client.get("/feedback/receipt").text


def test_the_cookie_stays_small_however_many_letters_are_opened(client: FlaskClient) -> None:
    opened = [make_case(secret=SECRET).number for _ in range(15)]
    for number in opened:
        track(client, number)
    page = client.get("/feedback/track").text
    assert opened[-1] in page
    assert opened[0] not in page


def test_a_citizen_sees_no_names_and_notes_of_staff(client: FlaskClient) -> None:
    handler = make_actor(name="承辦甲", unit_code="it")
    case = make_case(unit_code="it", secret=SECRET)
    routing.transfer(case.id, unit_id=unit("standards").id, reason="內部理由", by=handler, now=NOW)
    routing.accept(case.id, by=make_actor(name="承辦乙"), now=NOW)
    track(client, case.number)
    page = client.get(f"/feedback/track/{case.number}").text
    assert "轉請標準組辦理" in page
    assert not {"承辦甲", "承辦乙"} & set(re.findall("承辦.", page))
    assert "內部理由" not in page


def test_a_machines_guess_is_not_shown(client: FlaskClient) -> None:
    case = make_case(secret=SECRET)
    suggesting.record_suggestion(case.id, guess(), profile=profile(), now=NOW)
    track(client, case.number)
    assert "國家標準與標準資料" not in client.get(f"/feedback/track/{case.number}").text


def test_a_late_letter_is_owned_up_to(client: FlaskClient) -> None:
    case = make_case(secret=SECRET, received=NOW - timedelta(days=900))
    track(client, case.number)
    assert "很抱歉" in client.get(f"/feedback/track/{case.number}").text


# Rating


@pytest.fixture
def answered(client: FlaskClient) -> Case:
    """A letter that has its answer and is open in the browser."""
    case = answered_case(make_actor(), secret=SECRET, body="問題內容")
    track(client, case.number)
    return case


def rate(client: FlaskClient, case: Case, **values: str) -> TestResponse:
    return client.post(f"/feedback/track/{case.number}/rating", data={"score": "5"} | values)


def test_the_answer_is_shown_and_can_be_rated(client: FlaskClient, answered: Case) -> None:
    page = client.get(f"/feedback/track/{answered.number}").text
    words = ["非常滿意", "滿意", "普通", "不滿意", "非常不滿意"]
    assert [page.index(f">{word}<") for word in words] == sorted(page.index(f">{word}<") for word in words)
    assert rate(client, answered, score="4", comment="說得很清楚").status_code == 303
    kept = db.session.get_one(Rating, answered.id)
    assert (kept.score, kept.comment) == (4, "說得很清楚")
    page = client.get(f"/feedback/track/{answered.number}").text
    assert "謝謝您" in page
    assert 'name="score"' not in page


def test_a_second_rating_is_refused(client: FlaskClient, answered: Case) -> None:
    rate(client, answered, score="1")
    page = client.post(
        f"/feedback/track/{answered.number}/rating", data={"score": "5"}, follow_redirects=True
    )
    assert "已經評過分" in page.text
    assert db.session.get_one(Rating, answered.id).score == 1


@pytest.mark.parametrize("score", ["", "0", "6", "-1", "5.0", "五", "１", "\x00", "9" * 500])
def test_a_score_off_the_scale_is_refused_and_the_comment_kept(
    client: FlaskClient, answered: Case, score: str
) -> None:
    page = rate(client, answered, score=score, comment="要留著的話")
    assert page.status_code == 422
    assert "要留著的話" in page.text
    assert db.session.get(Rating, answered.id) is None


@pytest.mark.parametrize("comment", ["長" * 1001, "前\x00後"])
def test_a_comment_that_is_too_long_or_broken_is_refused(
    client: FlaskClient, answered: Case, comment: str
) -> None:
    assert rate(client, answered, comment=comment).status_code == 422


def test_a_letter_without_answer_cannot_be_rated(client: FlaskClient) -> None:
    case = make_case(secret=SECRET)
    track(client, case.number)
    assert 'name="score"' not in client.get(f"/feedback/track/{case.number}").text
    rate(client, case)
    assert db.session.get(Rating, case.id) is None


def test_rating_needs_the_secret_first(ctx: Flask, client: FlaskClient, answered: Case) -> None:
    stranger = ctx.test_client()
    assert urlsplit(rate(stranger, answered).location).path == "/feedback/track"
    assert db.session.get(Rating, answered.id) is None


def test_reading_never_changes_anything(client: FlaskClient, answered: Case) -> None:
    before = get_case(answered.id).status
    assert client.get(f"/feedback/track/{answered.number}/rating?score=5").status_code == 405
    for path in ("/feedback/receipt/clear", "/feedback/track/leave"):
        assert client.get(path).status_code in {302, 404, 405}
    assert client.get(f"/feedback/track/{answered.number}").status_code == 200
    assert db.session.get(Rating, answered.id) is None
    assert get_case(answered.id).status is before
