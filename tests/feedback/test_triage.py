"""The triage desk: whom it shows what, in which order, and that one press is one decision."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback import triage
from feedback.models import Case, TopicLabel
from feedback.sampling import in_random_share
from feedback.services import sorting, suggesting
from portal.access import Actor, Role
from portal.app import profile
from portal.db import db
from tests.factories import NOW, answered_case, get_case, guess, make_actor, make_case, unit
from tests.feedback.test_inbox import counted

SignIn = Callable[[Actor], FlaskClient]
DESK = "/staff/triage/"


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedback.views.triage.utcnow", lambda: NOW)


@pytest.fixture
def by_word(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The numbers of the random share, as the test says instead of chance."""
    numbers: set[str] = set()
    for module in ("feedback.triage", "feedback.views.triage"):
        monkeypatch.setattr(f"{module}.in_random_share", numbers.__contains__)
    return numbers


def desk(browser: FlaskClient, query: str = "") -> str:
    answer = browser.get(f"{DESK}{query}")
    assert answer.status_code == 200
    return answer.text


def subjects(text: str) -> list[str]:
    return re.findall(r'<h2[^>]*><a href="/staff/cases/\d+">([^<]*)</a>', text)


def read_by_model(subject: str, *, margin: float = 0.5, unit_code: str = "standards", **values: Any) -> Case:
    """A letter with a suggestion, wherever the suggestion would have brought it."""
    case = make_case(subject=subject, unit_code=unit_code)
    suggesting.record_suggestion(case.id, guess(margin=margin, **values), profile=profile(), now=NOW)
    return get_case(case.id)


def confirm(browser: FlaskClient, case: Case, topic: str = "ST-CNS", query: str = "") -> Any:
    return browser.post(f"{DESK}{case.id}/topic{query}", data={"topic": topic})


def labels() -> list[TopicLabel]:
    return list(db.session.scalars(sa.select(TopicLabel)))


@pytest.fixture
def secretary(ctx: Flask) -> Actor:
    return make_actor(Role.SECRETARIAT, "secretariat")


def test_the_letter_of_which_the_model_is_least_sure_comes_first(
    sign_in: SignIn, secretary: Actor, by_word: set[str]
) -> None:
    make_case(subject="還沒讀過", unit_code="standards")
    for subject, margin in (("有把握", 0.9), ("最不確定", 0.01), ("不太確定", 0.2)):
        read_by_model(subject, margin=margin)
    shown = subjects(desk(sign_in(secretary)))
    assert shown == ["最不確定", "不太確定", "有把握", "還沒讀過"]


def test_by_receipt_the_oldest_letter_comes_first(sign_in: SignIn, secretary: Actor) -> None:
    for days, margin in ((1, 0.1), (9, 0.9), (4, 0.5)):
        case = make_case(subject=f"{days} 天前", received=NOW - timedelta(days=days))
        suggesting.record_suggestion(case.id, guess(margin=margin), profile=profile(), now=NOW)
    text = desk(sign_in(secretary), "?order=received")
    assert subjects(text) == ["9 天前", "4 天前", "1 天前"]
    assert re.search(r'href="/staff/triage/\?order=received" aria-current="page"', text)


@pytest.mark.parametrize("query", ["?order=nonsense", "?order=%00", "?order=received&order=unsure"])
def test_nonsense_in_the_address_is_passed_over(query: str, sign_in: SignIn, secretary: Actor) -> None:
    read_by_model("一封信")
    assert subjects(desk(sign_in(secretary), query)) == ["一封信"]


def test_every_fifth_place_is_for_the_random_share_and_says_so(
    sign_in: SignIn, secretary: Actor, by_word: set[str]
) -> None:
    for index in range(8):
        read_by_model(f"不確定 {index}", margin=index / 100)
    by_word |= {read_by_model(f"抽查 {index}", margin=0.99).number for index in range(3)}
    text = desk(sign_in(secretary))
    shown = subjects(text)
    assert [shown.index("抽查 0"), shown.index("抽查 1")] == [4, 9]
    assert len(shown) == 11
    assert text.count("<span>隨機抽查</span>") == 3


def test_a_doubtful_letter_of_the_random_share_waits_for_its_turn(
    sign_in: SignIn, secretary: Actor, by_word: set[str]
) -> None:
    by_word.add(read_by_model("抽查而且最不確定", margin=0.0).number)
    for index in range(6):
        read_by_model(f"不確定 {index}", margin=0.1)
    assert subjects(desk(sign_in(secretary))).index("抽查而且最不確定") == 4


@settings(deadline=None)
@given(st.sets(st.integers(1, 60)), st.sets(st.integers(100, 160)))
def test_places_are_filled_with_each_letter_once(ordinary: set[int], sampled: set[int]) -> None:
    places = list(triage.interleave(sorted(ordinary), sorted(sampled)))
    assert len(places) == min(triage.PLACES, len(ordinary) + len(sampled))
    assert len(set(places)) == len(places)
    kept = min(len(sampled), len(places) // triage.EVERY)
    assert sum(place >= 100 for place in places) >= kept


def test_the_desk_shows_twenty_and_says_how_many_wait(
    sign_in: SignIn, secretary: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(triage, "PLACES", 3)
    for index in range(5):
        read_by_model(f"信 {index}")
    text = desk(sign_in(secretary))
    assert len(subjects(text)) == 3
    assert "還有 <strong>5</strong> 封等待確認主題，先列出 3 封" in text


def test_only_open_letters_without_a_topic_are_on_the_desk(sign_in: SignIn) -> None:
    handler = make_actor()
    read_by_model("等人看")
    done = read_by_model("確認過")
    sorting.confirm_topic(done.id, topic="ST-CNS", by=handler, profile=profile(), now=NOW)
    answered_case(handler, subject="答復過")
    assert subjects(desk(sign_in(handler))) == ["等人看"]


@pytest.mark.parametrize("role", [Role.HANDLER, Role.HEAD])
def test_a_unit_sorts_its_own_letters_only(role: Role, sign_in: SignIn) -> None:
    own, other = read_by_model("自己的"), read_by_model("別組的", unit_code="it")
    browser = sign_in(make_actor(role))
    text = desk(browser)
    assert subjects(text) == ["自己的"]
    assert "還有 <strong>1</strong> 封" in text
    assert confirm(browser, other).status_code == 404
    assert get_case(other.id).topic is None
    assert confirm(browser, own).status_code == 303


def test_restricted_letters_are_on_the_desk_of_their_owner_only(sign_in: SignIn, secretary: Actor) -> None:
    hidden = make_case(hint="IN-ETHIC", subject="限閱的信")
    for person in (secretary, make_actor(Role.HEAD, "ethics"), make_actor(Role.HANDLER, "it")):
        browser = sign_in(person)
        text = desk(browser)
        assert subjects(text) == []
        assert "沒有等待分文的信" in text
        answer = confirm(browser, hidden)
        assert answer.status_code == 404
        assert hidden.subject not in answer.text
    assert subjects(desk(sign_in(make_actor(Role.ETHICS, "ethics")))) == ["限閱的信"]
    assert get_case(hidden.id).topic is None


def test_an_administrator_sorts_no_letters(sign_in: SignIn) -> None:
    browser = sign_in(make_actor(Role.ADMIN))
    assert browser.get(DESK).status_code == 403
    assert confirm(browser, make_case()).status_code == 403


def test_a_row_says_what_is_needed_and_no_personal_data(sign_in: SignIn, secretary: Actor) -> None:
    case = make_case(subject="我的電話 0912-345-678", body="起火了！身分證 A123456789，" + "很長的信" * 100)
    suggesting.record_suggestion(case.id, guess(abstained=True, probability=0.4), profile=profile(), now=NOW)
    text = desk(sign_in(secretary))
    assert "0912-345-678" not in text
    assert "A123456789" not in text
    assert "〔電話〕" in text
    assert case.number in text
    assert "緊急：起火" in text
    assert re.search(r'name="topic" value="ST-CNS" class="[^"]*">國家標準.*?97%', text)
    assert f'href="/staff/cases/{case.id}"' in text
    assert "很長的信" * 100 not in text


def test_one_press_confirms_and_says_what_and_where_to(sign_in: SignIn) -> None:
    head = make_actor(Role.HEAD, "standards")
    case = read_by_model("電子檔", topic="PI-SCOPE", abstained=True)
    browser = sign_in(head)
    answer = confirm(browser, case, "SV-DIGI")
    assert (answer.status_code, answer.location) == (303, "/staff/triage/#main")
    text = desk(browser)
    topic = profile().topic_name("SV-DIGI")
    assert f"{case.number} 已確認為「{topic}」，已請資訊室收件。" in text
    assert subjects(text) == []
    (label,) = labels()
    assert (label.topic, label.suggested, label.abstained) == ("SV-DIGI", "PI-SCOPE", True)
    assert (label.model_version, label.confirmed_by, label.case_id) == ("test", head.id, case.id)


def test_the_chosen_order_is_kept_after_a_press(sign_in: SignIn, secretary: Actor) -> None:
    browser, case = sign_in(secretary), read_by_model("一封信")
    assert f'action="/staff/triage/{case.id}/topic?order=received"' in desk(browser, "?order=received")
    assert confirm(browser, case, query="?order=received").location == f"{DESK}?order=received#main"


def test_the_second_of_two_people_is_told_and_overwrites_nothing(sign_in: SignIn, secretary: Actor) -> None:
    case, first = read_by_model("兩個人都在看"), make_actor()
    sorting.confirm_topic(case.id, topic="ST-CNS", by=first, profile=profile(), now=NOW)
    answer = confirm(sign_in(secretary), case, "SV-DIGI")
    assert answer.status_code == 409
    name = profile().topic_name("ST-CNS")
    assert f"{case.number} 剛由同仁確認為「{name}」，您的選擇沒有送出。" in answer.text
    kept = get_case(case.id)
    assert (kept.topic, kept.topic_confirmed_by, kept.unit_id) == ("ST-CNS", first.id, unit("standards").id)
    assert len(labels()) == 1


def test_a_letter_that_was_answered_meanwhile_is_said_to_be(sign_in: SignIn) -> None:
    handler = make_actor()
    answer = confirm(sign_in(handler), answered_case(handler))
    assert answer.status_code == 409
    assert "狀態已經改變" in answer.text


@pytest.mark.parametrize("topic", ["", "NOTHING", "ST-CNS\x00"])
def test_a_topic_that_is_not_offered_is_refused(topic: str, sign_in: SignIn, secretary: Actor) -> None:
    case = read_by_model("一封信")
    answer = confirm(sign_in(secretary), case, topic)
    assert answer.status_code == 422
    assert "請從清單選擇主題" in answer.text
    assert get_case(case.id).topic is None


def test_a_full_desk_takes_as_many_queries_as_an_empty_one(sign_in: SignIn, secretary: Actor) -> None:
    browser = sign_in(secretary)
    taken = []
    for _ in range(2):
        db.session.expire_all()
        with counted() as statements:
            desk(browser)
        taken.append(len(statements))
        for index in range(12):
            read_by_model(f"信 {index}")
    assert taken[0] == taken[1]
    assert taken[1] <= 7, statements


def test_the_random_share_on_the_desk_is_the_one_that_figures_are_counted_on(
    sign_in: SignIn, secretary: Actor
) -> None:
    cases = [read_by_model(f"信 {index}") for index in range(12)]
    expected = sum(in_random_share(case.number) for case in cases)
    assert desk(sign_in(secretary)).count("<span>隨機抽查</span>") == expected
