"""What a visitor sees of a survey, and what staff see of the answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from portal.access import Actor, Role
from portal.app import profile
from portal.clock import Period, utcnow
from portal.db import transaction
from surveys.models import Survey
from surveys.standard import OVERALL, standard_survey
from tests.factories import make_actor
from tests.surveys.factories import (
    answers_of,
    count_responses,
    make_response,
    make_responses,
    only_response,
    publish_standard,
)

PAGE = "/surveys/service"
RESULTS = "/staff/surveys/service"
SignIn = Callable[[Actor], FlaskClient]


@pytest.fixture(autouse=True)
def _survey(client: FlaskClient) -> None:
    publish_standard()


def fresh(client: FlaskClient) -> dict[str, str]:
    """The hidden fields of a questionnaire that was just opened."""
    page = client.get(PAGE).text
    found = dict(re.findall(r'name="(key|version_number)" type="hidden" value="([^"]+)"', page))
    assert len(found) == 2
    return found


def filled(client: FlaskClient, **answers: str) -> dict[str, str]:
    return fresh(client) | {"q_service_line": "metrology", "q_I": "4"} | answers


def today() -> date:
    now = Period.of(utcnow())
    return date(now.year, now.month, 1)


def test_open_surveys_are_listed_and_closed_ones_are_not(client: FlaskClient) -> None:
    assert 'href="/surveys/service"' in client.get("/surveys/").text
    with transaction() as session:
        session.execute(sa.update(Survey).values(open=False))
    assert 'href="/surveys/service"' not in client.get("/surveys/").text
    assert client.get(PAGE).status_code == 404


@pytest.mark.parametrize("slug", ["moon", "%00", "a" * 300, "é"])
def test_an_unknown_survey_is_not_found(client: FlaskClient, slug: str) -> None:
    for path in (f"/surveys/{slug}", f"/surveys/{slug}/thanks", f"/surveys/{slug}/poster"):
        assert client.get(path).status_code == 404


def test_a_filled_questionnaire_is_kept_and_thanked_for(client: FlaskClient) -> None:
    answer = client.post(PAGE, data=filled(client, q_A="5", q_B="na", q_best="很親切", q_unit="taichung"))
    assert (answer.status_code, answer.location) == (303, "/surveys/service/thanks")
    kept = answers_of(only_response().id)
    assert (kept["A"].score, kept["B"].score, kept["best"].text) == (5, None, "很親切")
    assert "/feedback/new" in client.get(answer.location).text


def test_what_is_missing_is_said_and_what_was_filled_in_stays(client: FlaskClient) -> None:
    answer = client.post(PAGE, data=fresh(client) | {"q_A": "2", "q_improve": "等太久", "q_unit": "it"})
    assert answer.status_code == 422
    assert "請回答「整體來說，您對這次的服務滿意嗎？」" in answer.text
    assert "等太久" in answer.text
    assert re.search(r'<input[^>]*checked[^>]*name="q_A"[^>]*value="2"', answer.text)
    assert re.search(r'<option selected value="it">', answer.text)
    assert count_responses() == 0


@pytest.mark.parametrize(
    "bad",
    [
        {"q_A": "6"}, {"q_A": "x"}, {"q_A": "５"}, {"q_I": ""}, {"q_unit": "moon"}, {"q_channel": "1"},
        {"q_service_line": "metrology\x00"}, {"q_best": "字" * 1001}, {"q_best": "空\x00字元"},
        {"website": "https://robot.test"},
    ],
    ids=lambda bad: next(iter(bad)),
)  # fmt: skip
def test_unusable_answers_come_back_and_nothing_is_kept(client: FlaskClient, bad: dict[str, str]) -> None:
    answer = client.post(PAGE, data=filled(client, q_improve="打好的字") | bad)
    assert answer.status_code == 422
    assert "打好的字" in answer.text
    assert count_responses() == 0


def test_a_thousand_characters_in_several_lines_are_taken(client: FlaskClient) -> None:
    """Browsers send each line end as two characters; it counts as one."""
    typed = "\r\n".join(["字" * 99] * 10)
    assert client.post(PAGE, data=filled(client, q_best=typed)).status_code == 303


def test_a_form_sent_twice_is_counted_once_and_thanked_for_twice(client: FlaskClient) -> None:
    form = filled(client)
    assert client.post(PAGE, data=form).status_code == 303
    again = client.post(PAGE, data=form, follow_redirects=True)
    assert again.status_code == 200
    assert "只會計算一次" in again.text
    assert count_responses() == 1


def test_another_form_of_the_same_browser_is_another_response(client: FlaskClient) -> None:
    client.post(PAGE, data=filled(client))
    client.post(PAGE, data=filled(client))
    assert count_responses() == 2


def test_answering_leaves_nothing_in_the_browser_about_the_answer(client: FlaskClient) -> None:
    client.post(PAGE, data=filled(client))
    with client.session_transaction() as cookie:
        assert set(cookie) <= {"csrf_token"}


def test_questions_that_changed_meanwhile_are_shown_again_with_the_answers(client: FlaskClient) -> None:
    form = filled(client, q_best="很親切")
    first, *others = standard_survey(profile()).questions
    definition = replace(standard_survey(profile()), questions=(replace(first, label="新的問法？"), *others))
    publish_standard(definition)
    answer = client.post(PAGE, data=form)
    assert answer.status_code == 422
    assert "題目剛剛更新了" in answer.text
    assert "很親切" in answer.text
    assert count_responses() == 0
    shown = re.search(r'name="version_number" type="hidden" value="(\d+)"', answer.text)
    assert shown is not None
    assert client.post(PAGE, data=form | {"version_number": shown[1]}).status_code == 303


def test_without_a_cookie_the_answers_come_back(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(client.application.config, "WTF_CSRF_ENABLED", True)
    answer = client.application.test_client().post(PAGE, data={"q_best": "很親切", "q_I": "4"})
    assert answer.status_code == 400
    assert "很親切" in answer.text
    assert count_responses() == 0


def test_an_address_may_choose_unit_and_channel_beforehand(client: FlaskClient) -> None:
    page = client.get(f"{PAGE}?unit=taichung&channel=counter&service_line=moon").text
    assert '<option selected value="taichung">' in page
    assert re.search(r'<input[^>]*checked[^>]*name="q_channel"[^>]*value="counter"', page)
    assert not re.search(r'<input[^>]*checked[^>]*name="q_service_line"', page)


def test_every_group_of_choices_has_a_legend_and_every_box_a_label(client: FlaskClient) -> None:
    page = client.get(PAGE).text
    groups = re.findall(r"<fieldset[^>]*>\s*<(\w+)", page)
    assert groups == ["legend"] * len(groups)
    assert len(groups) == 14
    shown = re.findall(r'<(?:select|textarea|input)[^>]*\bid="(q_[^"]+)"', page)
    assert shown
    assert all(f'for="{name}"' in page for name in shown)


def test_the_poster_carries_the_chosen_unit(client: FlaskClient) -> None:
    page = client.get(f"{PAGE}/poster?unit=taichung&channel=counter")
    assert page.status_code == 200
    assert "臺中分局" in page.text
    assert "https://mailbox.test/surveys/service" in page.text
    assert "<svg" in page.text
    assert "style=" not in page.text


def test_a_handler_reads_the_own_units_answers_only(sign_in: SignIn) -> None:
    make_responses(6, {OVERALL: 5}, day=today(), best="我們單位的話")
    make_responses(7, {OVERALL: 1}, unit_code="it", day=today(), best="資訊室的話")
    browser = sign_in(make_actor(Role.HANDLER, "standards"))
    results = browser.get(RESULTS).text
    assert "共 6 份問卷" in results
    assert "100.0%" in results
    assert "資訊室" not in results
    comments = browser.get(f"{RESULTS}/comments").text
    assert "我們單位的話" in comments
    assert "資訊室的話" not in comments


def test_a_unit_in_the_address_does_not_open_another_units_answers(sign_in: SignIn) -> None:
    make_response(unit_code="it", day=today(), best="資訊室的話")
    browser = sign_in(make_actor(Role.HEAD, "standards"))
    unit_id = make_actor(unit_code="it").unit_id
    assert "資訊室的話" not in browser.get(f"{RESULTS}/comments?unit={unit_id}").text
    assert "還沒有人填答" in browser.get(f"{RESULTS}?unit={unit_id}").text


def test_the_secretariat_compares_units_and_may_choose_one(sign_in: SignIn) -> None:
    make_responses(5, {OVERALL: 5}, day=today())
    make_responses(5, {OVERALL: 1}, unit_code="it", day=today())
    browser = sign_in(make_actor(Role.SECRETARIAT, "secretariat"))
    assert "各單位的整體滿意" in browser.get(RESULTS).text
    unit_id = make_actor(unit_code="it").unit_id
    assert "共 5 份問卷" in browser.get(f"{RESULTS}?unit={unit_id}").text


def test_results_say_that_they_are_no_sample_and_hide_small_groups(sign_in: SignIn) -> None:
    make_responses(4, {OVERALL: 5}, day=today())
    page = sign_in(make_actor(Role.HEAD, "standards")).get(RESULTS).text
    assert "本調查為自願填答，不作統計推論" in page
    assert "樣本過少，不顯示" in page
    assert "100.0%" not in page


@pytest.mark.parametrize(
    "query",
    [
        "since=abc",
        "since=115-13",
        "since=999-12",
        "since=115-11&until=115-01",
        "unit=x&line=%00",
        "since=10-1",
    ],
)
def test_a_filter_that_cannot_be_read_is_said_or_ignored(sign_in: SignIn, query: str) -> None:
    browser = sign_in(make_actor(Role.SECRETARIAT, "secretariat"))
    for path in (RESULTS, f"{RESULTS}/comments"):
        assert browser.get(f"{path}?{query}").status_code == 200


def test_what_people_wrote_is_shown_as_text(sign_in: SignIn) -> None:
    make_response(day=today(), best="<script>alert(1)</script>")
    page = sign_in(make_actor(Role.HEAD, "standards")).get(f"{RESULTS}/comments").text
    assert "&lt;script&gt;alert(1)" in page
