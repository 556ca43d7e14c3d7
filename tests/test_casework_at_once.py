"""Two hundred people at once on the same letters: each thing happens once, and everybody else is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import cycle

import pytest
import sqlalchemy as sa
from flask import Flask

from feedback.models import Case, CaseEvent, EventKind, Outcome, Reply, TopicLabel, Transfer
from feedback.services import answering, routing, sorting
from feedback.states import NotAllowed, Status
from portal.access import Actor
from portal.app import profile
from portal.db import db
from portal.errors import DomainError
from portal.outbox import OutboxMessage
from tests.factories import NOW, SITE, make_actor, make_case, unit, unsigned
from tests.test_concurrency import at_once, real

__all__ = ["real"]  # the fixture

LETTERS, PEOPLE = 5, 40
TOPICS = ("ST-CNS", "ST-MARK")
TARGETS = ("it", "legal", "metrology-tech")


@pytest.fixture
def people(real: Flask) -> list[Actor]:
    return [make_actor() for _ in range(PEOPLE)]


@pytest.fixture
def letters(real: Flask) -> list[Case]:
    return [make_case(unit_code="standards", email="chen@example.com") for _ in range(LETTERS)]


def confirm(case: Case, by: Actor, number: int) -> object:
    topic = TOPICS[number % len(TOPICS)]
    return sorting.confirm_topic(case.id, topic=topic, by=by, profile=profile(), now=NOW, first=True)


def transfer(case: Case, by: Actor, number: int) -> object:
    target = unit(TARGETS[number % len(TARGETS)])
    return routing.transfer(case.id, unit_id=target.id, reason=f"第 {number} 位", by=by, now=NOW)


def reply(case: Case, by: Actor, number: int) -> object:
    return answering.answer(
        case.id, body=f"第 {number} 份答復", by=by, profile=unsigned(), site_url=SITE, now=NOW
    )


Deed = Callable[[Case, Actor, int], object]


def everybody(app: Flask, letters: list[Case], people: list[Actor], *deeds: Deed) -> list[object]:
    """Every person tries every letter at the same moment, the deeds taking turns."""
    numbered = [(case, by, number) for case in letters for number, by in enumerate(people)]
    acts = [partial(deed, *one) for deed, one in zip(cycle(deeds), numbered, strict=False)]
    found = at_once(app, acts)
    db.session.rollback()
    return found


def per_letter(model: type[Reply | Transfer | TopicLabel | CaseEvent], *where: object) -> Counter[int]:
    return Counter(db.session.scalars(sa.select(model.case_id).where(*where)))


def test_of_200_confirmations_of_five_letters_five_count(
    real: Flask, letters: list[Case], people: list[Actor]
) -> None:
    found = everybody(real, letters, people, confirm)
    assert Counter(map(type, found)) == {Case: LETTERS, sorting.AlreadyConfirmed: LETTERS * (PEOPLE - 1)}
    assert per_letter(TopicLabel) == {case.id: 1 for case in letters}
    confirmed = per_letter(CaseEvent, CaseEvent.kind == EventKind.TOPIC_CONFIRMED)
    assert confirmed == {case.id: 1 for case in letters}


def test_of_200_transfers_of_five_letters_five_wait_for_an_answer(
    real: Flask, letters: list[Case], people: list[Actor]
) -> None:
    found = everybody(real, letters, people, transfer)
    assert Counter(map(type, found)) == {Case: LETTERS, NotAllowed: LETTERS * (PEOPLE - 1)}
    assert per_letter(Transfer, Transfer.outcome == Outcome.PENDING) == {case.id: 1 for case in letters}
    assert per_letter(Transfer) == {case.id: 1 for case in letters}


def test_of_200_replies_to_five_letters_five_are_sent(
    real: Flask, letters: list[Case], people: list[Actor]
) -> None:
    found = everybody(real, letters, people, reply)
    assert Counter(map(type, found)) == {
        Case: LETTERS,
        answering.AlreadyAnswered: LETTERS * (PEOPLE - 1),
    }
    assert per_letter(Reply) == {case.id: 1 for case in letters}
    mails = db.session.scalars(sa.select(OutboxMessage).where(OutboxMessage.kind == "case.answered")).all()
    assert len(mails) == LETTERS


def test_of_transfers_and_replies_at_once_one_is_done_to_each_letter(
    real: Flask, letters: list[Case], people: list[Actor]
) -> None:
    found = everybody(real, letters, people, transfer, reply)
    assert sum(not isinstance(item, DomainError) for item in found) == LETTERS
    assert per_letter(Transfer) + per_letter(Reply) == {case.id: 1 for case in letters}
    ended = db.session.scalars(sa.select(Case.status)).all()
    assert set(ended) <= {Status.TRANSFERRING, Status.ANSWERED}
