"""Who asked before, about the same matter, and had an answer: ground 2 is offered, never taken."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from feedback import queries, repeats
from feedback.models import Case
from feedback.services.neighbours import record_neighbours
from feedback.states import Status
from portal.access import Actor
from portal.db import transaction
from tests.factories import NOW, answered_case, get_case, make_actor, make_case

SignIn = Callable[[Actor], FlaskClient]

pytestmark = pytest.mark.usefixtures("ctx")

EMAIL, PHONE = "chen@example.com", "0912-345-678"
SAME = {"unit_code": "standards", "email": EMAIL, "phone": PHONE}


def again(earlier: Case, *, likeness: float = 0.8, **values: str) -> Case:
    case = make_case(received=NOW, **(SAME | values))
    record_neighbours(case.id, [(earlier.id, likeness)], now=NOW)
    return case


def found(case: Case) -> Case | None:
    reader = make_actor()
    whole = queries.full(reader, case.id)
    assert whole is not None
    return repeats.answered_before(whole, queries.neighbours(reader, case.id))


@pytest.fixture
def answered() -> Case:
    received, at = NOW - timedelta(days=9), NOW - timedelta(days=3)
    return answered_case(make_actor(), received=received, at=at, email=EMAIL, phone=PHONE)


@pytest.mark.parametrize(
    "values",
    [{}, {"email": "CHEN@example.com", "phone": ""}, {"email": "", "phone": "0912 345 678"}],
    ids=["both", "email", "phone"],
)
def test_the_same_writer_about_the_same_matter_is_found(answered: Case, values: dict[str, str]) -> None:
    earlier = found(again(answered, **values))
    assert earlier is not None
    assert earlier.id == answered.id


def test_ground_two_is_offered_and_the_letter_stays_open(answered: Case, sign_in: SignIn) -> None:
    case = again(answered)
    page = sign_in(make_actor()).get(f"/staff/cases/{case.id}").text
    assert "行政程序法第173條第2款" in page
    assert get_case(case.id).status is Status.RECEIVED


@pytest.mark.parametrize(
    "values",
    [
        {"email": "lin@example.com", "phone": ""},
        {"email": "", "phone": "", "name": "陳大文"},
        {"likeness": 0.5},
    ],
    ids=["somebody else", "a name alone", "another matter"],
)
def test_it_is_not_offered_otherwise(answered: Case, values: dict[str, Any]) -> None:
    assert found(again(answered, **values)) is None


def test_it_is_not_offered_before_there_was_an_answer() -> None:
    assert found(again(make_case(**SAME))) is None


def test_a_protected_writer_is_not_compared(answered: Case) -> None:
    case = again(answered)
    with transaction() as session:
        session.get_one(Case, case.id).confidential = True
    assert found(case) is None
