"""Reminders before and after a deadline: to whom, once, and without the citizen's words."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from feedback.jobs import remind_overdue
from feedback.models import Case
from feedback.services import importing, routing
from feedback.services.importing import Row
from portal.access import Role
from portal.accounts.models import User
from portal.app import profile
from portal.clock import TAIPEI
from portal.db import db, transaction
from portal.outbox import OutboxMessage
from portal.units import Unit
from tests.factories import NOW, answered_case, make_actor, make_case, unit

LATE, SOON, FAR = NOW - timedelta(hours=1), NOW + timedelta(days=1), NOW + timedelta(days=20)


@pytest.fixture(autouse=True)
def _database(ctx: Flask) -> None:
    pass


def mails() -> list[tuple[str, str, str]]:
    """(kind, number, recipient) of every reminder."""
    rows = db.session.scalars(
        sa.select(OutboxMessage)
        .where(OutboxMessage.kind.in_(("case.overdue", "case.due_soon")))
        .order_by(OutboxMessage.id)
    )
    return [(row.kind, row.ref.partition("/")[0], row.recipient) for row in rows]


def assigned(due_at: datetime, email: str, **values: str) -> Case:
    handler = make_actor(email=email, unit_code="standards")
    case = make_case(unit_code="standards", due_at=due_at, **values)
    routing.assign(case.id, handler_id=handler.id, by=make_actor(Role.HEAD), now=NOW)
    return case


def test_the_handler_is_reminded_once_before_and_once_after_the_deadline() -> None:
    case = assigned(SOON, "handler@example.test")
    assert remind_overdue(NOW) == 1
    assert remind_overdue(NOW) == 0
    assert remind_overdue(NOW + timedelta(days=2)) == 1
    assert remind_overdue(NOW + timedelta(days=9)) == 0
    assert mails() == [
        ("case.due_soon", case.number, "handler@example.test"),
        ("case.overdue", case.number, "handler@example.test"),
    ]


def test_letters_with_time_left_or_an_answer_cause_no_mail() -> None:
    assigned(FAR, "handler@example.test")
    answered_case(make_actor(email="other@example.test"), due_at=LATE)
    assert remind_overdue(NOW) == 0


def test_nearly_due_is_counted_in_working_days() -> None:
    """Three working days from Friday the 20th end with Wednesday the 25th."""
    friday = datetime(2026, 11, 20, 8, 30, tzinfo=TAIPEI)
    midnight = datetime(2026, 11, 26, tzinfo=TAIPEI)
    assigned(midnight, "wednesday@example.test")
    assigned(midnight + timedelta(days=1), "thursday@example.test")
    assert remind_overdue(friday) == 1
    assert [recipient for _, _, recipient in mails()] == ["wednesday@example.test"]


def test_without_a_handler_the_heads_are_reminded() -> None:
    for email in ("head1@example.test", "head2@example.test", ""):
        make_actor(Role.HEAD, email=email)
    make_actor(Role.HEAD, "it", email="elsewhere@example.test")
    make_actor(Role.HANDLER, email="colleague@example.test")
    case = make_case(unit_code="standards", due_at=LATE)
    assert remind_overdue(NOW) == 2
    assert remind_overdue(NOW) == 0
    assert {(number, recipient) for _, number, recipient in mails()} == {
        (case.number, "head1@example.test"),
        (case.number, "head2@example.test"),
    }


def test_without_heads_the_unit_is_reminded_and_without_any_address_nobody() -> None:
    with transaction() as session:
        session.execute(sa.update(Unit).where(Unit.code == "it").values(email="it@example.test"))
    case = make_case(unit_code="it", due_at=LATE)
    make_case(unit_code="legal", due_at=LATE)
    assert remind_overdue(NOW) == 1
    assert mails() == [("case.overdue", case.number, "it@example.test")]


@pytest.mark.parametrize("change", [{"active": False}, {"email": ""}])
def test_a_handler_who_cannot_be_reached_is_replaced_by_the_heads(change: dict[str, object]) -> None:
    make_actor(Role.HEAD, email="head@example.test")
    case = assigned(LATE, "gone@example.test")
    handler = db.session.get_one(Case, case.id).handler_id
    with transaction() as session:
        session.execute(sa.update(User).where(User.id == handler).values(**change))
    assert remind_overdue(NOW) == 1
    assert mails()[0][2] == "head@example.test"


def test_of_a_restricted_letter_only_ethics_hears() -> None:
    make_actor(Role.HEAD, "ethics", email="head@example.test")
    make_actor(Role.ETHICS, "ethics", email="ethics@example.test")
    case = make_case(hint="IN-ETHIC", due_at=LATE)
    assert remind_overdue(NOW) == 1
    assert mails() == [("case.overdue", case.number, "ethics@example.test")]


def test_of_a_restricted_letter_no_shared_box_hears() -> None:
    with transaction() as session:
        session.execute(sa.update(Unit).where(Unit.code == "ethics").values(email="box@example.test"))
    make_actor(Role.HEAD, "ethics", email="head@example.test")
    make_case(hint="IN-ETHIC", due_at=LATE)
    assert remind_overdue(NOW) == 0
    assert mails() == []


def test_a_handler_who_may_no_longer_read_a_letter_hears_nothing_of_it() -> None:
    make_actor(Role.ETHICS, "ethics", email="ethics@example.test")
    handler = make_actor(unit_code="ethics", email="handler@example.test")
    case = make_case(hint="IN-ETHIC", due_at=LATE)
    with transaction() as session:
        session.execute(sa.update(Case).where(Case.id == case.id).values(handler_id=handler.id))
    assert remind_overdue(NOW) == 1
    assert mails() == [("case.overdue", case.number, "ethics@example.test")]


def imported(day: datetime, now: datetime) -> None:
    row = Row(1, {"text": "匯入的話", "date": day.date().isoformat(), "unit": "standards"})
    assert importing.take_in([row], profile=profile(), now=now).taken == 1


def test_a_letter_imported_past_its_deadline_causes_no_mail() -> None:
    make_actor(Role.HEAD, email="head@example.test")
    imported(NOW - timedelta(days=200), NOW)
    assert remind_overdue(NOW + timedelta(days=1)) == 0


def test_a_letter_imported_in_time_is_reminded_of_like_others() -> None:
    make_actor(Role.HEAD, email="head@example.test")
    imported(NOW - timedelta(days=5), NOW)
    assert remind_overdue(NOW + timedelta(days=60)) == 2  # the head as owner, and as the one above


def test_a_reminder_holds_the_number_and_the_last_day_but_no_words() -> None:
    due = datetime(2026, 11, 24, tzinfo=TAIPEI)  # the end of the 23rd
    case = assigned(due, "handler@example.test", subject="私密的主旨", body="私密的內容")
    remind_overdue(NOW)
    mail = db.session.scalars(sa.select(OutboxMessage).where(OutboxMessage.kind == "case.due_soon")).one()
    assert case.number in mail.subject
    assert "115年11月23日" in mail.body
    assert "私密" not in mail.subject + mail.body


def test_many_letters_take_few_statements(ctx: Flask) -> None:
    make_actor(Role.HEAD, email="head@example.test")
    make_case(unit_code="standards", due_at=LATE)
    template = db.session.execute(sa.select(Case.__table__)).mappings().one()
    rows = [dict(template) | {"id": None, "number": f"115-{900000 + n}"} for n in range(1500)]
    for row in rows:
        del row["id"]
    with transaction() as session:
        session.execute(sa.insert(Case.__table__), rows)
    selects: list[str] = []

    def note(_c: object, _u: object, statement: str, *_rest: object) -> None:
        if statement.startswith("SELECT"):
            selects.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert remind_overdue(NOW) == 1501
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)
    assert len(selects) < 20
    assert unit("standards").id == template["unit_id"]
