"""What happens when a letter is taken in."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
import sqlalchemy as sa
from flask import Flask

from feedback.models import Case, CaseEvent, Contact, EventKind
from feedback.secrets import derive_secret, new_key
from feedback.services import intake
from feedback.states import Status
from portal.app import profile
from portal.audit import AuditEvent
from portal.clock import TAIPEI
from portal.db import Base, db
from portal.errors import NotReady
from portal.outbox import OutboxMessage
from portal.units import Unit
from tests.factories import NOW, SIGNING_KEY, SITE, get_case, letter, make_case, unit


@pytest.fixture(autouse=True)
def _database(ctx: Flask) -> None:
    pass


def take_in(key: str | None = None, **values: str) -> intake.Receipt:
    secret = derive_secret(SIGNING_KEY, key or new_key())
    return intake.open_case(
        letter(**values), profile=profile(), secret=secret, now=NOW, key=key, site_url=SITE
    )


def everything_stored() -> str:
    """Every value of every column of every table."""
    tables = Base.metadata.sorted_tables
    return "\n".join(str(tuple(row)) for table in tables for row in db.session.execute(sa.select(table)))


def test_a_letter_gets_the_years_next_number() -> None:
    first, second = take_in(), take_in()
    assert first.number.startswith("115-")
    assert int(second.number[4:]) == int(first.number[4:]) + 1


def test_a_letter_waits_with_the_default_owner() -> None:
    case = get_case(take_in(hint="ST-CNS").case_id)
    assert (case.unit_id, case.status, case.topic) == (
        unit(profile().default_owner).id,
        Status.RECEIVED,
        None,
    )


def test_a_hint_at_a_restricted_topic_puts_the_letter_straight_out_of_sight() -> None:
    case = get_case(take_in(hint="IN-ETHIC").case_id)
    assert (case.unit_id, case.restricted) == (unit("ethics").id, True)


def test_a_county_is_kept_as_the_profile_spells_it() -> None:
    assert get_case(take_in(county="台中市").case_id).county == "臺中市"


def test_a_letter_has_the_deadline_of_the_profile() -> None:
    case = get_case(take_in().case_id)
    assert case.due_at == profile().office_calendar.deadline(NOW, 30, "calendar")


def test_words_of_danger_make_a_letter_urgent() -> None:
    assert get_case(take_in(body="延長線起火了").case_id).urgent
    assert not get_case(take_in().case_id).urgent


def test_contact_data_is_kept_apart_and_only_when_given() -> None:
    anonymous, known = take_in(), take_in(email="a@example.com")
    assert db.session.get(Contact, anonymous.case_id) is None
    assert db.session.get_one(Contact, known.case_id).email == "a@example.com"


def test_the_first_event_is_the_arrival() -> None:
    receipt = take_in()
    kinds = db.session.scalars(sa.select(CaseEvent.kind).where(CaseEvent.case_id == receipt.case_id)).all()
    assert kinds == [EventKind.RECEIVED]


def test_a_repeated_key_gives_the_first_receipt_and_one_letter() -> None:
    key = new_key()
    before = db.session.scalar(sa.select(sa.func.count(Case.id))) or 0
    first, again = take_in(key, email="a@example.com"), take_in(key, email="a@example.com")
    assert (again.number, again.secret, again.repeated) == (first.number, first.secret, True)
    assert db.session.scalar(sa.select(sa.func.count(Case.id))) == before + 1
    assert db.session.scalar(sa.select(sa.func.count(OutboxMessage.id))) == 1


def test_a_key_used_with_other_words_is_refused() -> None:
    key = new_key()
    take_in(key)
    with pytest.raises(intake.KeyReused):
        take_in(key, body="別的內容")


def test_the_secret_is_stored_nowhere() -> None:
    key = new_key()
    receipt = take_in(key, email="a@example.com", name="王小明")
    stored = everything_stored()
    assert receipt.number in stored
    assert receipt.secret not in stored
    assert key not in stored


def test_the_receipt_mail_names_the_number_and_never_the_secret() -> None:
    receipt = take_in(email="a@example.com")
    mail = db.session.scalars(sa.select(OutboxMessage)).one()
    assert receipt.number in mail.body
    assert f"{SITE}/feedback/track?number={receipt.number}" in mail.body
    assert receipt.secret not in mail.body + mail.subject


def test_a_mail_carries_nothing_a_stranger_typed() -> None:
    take_in(subject="快來買", body="便宜又大碗", name="大衛", email="stranger@example.com")
    mail = db.session.scalars(sa.select(OutboxMessage)).one()
    assert not any(text in mail.subject + mail.body for text in ("快來買", "便宜又大碗", "大衛"))


def test_a_mail_names_no_address_but_the_configured_one(ctx: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ctx.config, "QINGTING", replace(ctx.config["QINGTING"], base_url=""))
    receipt = take_in(email="a@example.com")  # SITE is then only what the request said
    mail = db.session.scalars(sa.select(OutboxMessage)).one()
    assert "http" not in mail.body
    assert "查詢來信進度" in mail.body
    assert receipt.number in mail.body


def test_without_an_address_no_mail_is_queued() -> None:
    take_in(phone="02-2343-4567")
    assert db.session.scalars(sa.select(OutboxMessage)).all() == []


def test_the_audit_row_holds_no_words_of_the_citizen() -> None:
    receipt = take_in(subject="秘密主旨", body="秘密內容", name="王小明", email="a@example.com")
    row = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.object_id == receipt.number)).one()
    assert row.detail == {"channel": "web"}


def test_without_units_the_letter_is_refused_whole() -> None:
    db.session.execute(sa.update(Unit).values(code=Unit.code + "-gone"))
    db.session.commit()
    with pytest.raises(NotReady):
        take_in()


def test_numbers_begin_again_each_roc_year() -> None:
    make_case()
    case = make_case(received=datetime(2027, 1, 1, 0, 0, 1, tzinfo=TAIPEI))
    assert case.number == "116-000001"
