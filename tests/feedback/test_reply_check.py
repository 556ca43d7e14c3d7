"""What a draft answer is told before it leaves, and that it may leave all the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from feedback.models import Method
from feedback.reply_check import findings
from feedback.services import answering
from portal.access import Actor, Role
from portal.app import profile
from portal.profile import ReplyCheck
from tests.factories import NOW, make_actor, make_case

SignIn = Callable[[Actor], FlaskClient]
RULES = ReplyCheck(hollow=("列入參考",), jargon={"台端": "您"})
GOOD = (
    "您好，您反映的磅秤已在十一月二十日檢查，誤差在容許範圍內，所以沒有處罰店家。"
    "依度量衡法第16條，使用中的磅秤每年檢定一次。還有疑問時，請撥 04-2261-2161 找承辦人林小姐。"
)


def test_an_answer_that_is_clear_founded_and_friendly_has_no_findings() -> None:
    assert findings(GOOD, RULES) == []


@pytest.mark.parametrize(
    ("text", "about"),
    [
        (GOOD.replace("林小姐", "{承辦人}"), "沒填的地方：{承辦人}"),
        (GOOD + "您的身分證字號 A123456789 已登記。", "身分證"),
        (GOOD + "您的意見將列入參考。", "「列入參考」沒有說明結果"),
        ("請撥 04-2261-2161。依度量衡法第16條辦理。", "個字"),
        (GOOD.replace("依度量衡法第16條，", ""), "沒有寫依據"),
        (GOOD.partition("還有疑問時")[0], "可以找誰"),
        (GOOD + "台端可以放心。", "「台端」可以改成「您」"),
        (GOOD + "另外" + "，我們也檢查了旁邊的攤位" * 12 + "。", "分成幾句"),
    ],
    ids=["field", "personal", "hollow", "short", "law", "whom", "jargon", "long"],
)
def test_what_is_amiss_is_named(text: str, about: str) -> None:
    assert any(about in finding for finding in findings(text, RULES)), findings(text, RULES)


def test_the_offices_own_telephone_and_name_are_no_personal_data() -> None:
    assert findings(GOOD + "承辦人：王大明，信箱 wang@bsmi.example。", RULES) == []


def test_writer_and_chief_see_the_findings_and_may_go_on(ctx: Flask, sign_in: SignIn) -> None:
    case, head = make_case(unit_code="standards"), make_actor(Role.HEAD)
    writer = make_actor()
    answering.save_draft(case.id, body="您的意見將列入參考。", method=Method.WRITTEN, by=writer, now=NOW)
    assert "沒有說明結果" in sign_in(writer).get(f"/staff/cases/{case.id}").text
    answering.submit(case.id, body="您的意見將列入參考。", method=Method.WRITTEN, by=writer, now=NOW)
    chief = sign_in(head)
    assert "沒有說明結果" in chief.get(f"/staff/cases/{case.id}").text
    assert chief.post(f"/staff/cases/{case.id}/approve").status_code == 303


@pytest.mark.usefixtures("ctx")
def test_the_agency_names_its_own_hollow_phrases_and_jargon() -> None:
    rules = profile().answering.check
    assert "列入參考" in rules.hollow
    assert rules.jargon["台端"] == "您"
