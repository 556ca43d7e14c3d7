"""One letter on a staff member's desk."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from feedback import staff_words
from feedback.models import Case, Contact
from feedback.services import answering, ratings, routing, sorting, suggesting
from feedback.states import Status
from portal.access import Actor, Role
from portal.app import profile
from portal.audit import AuditEvent
from portal.db import db
from portal.outbox import OutboxMessage
from tests.factories import NOW, SITE, answered_case, get_case, guess, make_actor, make_case, unit, unsigned

SignIn = Callable[[Actor], FlaskClient]


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedback.views.staff.utcnow", lambda: NOW)


def page(browser: FlaskClient, case: Case) -> str:
    answer = browser.get(f"/staff/cases/{case.id}")
    assert answer.status_code == 200
    return answer.text


def post(browser: FlaskClient, case: Case, act: str, **data: Any) -> Any:
    return browser.post(f"/staff/cases/{case.id}/{act}", data=data)


def audited(action: str) -> list[AuditEvent]:
    return list(db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == action)))


def test_a_letter_shows_its_words_with_their_line_breaks(sign_in: SignIn) -> None:
    handler = make_actor()
    case = make_case(unit_code="standards", body="第一行\n<b>第二行</b>", county="臺北市")
    text = page(sign_in(handler), case)
    assert "第一行\n&lt;b&gt;第二行&lt;/b&gt;" in text
    assert case.number in text
    assert "臺北市" in text


def test_another_units_letter_looks_absent_whatever_one_does(sign_in: SignIn) -> None:
    case = make_case(unit_code="it", email="a@example.com")
    browser = sign_in(make_actor(Role.HEAD, "standards"))
    assert browser.get(f"/staff/cases/{case.id}").status_code == 404
    for act in ("topic", "assign", "transfer", "close", "contact", "reply"):
        assert post(browser, case, act, topic="ST-CNS", body="x").status_code == 404
    assert get_case(case.id).status is Status.RECEIVED


@pytest.mark.parametrize("number", [2**31, 2**63, 10**30, 0])
def test_a_number_that_no_letter_can_have_is_not_found(number: int, sign_in: SignIn) -> None:
    assert sign_in(make_actor()).get(f"/staff/cases/{number}").status_code == 404


def test_contact_data_are_masked_until_asked_for_and_asking_is_kept(sign_in: SignIn) -> None:
    handler = make_actor()
    case = make_case(unit_code="standards", name="陳大文", phone="0912-345-678", email="chen@example.com")
    browser = sign_in(handler)
    masked = page(browser, case)
    assert "陳○文" in masked
    assert "09xx-xxx-678" in masked
    assert "c***@example.com" in masked
    assert not any(secret in masked for secret in ("陳大文", "0912-345-678", "chen@example.com"))
    assert audited("case.contact_viewed") == []
    seen = post(browser, case, "contact")
    assert seen.status_code == 200
    assert all(shown in seen.text for shown in ("陳大文", "0912-345-678", "chen@example.com"))
    assert seen.headers["Cache-Control"] == "no-store"
    (event,) = audited("case.contact_viewed")
    assert (event.actor_id, event.object_id, event.detail) == (handler.id, case.number, {})


def test_looking_at_contact_data_by_get_is_not_possible(sign_in: SignIn) -> None:
    case = make_case(unit_code="standards", name="陳大文")
    assert sign_in(make_actor()).get(f"/staff/cases/{case.id}/contact").status_code == 405


@pytest.mark.parametrize(
    ("name", "shown"),
    [("王小明", "王○明"), ("王明", "王○"), ("歐陽小明", "歐○○明"), ("John Smith", "J***"), ("", "")],
)
def test_names_are_masked(name: str, shown: str) -> None:
    assert staff_words.mask_name(name) == shown


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("0912-345-678", "09xx-xxx-678"),
        ("02-2343-4567 轉 123", "02-xxxx-xxxx 轉 123"),
        ("123456", "xxxxxx"),
        ("", ""),
    ],
)
def test_phones_are_masked(phone: str, shown: str) -> None:
    assert staff_words.mask_phone(phone) == shown


def test_a_suggestion_says_how_sure_it_is_and_why(sign_in: SignIn) -> None:
    case = make_case()
    suggesting.record_suggestion(case.id, guess(), profile=profile(), now=NOW)
    text = page(sign_in(make_actor()), case)
    assert profile().topic_name("ST-CNS") in text
    assert "很有把握" in text
    assert "97%" in text
    assert "支持的字詞：國家標準" in text
    assert f"{profile().topic_name('PI-SCOPE')}（2%）" in text
    assert "模型 test" in text


def test_an_abstention_is_said_and_offers_no_one_press_confirmation(sign_in: SignIn) -> None:
    case = make_case()
    suggesting.record_suggestion(case.id, guess(abstained=True, probability=0.3), profile=profile(), now=NOW)
    text = page(sign_in(make_actor(Role.SECRETARIAT, "secretariat")), case)
    assert "系統不確定" in text
    assert "確認這個主題" not in text


def test_one_press_confirms_the_suggested_topic(sign_in: SignIn) -> None:
    handler = make_actor()
    case = make_case()
    suggesting.record_suggestion(case.id, guess(), profile=profile(), now=NOW)
    answer = post(sign_in(handler), case, "topic", topic="ST-CNS")
    assert (answer.status_code, answer.location) == (303, f"/staff/cases/{case.id}")
    kept = get_case(case.id)
    assert (kept.topic, kept.topic_confirmed_by) == ("ST-CNS", handler.id)


def test_a_corrected_topic_says_where_the_letter_went(sign_in: SignIn) -> None:
    case = make_case(unit_code="it")
    browser = sign_in(make_actor(unit_code="it"))
    answer = post(browser, case, "topic", topic="ST-CNS")
    assert (answer.status_code, answer.location) == (303, f"/staff/cases/{case.id}")
    assert "資訊室請標準組收件" in browser.get(answer.location).text


def test_a_letter_that_leaves_ones_sight_leads_to_the_inbox(sign_in: SignIn) -> None:
    """A handler of the ethics unit does not read what is restricted."""
    case = make_case(unit_code="ethics")
    answer = post(sign_in(make_actor(unit_code="ethics")), case, "topic", topic="IN-ETHIC")
    assert answer.location == "/staff/cases/"


def test_an_unknown_topic_is_refused_and_named(sign_in: SignIn) -> None:
    case = make_case(unit_code="standards")
    answer = post(sign_in(make_actor()), case, "topic", topic="NOTHING")
    assert answer.status_code == 422
    assert "從清單選擇主題" in answer.text
    assert get_case(case.id).topic is None


def test_a_head_gives_a_letter_to_somebody_of_the_unit(sign_in: SignIn) -> None:
    handler = make_actor(name="林怡君")
    case = make_case(unit_code="standards")
    browser = sign_in(make_actor(Role.HEAD))
    assert post(browser, case, "assign", handler=handler.id).status_code == 303
    kept = get_case(case.id)
    assert (kept.handler_id, kept.status) == (handler.id, Status.IN_PROGRESS)
    assert "指派給林怡君" in page(browser, kept)


@pytest.mark.parametrize("role", [Role.HANDLER, Role.ADMIN])
def test_only_those_who_lead_give_letters_away(role: Role, sign_in: SignIn) -> None:
    case = make_case(unit_code="standards")
    assert post(sign_in(make_actor(role)), case, "assign", handler=1).status_code == 403


@pytest.mark.parametrize("handler", ["", "0", "abc", "999999", "99999999999999999999"])
def test_a_letter_is_not_given_to_somebody_else(handler: str, sign_in: SignIn) -> None:
    case = make_case(unit_code="standards")
    answer = post(sign_in(make_actor(Role.HEAD)), case, "assign", handler=handler)
    assert answer.status_code == 422
    assert "請選擇本單位的同仁" in answer.text


def test_people_who_may_not_read_a_letter_are_not_offered_for_it(sign_in: SignIn) -> None:
    make_actor(Role.ADMIN, name="系統管理員甲")
    case = make_case(unit_code="standards")
    assert "系統管理員甲" not in page(sign_in(make_actor(Role.HEAD)), case)


def test_a_transfer_needs_a_reason_and_keeps_what_was_chosen(sign_in: SignIn) -> None:
    case = make_case(unit_code="standards")
    answer = post(sign_in(make_actor()), case, "transfer", unit=unit("it").id, reason="　")
    assert answer.status_code == 422
    assert "請寫下移轉的原因" in answer.text
    assert re.search(rf'<option selected value="{unit("it").id}">', answer.text)
    assert get_case(case.id).unit_id == unit("standards").id


@pytest.mark.parametrize("target", ["", "0", "abc", "99999999999999999999"])
def test_a_transfer_needs_another_unit_and_keeps_the_reason(target: str, sign_in: SignIn) -> None:
    case = make_case(unit_code="standards")
    answer = post(sign_in(make_actor()), case, "transfer", unit=target, reason="屬貴組業務")
    assert answer.status_code == 422
    assert "請選擇單位。" in answer.text
    assert "屬貴組業務" in answer.text


def test_a_transferred_letter_is_announced_and_its_reason_is_in_the_timeline(sign_in: SignIn) -> None:
    case = make_case(unit_code="standards")
    browser = sign_in(make_actor(name="周美玲"))
    answer = post(browser, case, "transfer", unit=unit("it").id, reason="問的是網站")
    assert (answer.status_code, answer.location) == (303, f"/staff/cases/{case.id}")
    assert "標準組請資訊室收件" in browser.get(answer.location).text
    receiver = sign_in(make_actor(unit_code="it", name="林怡君"))
    assert "同意收件" in page(receiver, case)
    post(receiver, case, "accept")
    text = page(receiver, case)
    assert "周美玲請資訊室收件" in text
    assert "林怡君收下，由資訊室辦理" in text
    assert "問的是網站" in text
    assert browser.get(f"/staff/cases/{case.id}").status_code == 404


def test_an_answer_is_sent_and_shown(sign_in: SignIn) -> None:
    case = make_case(unit_code="standards", email="chen@example.com")
    browser = sign_in(make_actor(Role.HEAD, name="周美玲"))
    assert post(browser, case, "reply", body="您好，可以線上閱覽。").status_code == 303
    text = page(browser, case)
    assert "您好，可以線上閱覽。" in text
    assert "周美玲" in text
    mail = db.session.scalars(sa.select(OutboxMessage).where(OutboxMessage.kind == "case.answered")).one()
    assert (mail.recipient, SITE in mail.body) == ("chen@example.com", True)


@pytest.mark.parametrize(
    "body", ["", "　\n ", "字" * 10001, "含有\x00控制字元"], ids=["empty", "blank", "long", "control"]
)
def test_an_answer_that_cannot_be_sent_stays_in_the_form(body: str, sign_in: SignIn) -> None:
    case = make_case(unit_code="standards")
    answer = post(sign_in(make_actor(Role.HEAD)), case, "reply", body=body)
    assert answer.status_code == 422
    assert 'id="error-summary"' in answer.text
    assert body.strip() in answer.text
    assert get_case(case.id).status is Status.RECEIVED


def test_two_people_answer_and_the_second_keeps_the_typed_words(sign_in: SignIn) -> None:
    case = answered_case(make_actor(name="先到的同仁"), body="先到的答復")
    answer = post(sign_in(make_actor()), case, "reply", body="後到但寫了很久")
    assert answer.status_code == 409
    assert "這封信已由同仁答復" in answer.text
    assert "先到的答復" in answer.text
    assert "先到的同仁" in answer.text
    assert "後到但寫了很久</textarea>" in answer.text
    assert "直接答復" not in answer.text


def test_words_typed_for_a_letter_that_went_elsewhere_are_not_lost(sign_in: SignIn) -> None:
    case = make_case(unit_code="it")
    answer = post(sign_in(make_actor()), case, "reply", body="寫了很久的答復")
    assert answer.status_code == 404
    assert "寫了很久的答復" in answer.text
    assert case.subject not in answer.text


@pytest.mark.parametrize(("act", "data"), [("topic", {"topic": "ST-CNS"}), ("close", {})])
def test_what_the_state_forbids_is_explained_on_the_letters_page(
    act: str, data: dict[str, str], sign_in: SignIn
) -> None:
    handler = make_actor()
    case = answered_case(handler)
    answering.close(case.id, by=handler, now=NOW)
    answer = post(sign_in(handler), case, act, **data)
    assert answer.status_code == 409
    assert "狀態已經改變" in answer.text
    assert case.number in answer.text


def test_an_answered_letter_is_closed_and_shows_its_rating(sign_in: SignIn) -> None:
    handler = make_actor()
    case = answered_case(handler)
    ratings.rate(case.id, score=4, comment="很清楚", profile=profile(), now=NOW)
    browser = sign_in(handler)
    assert post(browser, case, "close").status_code == 303
    text = page(browser, case)
    assert "已結案" in text
    assert "來信人評為「滿意」（4 分）" in text
    assert "很清楚" in text


def test_the_timeline_names_everybody(sign_in: SignIn) -> None:
    head, handler = make_actor(Role.HEAD, name="黃主管"), make_actor(name="林怡君")
    case = make_case()
    suggesting.record_suggestion(case.id, guess(), profile=profile(), now=NOW)
    sorting.confirm_topic(case.id, topic="ST-CNS", by=head, profile=profile(), now=NOW)
    routing.assign(case.id, handler_id=handler.id, by=head, now=NOW)
    answering.answer(case.id, body="答", by=handler, profile=unsigned(), site_url=SITE, now=NOW)
    answering.close(case.id, by=handler, now=NOW)
    text = page(sign_in(handler), case)
    for step in (
        "收到來信（網站）",
        "系統建議主題",
        "黃主管確認主題",
        "黃主管指派給林怡君",
        "林怡君發文答復",
        "林怡君結案",
    ):
        assert step in text


def test_an_answer_is_said_to_be_queued_and_not_to_have_left(sign_in: SignIn) -> None:
    handler = make_actor()
    text = page(sign_in(handler), answered_case(handler, email="a@example.com"))
    assert "電子郵件已排入寄送" in text
    assert "已寄" not in text


def test_pages_name_no_one_agencys_offices(sign_in: SignIn) -> None:
    ethics = make_actor(Role.ETHICS, "ethics", name="陳小華")
    case = make_case(hint="IN-ETHIC")
    browser = sign_in(ethics)
    for text in (page(browser, case), browser.get("/staff/cases/").text):
        assert "限閱" in text
        assert "限政風" not in text


def test_a_restricted_letter_is_read_by_ethics_only(sign_in: SignIn) -> None:
    case = make_case(hint="IN-ETHIC")
    assert sign_in(make_actor(Role.ETHICS, "ethics")).get(f"/staff/cases/{case.id}").status_code == 200
    for person in (make_actor(Role.SECRETARIAT, "secretariat"), make_actor(Role.HEAD, "ethics")):
        assert sign_in(person).get(f"/staff/cases/{case.id}").status_code == 404


@pytest.mark.parametrize(
    ("due_in", "words", "tone"),
    [
        (timedelta(days=10), "剩 9 天", "neutral"),
        (timedelta(days=2), "剩 1 天", "warning"),
        (timedelta(hours=13, minutes=30), "今天到期", "warning"),
        (timedelta(minutes=-1), "今天逾期", "danger"),
        (timedelta(days=-3), "逾期 3 天", "danger"),
    ],
)
def test_days_left_are_counted_to_the_last_day(due_in: timedelta, words: str, tone: str) -> None:
    midnight = NOW.replace(hour=0, minute=0)
    due_at = midnight + due_in if due_in > timedelta(days=1) else NOW + due_in
    due = staff_words.due(Case(due_at=due_at, answered_at=None), NOW)
    assert (due.text, due.tone) == (words, tone)


def test_masking_never_shows_an_empty_contact_as_something() -> None:
    assert staff_words.masked(Contact(name="", phone="", email="")) == {"name": "", "phone": "", "email": ""}
