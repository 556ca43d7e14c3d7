"""Searching letters: whom a letter is shown to, how results page, what odd input does."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from feedback import search
from feedback.models import Case, Consultation, Message, MessageKind
from feedback.queries import PAGE
from feedback.services import routing, search_index
from portal.access import Actor, Role
from portal.db import transaction
from portal.fulltext import parse
from tests.factories import NOW, answered_case, make_actor, make_case, unit
from tests.feedback.test_inbox import counted

SignIn = Callable[[Actor], FlaskClient]
URL = "/staff/search/"


def ids(actor: Actor, typed: str, **values: object) -> list[int]:
    search_index.index_waiting(NOW)
    return [hit.case.id for hit in search.find(actor, parse(typed), **values).hits]  # type: ignore[arg-type]


def page(browser: FlaskClient, typed: str, status: int = 200, **args: object) -> str:
    search_index.index_waiting(NOW)
    answer = browser.get(URL, query_string={"q": typed} | args)
    assert answer.status_code == status
    return answer.text


@pytest.mark.usefixtures("ctx")
def test_a_unit_finds_its_own_letters_and_the_secretariat_all() -> None:
    mine = make_case(unit_code="standards", body="電鍋")
    other = make_case(unit_code="it", body="電鍋")
    assert ids(make_actor(), "電鍋") == [mine.id]
    assert ids(make_actor(Role.SECRETARIAT, "secretariat"), "電鍋") == [other.id, mine.id]
    assert ids(make_actor(Role.ADMIN, "it"), "電鍋") == []


def test_a_restricted_letter_is_found_by_its_ethics_officer_and_not_hinted_at_to_others(
    sign_in: SignIn,
) -> None:
    secret = make_case(unit_code="ethics", restricted=True, subject="檢舉", body="收受茶葉禮盒")
    assert ids(make_actor(Role.ETHICS, "ethics"), "茶葉") == [secret.id]
    for role, code in ((Role.SECRETARIAT, "secretariat"), (Role.HEAD, "ethics"), (Role.HANDLER, "standards")):
        actor = make_actor(role, code)
        nothing = page(sign_in(actor), "茶葉")
        never = page(sign_in(actor), "茶碗")
        assert nothing.replace("茶葉", "茶碗") == never
        assert search.find(actor, parse("茶葉")).count == 0
        assert search.number(actor, secret.number) is None
        assert sign_in(actor).get(URL, query_string={"q": secret.number}).status_code == 200


def test_a_restricted_letter_that_waits_for_the_index_is_not_hinted_at(sign_in: SignIn) -> None:
    waiting = "最新的信還沒有全部編入"
    make_case(unit_code="ethics", restricted=True)
    assert waiting not in sign_in(make_actor(Role.SECRETARIAT, "secretariat")).get(URL).text
    assert waiting in sign_in(make_actor(Role.ETHICS, "ethics")).get(URL).text
    make_case(unit_code="standards")
    assert waiting in sign_in(make_actor()).get(URL).text


@pytest.mark.usefixtures("ctx")
def test_a_letter_is_found_by_a_unit_that_is_asked_about_it() -> None:
    asked = make_case(unit_code="standards", body="電鍋")
    secret = make_case(unit_code="ethics", restricted=True, body="電鍋")
    colleague, asking = make_actor(Role.HANDLER, "it"), make_actor()
    with transaction() as session:
        session.add_all(
            Consultation(
                case_id=case.id, unit_id=unit("it").id, question="請表示意見", asked_by=asking.id,
                asked_at=NOW, due_at=NOW,
            )
            for case in (asked, secret)
        )  # fmt: skip
    assert ids(colleague, "電鍋") == [asked.id]


@pytest.mark.usefixtures("ctx")
def test_a_letter_goes_out_of_sight_with_its_unit() -> None:
    case, before = make_case(unit_code="standards", body="電鍋"), make_actor()
    assert ids(before, "電鍋") == [case.id]
    with transaction() as session:
        session.execute(sa.update(Case).where(Case.id == case.id).values(unit_id=unit("it").id))
    assert ids(before, "電鍋") == []
    assert ids(make_actor(Role.HANDLER, "it"), "電鍋") == [case.id]


@pytest.mark.usefixtures("ctx")
def test_pages_are_newest_first_and_meet_without_gap_or_overlap() -> None:
    cases = [make_case(unit_code="standards", body="電鍋").id for _ in range(2 * PAGE + 3)][::-1]
    actor, query = make_actor(), parse("電鍋")
    search_index.index_waiting(NOW)
    first = search.find(actor, query)
    second = search.find(actor, query, before=first.older or 0)
    third = search.find(actor, query, before=second.older or 0)
    shown = [hit.case.id for found in (first, second, third) for hit in found.hits]
    assert shown == cases
    assert (first.newer, third.older, first.count) == (None, None, len(cases))
    back = search.find(actor, query, after=third.newer or 0)
    assert [hit.case.id for hit in back.hits] == cases[PAGE : 2 * PAGE]
    start = search.find(actor, query, after=back.newer or 0)
    assert [hit.case.id for hit in start.hits] == cases[:PAGE]
    assert start.newer is None


def test_a_strange_key_of_a_page_breaks_nothing(sign_in: SignIn) -> None:
    make_case(unit_code="standards", subject="電鍋")
    browser = sign_in(make_actor())
    for key in ("x", "-1", "0", str(2**70), "1.5", ""):
        assert "找到 1 封" in page(browser, "電鍋", before=key, after=key)
    assert "回第一頁" in page(browser, "電鍋", before=1)


def test_what_is_common_is_counted_to_a_bound(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST_COUNTED", 2)
    for _ in range(3):
        make_case(unit_code="standards", body="電鍋")
    assert "找到 超過 2 封" in page(sign_in(make_actor()), "電鍋")


@pytest.mark.usefixtures("ctx")
def test_letters_can_be_narrowed_to_those_that_wait() -> None:
    by = make_actor()
    done, waiting = answered_case(by, subject="電鍋").id, make_case(unit_code="standards", subject="電鍋").id
    assert ids(by, "電鍋") == [waiting, done]
    assert ids(by, "電鍋", state="open") == [waiting]
    assert ids(by, "電鍋", state="settled") == [done]


def test_a_number_leads_to_its_letter_however_it_is_typed(sign_in: SignIn) -> None:
    case = make_case(unit_code="standards")
    browser = sign_in(make_actor())
    wide = case.number.translate({ord(str(digit)): chr(0xFF10 + digit) for digit in range(10)})
    for typed in (case.number, f" {case.number} ", case.number.replace("-", ""), wide):
        answer = browser.get(URL, query_string={"q": typed})
        assert (answer.status_code, answer.location) == (303, f"/staff/cases/{case.id}")
    stranger = sign_in(make_actor(Role.HANDLER, "it"))
    assert stranger.get(URL, query_string={"q": case.number}).status_code == 200


def test_a_hit_shows_where_the_word_stands_with_personal_data_masked(sign_in: SignIn) -> None:
    make_case(
        unit_code="standards", subject="臺北買的", body="很長的開頭。" * 40 + "電話 0912-345-678，電鍋冒煙了"
    )
    text = page(sign_in(make_actor()), "电锅")
    assert re.search(r"來信：…[^<]*〔電話〕[^<]*<mark[^>]*>電鍋</mark>", text)
    assert "0912" not in text
    text = page(sign_in(make_actor()), "0912-345-678")
    assert "〔電話〕" in text
    assert text.count("0912") == 1  # what was typed, in its own field


@pytest.mark.parametrize(
    ("kind", "author", "part"),
    [(MessageKind.SUPPLEMENT, False, "補充"), (MessageKind.SECOND_REPLY, True, "再次回復")],
)
def test_a_hit_says_in_which_text_the_word_stands(
    sign_in: SignIn, kind: MessageKind, author: bool, part: str
) -> None:
    by = make_actor()
    case = answered_case(by, body="答復：請看熱水器")
    with transaction() as session:
        session.add(
            Message(
                case_id=case.id, kind=kind, body="瓦斯爐", sent_at=NOW, author_id=by.id if author else None
            )
        )
    assert f"{part}：<mark" in page(sign_in(by), "瓦斯爐")
    assert re.search(r"答復：答復：請看<mark[^>]*>熱水器", page(sign_in(by), "熱水器"))


@pytest.mark.usefixtures("ctx")
def test_a_number_at_the_edge_of_a_line_is_masked_whole() -> None:
    for gap in range(search.SHOWN - 12, search.SHOWN + 2):
        for text in ("電鍋" + "好" * gap + "0912345678 再見", "0912345678" + "好" * gap + "電鍋。"):
            line = "".join(words for words, _ in search.excerpt(text, parse("電鍋")))
            assert not re.search(r"\d", line), line
            assert line.count("〔") == line.count("〕")


@pytest.mark.usefixtures("ctx")
def test_a_word_deep_in_a_long_letter_has_its_line() -> None:
    for place in (0, 599, 795, 990, 1005, 60_000):
        text = "好" * place + "瓦斯爐" + "壞" * 300
        assert ("瓦斯爐", True) in search.excerpt(text, parse("瓦斯爐"))
    assert search.excerpt("好" * 200_000, parse("瓦斯爐")) == []


def test_what_letters_say_is_escaped(sign_in: SignIn) -> None:
    make_case(unit_code="standards", subject="<b>電鍋</b>", body="<script>alert(1)</script>電鍋")
    text = page(sign_in(make_actor()), "電鍋")
    assert "<script>alert" not in text
    assert "&lt;b&gt;" in text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("   ", "請輸入至少一個字"),
        ("，。！？", "請輸入至少一個字"),
        ('"', "請輸入至少一個字"),
        ("電" * 201, "最多 200 個字"),
        ("電\x00鍋", "控制字元"),
        ("電\x1b鍋", "控制字元"),
    ],
)
def test_what_cannot_be_searched_is_said_and_kept(sign_in: SignIn, typed: str, said: str) -> None:
    text = page(sign_in(make_actor()), typed, 422)
    assert said in text


@pytest.mark.parametrize(
    "typed", ["爐", "電" * 200, '"電鍋', "電鍋 OR 1", "NEAR(電 鍋)", "電*", "%", "a' OR 1=1 --", "🙂", "😀電"]
)
def test_odd_words_find_what_they_say_or_nothing(sign_in: SignIn, typed: str) -> None:
    make_case(unit_code="standards", subject="電鍋", body="電鍋和爐")
    answer = sign_in(make_actor()).get(URL, query_string={"q": typed})
    assert answer.status_code in {200, 422}


def test_the_page_without_words_asks_for_them(sign_in: SignIn) -> None:
    text = sign_in(make_actor()).get(URL).text
    assert "要找的字" in text
    assert "沒有找到信" not in text
    assert "沒有找到信" in page(sign_in(make_actor()), "沒有這個字")


def test_the_inbox_has_the_search_field(sign_in: SignIn) -> None:
    text = sign_in(make_actor()).get("/staff/cases/").text
    assert re.search(r'<form[^>]*action="/staff/search/"[^>]*role="search"', text)
    assert '<label class="form-label" for="q">' in text


def test_a_page_asks_the_database_no_more_for_many_hits_than_for_few(sign_in: SignIn) -> None:
    browser, figures = sign_in(make_actor()), []
    for _ in range(2):
        for _ in range(5):
            make_case(unit_code="standards", body="電鍋", received=NOW - timedelta(days=1))
        search_index.index_waiting(NOW)
        with counted() as statements:
            browser.get(URL, query_string={"q": "電鍋"})
        figures.append(len(statements))
    assert figures[0] == figures[1]


@pytest.mark.usefixtures("ctx")
def test_a_letter_that_a_unit_is_asked_to_take_is_found_there() -> None:
    case = make_case(unit_code="standards", body="電鍋")
    routing.transfer(case.id, unit_id=unit("it").id, reason="屬貴單位", by=make_actor(), now=NOW)
    assert ids(make_actor(Role.HANDLER, "it"), "電鍋") == [case.id]
