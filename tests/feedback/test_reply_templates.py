"""Texts to begin with: which fit, what is filled in, and that nothing written is lost to them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from pydantic import ValidationError

from feedback import queries, reply_templates
from feedback.models import Case, Method
from feedback.reply_check import findings
from feedback.services import answering
from feedback.states import Act
from portal.access import Actor
from portal.app import profile
from portal.db import transaction
from portal.profile import ReplyTemplate
from tests.factories import NOW, get_case, make_actor, make_case

SignIn = Callable[[Actor], FlaskClient]

pytestmark = pytest.mark.usefixtures("ctx")


def titles(case: Case, kind: str = "answer") -> list[str]:
    return [template.title for _, template in reply_templates.fitting(case, profile(), kind)]


def place_of(title: str) -> int:
    return [template.title for template in profile().reply_templates].index(title)


def about(topic: str | None, **values: str) -> Case:
    case = make_case(unit_code="standards", **values)
    with transaction() as session:
        session.get_one(Case, case.id).likely_topic = topic
    return get_case(case.id)


def test_the_topics_own_templates_come_before_those_for_all() -> None:
    assert titles(about("PS-MARKET")) == ["違規商品查處情形", "一般答復"]
    assert titles(about(None)) == ["一般答復"]


def test_an_english_letter_is_offered_english_texts() -> None:
    case = about(None, subject="Scales", body="The scales at the night market seem to be wrong. " * 3)
    assert case.language == "en"
    assert titles(case) == ["General answer"]


def test_every_kind_of_template_belongs_to_an_act_and_has_a_text() -> None:
    kinds = {template.kind for template in profile().reply_templates}
    assert kinds == set(reply_templates.KINDS.values())


def test_fields_are_filled_in_and_what_is_left_is_found_before_sending() -> None:
    writer = make_actor(name="林怡君")
    case = queries.full(writer, about("PS-MARKET").id)
    assert case is not None
    template = reply_templates.chosen(case, profile(), place_of("違規商品查處情形"))
    assert template is not None
    text = reply_templates.filled(template, case, profile(), writer)
    assert case.subject in text
    assert "林怡君" in text
    assert not re.search(r"[{}]", text)
    assert any("沒填" in finding for finding in findings(text, profile().answering.check))


def test_a_chosen_template_stands_in_the_form_but_never_over_a_draft(sign_in: SignIn) -> None:
    case, writer = about(None), make_actor()
    address = f"/staff/cases/{case.id}?template={place_of('一般答復')}"
    browser = sign_in(writer)
    assert "答復如下。" in browser.get(address).text
    answering.save_draft(case.id, body="自己寫的答復", method=Method.WRITTEN, by=writer, now=NOW)
    page = browser.get(address).text
    assert "自己寫的答復" in page
    assert "答復如下。" not in page


@pytest.mark.parametrize("place", ["-1", "999", "x", "9" * 30])
def test_an_unknown_template_is_passed_over(sign_in: SignIn, place: str) -> None:
    answer = sign_in(make_actor()).get(f"/staff/cases/{about(None).id}?template={place}")
    assert answer.status_code == 200


def test_a_template_of_another_topic_is_not_taken() -> None:
    assert reply_templates.chosen(about("ST-CNS"), profile(), place_of("違規商品查處情形")) is None


def test_a_template_with_an_unknown_field_is_refused_with_its_name() -> None:
    with pytest.raises(ValidationError, match=r"不認得的欄位 \{天氣\}"):
        ReplyTemplate(title="一般", body="{天氣}")


def test_each_act_with_a_template_names_the_field_it_fills() -> None:
    assert set(reply_templates.KINDS) >= {Act.SUBMIT, Act.INTERIM, Act.ASK_CITIZEN, Act.EXTEND, Act.DECLINE}
