"""What comes first for a person: dangers, offered letters, drafts to sign or to change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from feedback import waiting
from feedback.models import Method
from feedback.services import answering, routing
from portal.access import Actor, Role
from tests.factories import NOW, make_actor, make_case, unit

SignIn = Callable[[Actor], FlaskClient]

REASON = "度量衡業務由第四組主辦。"

pytestmark = pytest.mark.usefixtures("ctx")


def counts(actor: Actor) -> dict[str, int]:
    return {todo.label: todo.count for todo in waiting.todos(actor, NOW)}


def test_urgent_letters_come_first_the_soonest_due_on_top() -> None:
    later = make_case(unit_code="standards", urgent=True, due_at=NOW + timedelta(days=2))
    sooner = make_case(unit_code="standards", urgent=True, due_at=NOW + timedelta(days=1))
    make_case(unit_code="standards")
    make_case(unit_code="metrology-tech", urgent=True)
    assert [case.id for case in waiting.first(make_actor(), urgent=2).urgent] == [sooner.id, later.id]


def test_an_urgent_letter_names_its_words_on_top_of_every_view_of_the_inbox(sign_in: SignIn) -> None:
    make_case(unit_code="standards", body="延長線起火，家人觸電受傷。", urgent=True)
    client = sign_in(make_actor())
    for state in ("open", "answered", "all"):
        page = client.get(f"/staff/cases/?state={state}").get_data(as_text=True)
        assert "緊急，請當日處理" in page
        assert "信中有：" in page
        assert "起火" in page.partition("<table")[0].partition("請當日處理")[2]


def test_a_letter_that_another_unit_offers_is_shown_with_the_reason_until_it_is_decided() -> None:
    case = make_case(unit_code="standards")
    receiver = make_actor(unit_code="metrology-tech")
    routing.transfer(
        case.id,
        unit_id=unit("metrology-tech").id,
        reason="度量衡業務由第四組主辦。",
        by=make_actor(),
        now=NOW,
    )
    assert [offer.reason for offer in waiting.first(receiver, urgent=0).offered] == [REASON]
    assert counts(receiver)["請我們收件"] == 1
    routing.accept(case.id, by=receiver, now=NOW)
    assert waiting.first(receiver, urgent=0).offered == []


def test_a_draft_waits_for_the_head_then_for_its_author_when_it_came_back() -> None:
    head = make_actor(Role.HEAD)
    case, author = make_case(unit_code="standards"), make_actor()
    answering.submit(case.id, body="答復稿", method=Method.WRITTEN, by=author, now=NOW)
    assert counts(head)["等我核判"] == 1
    assert "等我核判" not in counts(author)
    answering.send_back(case.id, comment="請補上法規依據。", by=head, now=NOW)
    assert "等我核判" not in counts(head)
    assert counts(author)["退回我修改"] == 1
    answering.submit(case.id, body="答復稿，補上依據", method=Method.WRITTEN, by=author, now=NOW)
    assert "退回我修改" not in counts(author)


def test_nothing_waits_for_those_who_read_no_letters() -> None:
    make_case(urgent=True)
    assert waiting.todos(make_actor(Role.ADMIN, "it"), NOW) == []
