"""What staff see of the classifier on a letter: reasons, marks, a doubtful alarm, earlier letters."""

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

from feedback import staff_words
from feedback.models import Case, CaseNeighbour, Suggestion
from feedback.services import sorting, suggesting
from feedback.services.neighbours import record_neighbours
from portal.access import Actor, Role
from portal.app import profile
from portal.audit import AuditEvent
from portal.db import db
from portal.errors import NotFound
from tests.factories import NOW, answered_case, get_case, guess, make_actor, make_case

SignIn = Callable[[Actor], FlaskClient]
DOUBT = "疑似緊急，請確認"


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedback.views.staff.utcnow", lambda: NOW)


def page(browser: FlaskClient, case: Case) -> str:
    answer = browser.get(f"/staff/cases/{case.id}")
    assert answer.status_code == 200
    return answer.text


def read_by_model(case: Case | None = None, **values: Any) -> Case:
    case = case or make_case(unit_code="standards")
    suggesting.record_suggestion(case.id, guess(**values), profile=profile(), now=NOW)
    return get_case(case.id)


def judge(browser: FlaskClient, case: Case, urgent: str) -> Any:
    return browser.post(f"/staff/cases/{case.id}/urgency", data={"urgent": urgent})


def judged() -> list[tuple[int | None, dict[str, Any]]]:
    wanted = sa.select(AuditEvent).where(AuditEvent.action == "case.urgency_judged")
    return [(event.actor_id, event.detail) for event in db.session.scalars(wanted)]


def test_an_agencys_rule_is_named_as_what_decided(sign_in: SignIn) -> None:
    text = page(sign_in(make_actor()), read_by_model(rule="國家標準 CNS"))
    assert "機關規則：</strong>信中有「國家標準 CNS」" in text
    assert "分類模型</strong>" not in text


@pytest.mark.parametrize(("abstained", "said"), [(False, "估計最可能的是"), (True, "沒有一個主題夠有把握")])
def test_where_no_rule_decided_the_model_is_named(abstained: bool, said: str, sign_in: SignIn) -> None:
    text = page(sign_in(make_actor()), read_by_model(abstained=abstained))
    assert "分類模型</strong>" in text
    assert said in text
    assert "機關規則" not in text


def test_words_for_and_against_and_further_topics_are_told(sign_in: SignIn) -> None:
    case = read_by_model(words=["標準", "閱覽"], against=["下載"], secondary=["SV-DIGI"])
    text = page(sign_in(make_actor()), case)
    assert "支持的字詞：標準、閱覽</li>" in text
    assert "反對的字詞：下載</li>" in text
    assert f"也可能涉及：{profile().topic_name('SV-DIGI')}</li>" in text


def test_words_that_spoke_for_the_topic_are_marked_where_they_stand(sign_in: SignIn) -> None:
    case = make_case(unit_code="standards", subject="問<標準>", body="第一行\n看<b>標準</b>")
    shift = len("問<標準>\n")
    at = "第一行\n看<b>標準</b>".index("標準") + shift
    text = page(sign_in(make_actor()), read_by_model(case, marks=[[2, 4], [at, at + 2]]))
    mark = '<mark class="p-0 border-bottom border-dark">標準</mark>'
    assert f"<h1>問&lt;{mark}&gt;</h1>" in text
    assert f"第一行\n看&lt;b&gt;{mark}&lt;/b&gt;" in text
    assert "這樣標示</mark>" in text


def test_a_mark_over_the_end_of_the_subject_falls_on_both_parts() -> None:
    case = Case(subject="甲乙", body="丙丁", suggestion=Suggestion(marks=[[1, 4]]))
    subject, body = staff_words.marked(case)
    assert (subject, body) == ([("甲", False), ("乙", True)], [("丙", True), ("丁", False)])


def test_a_letter_without_a_suggestion_is_shown_plain(sign_in: SignIn) -> None:
    assert "<mark" not in page(sign_in(make_actor()), make_case(unit_code="standards"))


@settings(deadline=None)
@given(st.text(max_size=30), st.lists(st.tuples(st.integers(-5, 40), st.integers(-5, 40)), max_size=8))
def test_pieces_give_the_text_back_and_mark_what_the_spans_cover(
    text: str, spans: list[tuple[int, int]]
) -> None:
    pieces = staff_words.pieces(text, spans)
    assert "".join(words for words, _ in pieces) == text
    assert all(words for words, _ in pieces)
    covered = {at for start, end in spans for at in range(max(start, 0), min(end, len(text)))}
    marked = [flag for words, flag in pieces for _ in words]
    assert [at for at, flag in enumerate(marked) if flag] == sorted(covered)


@pytest.mark.parametrize("count", [0, 1, 199, 200, 201, 999, 1500])
def test_an_excerpt_is_short_and_says_when_more_follows(count: int) -> None:
    shown = staff_words.excerpt("字" * count)
    assert len(shown) <= 201
    assert shown.endswith("…") == (count > 200)


@pytest.mark.parametrize("before", range(185, 202))
def test_an_excerpt_never_ends_inside_a_mask(before: int) -> None:
    shown = staff_words.excerpt("字" * before + "0912-345-678" + "，謝謝" * 30)
    assert shown.count("〔") == shown.count("〕")
    assert not re.search(r"\d", shown)


def test_a_number_cut_in_two_by_the_end_of_the_excerpt_does_not_show() -> None:
    crowd = "、".join(["A123456789"] * 200)
    assert not re.search(r"\d", staff_words.excerpt(crowd))


def test_the_agencys_urgent_words_make_a_letter_urgent_however_written(sign_in: SignIn) -> None:
    case = read_by_model(alarm=True, urgent_phrase="起火")
    assert case.urgent
    text = page(sign_in(make_actor()), case)
    assert "緊急：起火" in text
    assert DOUBT not in text


def test_an_alarm_of_the_model_alone_makes_no_letter_urgent_but_asks(sign_in: SignIn) -> None:
    browser, case = sign_in(make_actor()), read_by_model(alarm=True)
    assert not case.urgent
    for text in (page(browser, case), browser.get("/staff/cases/").text):
        assert DOUBT in text
        assert "<span>緊急" not in text
    assert "是緊急</button>" in page(browser, case)


def test_a_confirmed_alarm_makes_the_letter_urgent(sign_in: SignIn) -> None:
    handler = make_actor(name="周美玲")
    browser, case = sign_in(handler), read_by_model(alarm=True)
    answer = judge(browser, case, "yes")
    assert (answer.status_code, answer.location) == (303, f"/staff/cases/{case.id}")
    assert get_case(case.id).urgent
    assert judged() == [(handler.id, {"urgent": True})]
    text = page(browser, case)
    assert "周美玲判斷是緊急" in text
    assert DOUBT not in text


def test_a_dismissed_alarm_is_gone_and_who_dismissed_it_is_kept(sign_in: SignIn) -> None:
    handler = make_actor(name="周美玲")
    browser, case = sign_in(handler), read_by_model(alarm=True)
    assert judge(browser, case, "no").status_code == 303
    assert not get_case(case.id).urgent
    assert judged() == [(handler.id, {"urgent": False})]
    text = page(browser, case)
    assert "周美玲判斷不是緊急" in text
    assert DOUBT not in text
    assert DOUBT not in browser.get("/staff/cases/").text


def test_the_second_of_two_who_judge_is_told_and_changes_nothing(sign_in: SignIn) -> None:
    case = read_by_model(alarm=True)
    assert judge(sign_in(make_actor()), case, "yes").status_code == 303
    answer = judge(sign_in(make_actor()), case, "no")
    assert answer.status_code == 409
    assert "已經判斷過了" in answer.text
    assert get_case(case.id).urgent
    assert len(judged()) == 1


def test_without_an_alarm_there_is_nothing_to_judge(sign_in: SignIn) -> None:
    case = read_by_model()
    assert judge(sign_in(make_actor()), case, "yes").status_code == 409
    assert not get_case(case.id).urgent


@pytest.mark.parametrize("urgent", ["", "maybe", "YES"])
def test_a_judgement_is_yes_or_no(urgent: str, sign_in: SignIn) -> None:
    case = read_by_model(alarm=True)
    assert judge(sign_in(make_actor()), case, urgent).status_code == 422
    assert judged() == []


def test_another_units_letter_is_not_there_to_judge(sign_in: SignIn) -> None:
    case = read_by_model(make_case(unit_code="it"), alarm=True)
    assert judge(sign_in(make_actor(Role.HEAD, "standards")), case, "yes").status_code == 404
    assert not get_case(case.id).urgent


def test_an_answered_letter_raises_no_alarm(sign_in: SignIn) -> None:
    handler = make_actor()
    assert DOUBT not in page(sign_in(handler), read_by_model(answered_case(handler), alarm=True))


def kept(case: Case) -> list[tuple[int, float]]:
    wanted = sa.select(CaseNeighbour.earlier_id, CaseNeighbour.likeness).where(
        CaseNeighbour.case_id == case.id
    )
    return [tuple(row) for row in db.session.execute(wanted.order_by(CaseNeighbour.likeness.desc()))]


def test_similar_letters_are_told_with_how_alike_they_are(sign_in: SignIn) -> None:
    handler = make_actor()
    case = make_case(unit_code="standards")
    same = answered_case(handler, subject="我的電話 0912-345-678")
    near, far = (make_case(unit_code="standards", subject=name) for name in ("很近", "較遠"))
    sorting.confirm_topic(near.id, topic="ST-CNS", by=handler, profile=profile(), now=NOW)
    record_neighbours(case.id, [(far.id, 0.4), (same.id, 0.95), (near.id, 0.7)], now=NOW)
    text = page(sign_in(handler), case)
    panel = text[text.index('id="alike-title"') :].split("</section>")[0]
    alike = re.findall(r"<strong>(\S+)</strong>", panel)
    assert alike == ["幾乎相同", "很像", "有點像"]
    assert re.findall(r'href="/staff/cases/(\d+)"', panel) == [str(same.id), str(near.id), str(far.id)]
    for shown in (same.number, "〔電話〕", "已答復", profile().topic_name("ST-CNS"), "主題未定"):
        assert shown in panel
    assert "0912-345-678" not in panel


def test_similar_letters_that_one_may_not_read_leave_no_trace(sign_in: SignIn) -> None:
    case = make_case(unit_code="standards")
    hidden = [make_case(unit_code="it", subject="別組的"), make_case(hint="IN-ETHIC", subject="限閱的")]
    record_neighbours(case.id, [(other.id, 0.9) for other in hidden], now=NOW)
    text = page(sign_in(make_actor()), case)
    assert "相似的來信" not in text
    for trace in ("別組的", "限閱的", *(other.number for other in hidden)):
        assert trace not in text
    seen = page(sign_in(make_actor(Role.SECRETARIAT, "secretariat")), case)
    assert "別組的" in seen
    assert "限閱的" not in seen


def test_the_five_most_alike_are_kept_and_a_repeat_changes_nothing(ctx: Flask) -> None:
    case, others = make_case(), [make_case() for _ in range(7)]
    found = [(other.id, index / 10) for index, other in enumerate(others, start=1)]
    for _ in range(2):
        record_neighbours(case.id, found, now=NOW)
        assert kept(case) == sorted(found, key=lambda item: -item[1])[:5]
    record_neighbours(case.id, found[:1], now=NOW)
    assert kept(case) == found[:1]


def test_a_letter_is_no_neighbour_of_itself_nor_of_what_is_not_there(ctx: Flask) -> None:
    case, other = make_case(), make_case()
    later = make_case(received=NOW + timedelta(days=1))
    found = [(case.id, 1.0), (10**6, 0.9), (later.id, 0.9), (other.id, 0.3), (other.id, 1.0000001)]
    record_neighbours(case.id, found, now=NOW)
    assert kept(case) == [(other.id, 1.0)]
    with pytest.raises(NotFound):
        record_neighbours(10**6, [], now=NOW)
