"""The pages of personal-data requests and of disposal: forms that refuse, receipts, who is shown what."""

from __future__ import annotations

import html
import io
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from feedback.retention import plans
from feedback.rights.models import DataRequest, RightKind
from feedback.secrets import new_key
from portal.access import Actor, Role
from portal.audit import AuditEvent
from portal.clock import utcnow
from portal.db import db
from portal.log import JsonLine
from tests.factories import NOW, make_actor, make_case
from tests.feedback.browsing import SECRET
from tests.feedback.data_rights import WHO, asked, contact_of, decide, found, letter_of, secretary
from tests.feedback.test_retention import AFTER, closed, with_rule

SignIn = Callable[[Actor], FlaskClient]
FORM = "/privacy/request"
DESK = "/staff/data-requests"
PLANS = "/staff/retention"


@pytest.fixture(autouse=True)
def _clock(ctx: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("feedback.rights.pages", "feedback.rights.desk"):
        monkeypatch.setattr(f"{module}.utcnow", lambda: NOW)


def send(client: FlaskClient, **values: str) -> TestResponse:
    form = {"kind": "view", "tell_by": "page", "submission_key": new_key()}
    return client.post(FORM, data=form | values)


def requests() -> list[DataRequest]:
    return list(db.session.scalars(sa.select(DataRequest).order_by(DataRequest.id)))


def follow(client: FlaskClient, number: str, secret: str) -> TestResponse:
    return client.post(f"{FORM}/follow", data={"number": number, "secret": secret})


def text(answer: TestResponse) -> str:
    return html.unescape(answer.text)


# The citizen


def test_the_privacy_page_and_a_letters_page_lead_to_the_form(client: FlaskClient) -> None:
    case = make_case(secret=SECRET)
    assert f'href="{FORM}"' in client.get("/privacy").text
    client.post("/feedback/track", data={"number": case.number, "secret": SECRET})
    page = client.get(f"/feedback/track/{case.number}").text
    assert f'href="{FORM}?number={case.number}"' in page
    assert f'value="{case.number}"' in client.get(f"{FORM}?number={case.number}").text


def test_a_request_leads_to_its_receipt_and_the_secret_to_its_page(client: FlaskClient) -> None:
    case = letter_of(secret=SECRET)
    assert send(client, number=case.number, secret=SECRET.lower()).status_code == 303
    receipt = client.get(f"{FORM}/receipt")
    assert "115年12月8日" in receipt.text
    assert receipt.headers["Cache-Control"] == "no-store"
    number, secret = re.findall(r'class="code">(.*?)</dd>', receipt.text)
    (kept,) = requests()
    assert (number, kept.case_id, kept.verified_at) == (kept.number, case.id, NOW)
    answer = follow(client, kept.serial, re.sub(r"<[^>]+>", "", secret))
    assert answer.status_code == 303
    page = client.get(answer.location)
    assert "辦理中" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    client.post(f"{FORM}/receipt/clear")
    assert number not in client.get(f"{FORM}/receipt").text


def test_a_wrong_secret_is_refused_and_what_was_typed_stays(client: FlaskClient) -> None:
    case = letter_of(secret=SECRET)
    answer = send(client, number=case.number, secret="0" * 12, wish="請刪除我的電話")
    assert answer.status_code == 422
    assert "對不起來" in answer.text
    assert "請刪除我的電話" in answer.text
    assert requests() == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": ""}, "哪一項權利"),
        ({"kind": "everything"}, "哪一項權利"),
        ({"tell_by": "pigeon"}, "通知的方式"),
        ({"tell_by": "email", "name": "王小明", "phone": "02-12345678"}, "請填電子郵件"),
        ({"tell_by": "phone", "name": "王小明", "email": "a@example.com"}, "請填電話"),
        ({"name": "", "email": "a@example.com"}, "請留下姓名"),
        ({"name": "王小明"}, "電子郵件或電話其中一項"),
        ({"name": "王\n小明", "phone": "02-12345678"}, "寫成一行"),
        ({"name": "王" * 81, "phone": "02-12345678"}, "最長 80"),
        ({"email": "not an address", "name": "王小明"}, "格式不對"),
        ({"phone": "<script>", "name": "王小明"}, "電話只能有"),
        ({"number": "abc", "name": "王小明", "phone": "02-12345678"}, "案件編號的格式不對"),
        ({"number": "", "secret": SECRET}, "也請填案件編號"),
        ({"wish": "字" * 2001, "name": "王小明", "phone": "02-12345678"}, "最長 2,000"),
        ({"wish": "壞\x00字", "name": "王小明", "phone": "02-12345678"}, "控制字元"),
        ({"kind": "correct", "name": "王小明", "phone": "02-12345678"}, "要更正什麼"),
        ({"kind": "correct", "new_email": "x", "name": "王小明", "phone": "02-12345678"}, "格式不對"),
        ({"website": "http://spam", "name": "王小明", "phone": "02-12345678"}, "空白"),
    ],
)
def test_a_form_that_is_not_in_order_is_given_back(
    values: dict[str, str], message: str, client: FlaskClient
) -> None:
    answer = send(client, **values)
    assert answer.status_code == 422
    assert message in text(answer)
    assert requests() == []


def test_whoever_has_no_secret_asks_with_a_name(client: FlaskClient) -> None:
    send(client, number="１１５-000001", name="王小明", phone="02-1234-5678", kind="delete")
    (kept,) = requests()
    assert (kept.verified_at, kept.case_id, kept.claimed_number) == (None, None, "115-000001")
    assert "先和您聯絡" in client.get(f"{FORM}/receipt").text


def test_nobody_follows_a_request_without_its_secret(client: FlaskClient) -> None:
    request = decide(asked(case=letter_of()))
    assert follow(client, request.number, "0" * 12).status_code == 422
    for path, method in (("", "GET"), ("/disclosure", "POST"), ("/disclosure.json", "POST")):
        answer = client.open(f"{FORM}/{request.serial}{path}", method=method)
        assert answer.status_code in {302, 303}
        assert WHO["email"] not in answer.text
    assert client.get(f"{FORM}/no-such-number").status_code == 302


def opened(client: FlaskClient, request: DataRequest) -> None:
    """As if the requester had shown the secret."""
    with client.session_transaction() as cookie:
        cookie["opened_requests"] = {request.number: (utcnow() + timedelta(minutes=20)).timestamp()}


def test_the_requester_reads_and_downloads_what_is_held(client: FlaskClient) -> None:
    case = letter_of()
    request = decide(asked(case=case))
    opened(client, request)
    page = client.post(f"{FORM}/{request.serial}/disclosure")
    answer = client.post(f"{FORM}/{request.serial}/disclosure.json")
    for shown in (text(page), answer.text):
        assert all(value in shown for value in (*WHO.values(), case.body, case.number))
    assert json.loads(answer.data)["請求編號"] == request.number
    assert f"data-request-{request.serial}.json" in answer.headers["Content-Disposition"]
    trail = db.session.scalars(
        sa.select(AuditEvent).where(AuditEvent.action == "data_request.disclosed")
    ).all()
    assert [event.detail["form"] for event in trail] == ["page", "json"]
    assert page.headers["Cache-Control"] == answer.headers["Cache-Control"] == "no-store"


def test_before_a_decision_and_after_thirty_days_nothing_is_shown(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, granted = asked(case=letter_of()), decide(asked(case=letter_of()))
    monkeypatch.setattr("feedback.rights.pages.utcnow", lambda: NOW + timedelta(days=31))
    for request in (waiting, granted):
        with client.session_transaction() as cookie:
            cookie["opened_requests"] = {request.number: (NOW + timedelta(days=40)).timestamp()}
        assert client.post(f"{FORM}/{request.serial}/disclosure").status_code == 303
        assert "下載 JSON" not in client.get(f"{FORM}/{request.serial}").text


def test_leaving_forgets_requests_too(client: FlaskClient) -> None:
    request = asked(case=letter_of())
    opened(client, request)
    client.post("/feedback/track/leave")
    assert client.get(f"{FORM}/{request.serial}").status_code == 302


# Staff


def act(browser: FlaskClient, request: DataRequest, what: str, **values: Any) -> TestResponse:
    return browser.post(f"{DESK}/{request.id}/{what}", data=values)


def test_contact_data_are_masked_until_somebody_asks_which_is_kept(sign_in: SignIn) -> None:
    browser = sign_in(secretary())
    request = asked(RightKind.CORRECT, letter_of(), wanted={"email": "new@example.com"}, **WHO)
    page = browser.get(f"{DESK}/{request.id}").text
    assert not any(value in page for value in (*WHO.values(), "new@example.com"))
    shown = act(browser, request, "contact").text
    assert all(value in shown for value in (*WHO.values(), "new@example.com"))
    actions = db.session.scalars(sa.select(AuditEvent.action)).all()
    assert "data_request.contact_viewed" in actions


def test_a_request_goes_its_way_on_the_desk(sign_in: SignIn) -> None:
    case, browser = letter_of(), sign_in(secretary())
    request = asked(RightKind.DELETE, case_number=case.number, name="王小明", phone="02-1234-5678")
    assert request.number in browser.get(f"{DESK}/").text
    assert act(browser, request, "verify", note="到場出示證件", certain="y").status_code == 303
    assert act(browser, request, "extend", why="需要彙整").status_code == 303
    assert WHO["email"] in act(browser, request, "preview").text
    assert act(browser, request, "decide", result="granted").status_code == 303
    page = browser.get(f"{DESK}/{request.id}").text
    assert "檔案法第12條" in page
    assert "作成決定</h2>" not in page
    assert contact_of(case) == {}


@pytest.mark.parametrize(
    ("what", "values", "message"),
    [
        ("verify", {"note": "到場"}, "再勾選"),
        ("verify", {"certain": "y"}, "怎麼確認"),
        ("verify", {"certain": "y", "note": "到場", "number": "115-999999"}, "找不到這個案件編號"),
        ("extend", {"why": "  "}, "延長的原因"),
        ("extend", {"why": "字" * 2001}, "最長 2,000"),
        ("decide", {}, "請選擇決定"),
        ("decide", {"result": "maybe"}, "請選擇決定"),
        ("decide", {"result": "refused", "reason": "不行"}, "請選擇法律依據"),
        ("decide", {"result": "refused", "ground": "identity"}, "請寫下理由"),
        ("decide", {"result": "granted"}, "請先核對身分"),
        ("decide", {"result": "refused", "ground": "x", "reason": "壞\x00字"}, "控制字元"),
    ],
)
def test_an_act_that_is_not_in_order_is_given_back(
    what: str, values: dict[str, str], message: str, sign_in: SignIn
) -> None:
    request = asked(name="王小明", phone="02-1234-5678")
    before = {column.key: getattr(request, column.key) for column in sa.inspect(DataRequest).columns}
    answer = act(sign_in(secretary()), request, what, **values)
    assert answer.status_code == 422
    assert message in text(answer)
    after = found(request.number)
    assert {name: getattr(after, name) for name in before} == before


def test_who_comes_second_is_told_so(sign_in: SignIn) -> None:
    request = asked(case=letter_of())
    decide(request)
    answer = act(sign_in(secretary()), request, "decide", result="refused", ground="identity", reason="x")
    assert answer.status_code == 409
    assert "已由同仁作成決定" in answer.text


@pytest.mark.parametrize(
    ("role", "unit_code"), [(Role.SECRETARIAT, "secretariat"), (Role.ETHICS, "standards")]
)
def test_a_restricted_letters_request_looks_absent(role: Role, unit_code: str, sign_in: SignIn) -> None:
    request = asked(case=letter_of(hint="IN-ETHIC"), wish="祕密")
    browser = sign_in(make_actor(role, unit_code))
    assert request.number not in browser.get(f"{DESK}/").text
    assert browser.get(f"{DESK}/{request.id}").status_code == 404
    for what in ("contact", "preview", "verify", "extend", "decide"):
        answer = act(browser, request, what, note="x", certain="y", why="x", result="granted")
        assert answer.status_code == 404


def test_nothing_that_was_typed_is_logged(
    client: FlaskClient, sign_in: SignIn, caplog: pytest.LogCaptureFixture
) -> None:
    case = letter_of(secret=SECRET)
    send(client, number=case.number, secret=SECRET, wish="私密的說明", **WHO)
    act(sign_in(secretary()), requests()[0], "decide", result="granted")
    out = io.StringIO()
    for line in caplog.records:
        out.write(JsonLine().format(line))
    assert not any(value in out.getvalue() for value in (*WHO.values(), SECRET, "私密"))


# Disposal


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch, ctx: Flask) -> None:
    monkeypatch.setitem(ctx.extensions, "profile", with_rule())
    monkeypatch.setattr("feedback.retention.desk.utcnow", lambda: AFTER)


def test_a_plan_goes_from_one_person_to_another(far: None, sign_in: SignIn) -> None:
    case = closed()
    maker, other = sign_in(secretary()), sign_in(secretary())
    answer = maker.post(f"{PLANS}/")
    assert answer.status_code == 303
    page = maker.get(answer.location).text
    assert case.number in page
    assert "要由另一位同仁核准" in page
    assert maker.post(f"{answer.location}/approve", data={"reference": "檔徵字第1號"}).status_code == 422
    assert other.post(f"{answer.location}/approve", data={"reference": " "}).status_code == 422
    assert other.post(f"{answer.location}/approve", data={"reference": "檔徵字第1號"}).status_code == 303
    assert "retention carry-out" in other.get(answer.location).text
    assert other.post(f"{answer.location}/withdraw").status_code == 409
    catalogue = other.post(f"{answer.location}/catalogue.csv")
    assert case.number in catalogue.get_data(as_text=True)
    assert catalogue.mimetype == "text/csv"


def test_taking_out_wants_a_number_of_the_plan(far: None, sign_in: SignIn) -> None:
    closed()
    browser = sign_in(secretary())
    place = browser.post(f"{PLANS}/").location
    for number, message in (("", "請輸入案件編號"), ("abc", "格式不對"), ("115-999999", "沒有這個案件編號")):
        answer = browser.post(f"{place}/take-out", data={"number": number})
        assert answer.status_code == 422
        assert message in text(answer)


def test_without_a_retention_there_is_nothing_to_propose(sign_in: SignIn) -> None:
    closed()
    browser = sign_in(secretary())
    page = browser.get(f"{PLANS}/").text
    assert "不會銷毀任何信件" in page
    assert "擬銷毀計畫</button>" not in page
    assert browser.post(f"{PLANS}/").status_code == 422


def test_a_plan_of_restricted_letters_looks_absent_to_the_secretariat(far: None, sign_in: SignIn) -> None:
    hidden = closed(hint="IN-ETHIC")
    ethics = make_actor(Role.ETHICS, "ethics")
    plan = plans.propose(by=ethics, profile=with_rule(), now=AFTER)
    browser = sign_in(secretary())
    assert plan.number not in browser.get(f"{PLANS}/").text
    assert browser.get(f"{PLANS}/{plan.id}").status_code == 404
    assert browser.post(f"{PLANS}/{plan.id}/catalogue.csv").status_code == 404
    assert hidden.number in sign_in(ethics).get(f"{PLANS}/{plan.id}").text
