"""Personal-data requests: their clocks, who may see and decide them, and what a decision does."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import IntegrityError

from feedback.models import IntakeKey
from feedback.queries import opened_with
from feedback.rights import disclosure, jobs, queries, services
from feedback.rights.models import DataRequest, Result, RightKind, SealedContact
from feedback.rights.services import Ask, Decision
from feedback.secrets import derive_secret
from feedback.services import contacts
from portal.access import Role
from portal.app import profile
from portal.audit import AuditEvent
from portal.clock import TAIPEI, roc_deadline
from portal.db import db, transaction
from portal.errors import BadInput, NotFound
from portal.outbox import enqueue
from tests.factories import NOW, SIGNING_KEY, SITE, answered_case, letter, make_actor, make_case, unit
from tests.feedback.data_rights import (
    CODES,
    GRANT,
    REFUSAL,
    WHO,
    asked,
    contact_of,
    decide,
    found,
    letter_of,
    mails,
    secretary,
)

CHANGES = [RightKind.CORRECT, RightKind.STOP, RightKind.DELETE]


@pytest.fixture(autouse=True)
def _database(ctx: Flask) -> None:
    pass


def extend(request: DataRequest, now: datetime = NOW) -> DataRequest:
    return services.extend(
        request.id, reason="資料分散在兩個單位", by=secretary(), profile=profile(), site_url=SITE, now=now
    )


# Clocks. NOW is Monday, 115-11-23.


@pytest.mark.parametrize("kind", [RightKind.VIEW, RightKind.COPY])
def test_access_is_decided_in_fifteen_days(kind: RightKind) -> None:
    assert roc_deadline(asked(kind, letter_of()).due_at) == "115年12月8日"


@pytest.mark.parametrize("kind", CHANGES)
def test_correction_stop_and_deletion_are_decided_in_thirty_days(kind: RightKind) -> None:
    assert roc_deadline(asked(kind, letter_of()).due_at) == "115年12月23日"


def test_a_clock_that_ends_on_a_day_off_ends_on_the_next_working_day() -> None:
    friday = datetime(2026, 12, 10, 9, tzinfo=TAIPEI)  # the fifteenth day is Constitution Day, a Friday
    assert roc_deadline(asked(RightKind.VIEW, letter_of(), now=friday).due_at) == "115年12月28日中午"


@pytest.mark.parametrize(
    ("kind", "day"), [(RightKind.VIEW, "115年12月23日"), (RightKind.STOP, "116年1月22日")]
)
def test_an_extension_doubles_the_clock_counted_from_receipt(kind: RightKind, day: str) -> None:
    request = extend(asked(kind, letter_of(), email="a@example.com"), NOW + timedelta(days=3))
    assert roc_deadline(request.due_at) == day
    (mail,) = mails("data_request.extended")
    assert "資料分散在兩個單位" in mail.body
    assert day in mail.body


def test_a_deadline_is_extended_once() -> None:
    request = extend(asked(case=letter_of()))
    with pytest.raises(services.AlreadyExtended):
        extend(request)


def test_a_deadline_that_has_passed_is_not_extended() -> None:
    request = asked(case=letter_of())
    with pytest.raises(BadInput, match="已經過了"):
        extend(request, request.due_at + timedelta(minutes=1))


def test_numbers_count_within_the_roc_year() -> None:
    later = NOW + timedelta(days=60)
    assert [asked().number, asked().number, asked(now=later).number] == [
        "個115-0001",
        "個115-0002",
        "個116-0001",
    ]


# Taking in


def test_one_form_sent_twice_is_one_request_with_the_same_secret() -> None:
    ask = Ask(kind=RightKind.VIEW, name="王小明", phone="02-1234-5678")

    def send(said: Ask) -> services.Receipt:
        return services.open_request(
            said,
            proven=None,
            profile=profile(),
            signing_key=SIGNING_KEY,
            key="k" * 32,
            site_url=SITE,
            now=NOW,
        )

    first = send(ask)
    assert send(ask) == first
    assert send(replace(ask, wish="另外說明")).number != first.number
    assert queries.opened_with(first.number, first.secret.lower()) is not None
    assert queries.opened_with(first.number, "0" * 12) is None


def test_a_letters_number_without_its_secret_proves_nothing() -> None:
    request = asked(case_number=letter_of().number, name="王小明", phone="02-1234-5678")
    assert request.verified_at is None
    assert request.case_id is not None
    with pytest.raises(BadInput, match="核對身分"):
        decide(request)


# Who sees what


@pytest.mark.parametrize("role", Role, ids=lambda role: role.value)
def test_requests_about_ordinary_letters_are_for_the_secretariat_alone(role: Role) -> None:
    for request in (asked(case=letter_of(unit_code="ethics")), asked()):
        seen = queries.one(make_actor(role, "ethics"), request.id) is not None
        assert seen == (role is Role.SECRETARIAT)


@pytest.mark.parametrize("role", Role, ids=lambda role: role.value)
@pytest.mark.parametrize("proven", [True, False])
def test_requests_about_restricted_letters_are_for_ethics_of_the_owner_alone(
    role: Role, proven: bool
) -> None:
    case = letter_of(hint="IN-ETHIC")
    request = (
        asked(case=case) if proven else asked(case_number=case.number, name="王小明", phone="02-12345678")
    )
    actor = make_actor(role, "ethics")
    assert (queries.one(actor, request.id) is not None) == (role is Role.ETHICS)
    assert queries.one(make_actor(Role.ETHICS, "standards"), request.id) is None
    assert request.number not in [item.number for item in queries.undecided(secretary())]


def test_a_request_follows_its_letter_out_of_sight() -> None:
    case, desk = letter_of(), secretary()
    request = asked(case=case)
    assert queries.one(desk, request.id) is not None
    with transaction() as session:
        session.get_one(type(case), case.id).restricted = True
    assert queries.one(desk, request.id) is None
    with pytest.raises(NotFound):
        decide(request, REFUSAL, by=desk)


def test_nobody_acts_on_what_they_may_not_see() -> None:
    request, stranger = asked(case=letter_of(hint="IN-ETHIC")), secretary()
    acts = [
        lambda: decide(request, by=stranger),
        lambda: services.verify(request.id, note="x", case_number="", by=stranger, now=NOW),
        lambda: services.reveal(request.id, by=stranger, now=NOW),
        lambda: services.preview(request.id, by=stranger, now=NOW),
        lambda: services.extend(
            request.id, reason="x", by=stranger, profile=profile(), site_url=SITE, now=NOW
        ),
    ]
    for act in acts:
        with pytest.raises(NotFound):
            act()


def test_staff_link_only_letters_they_may_read() -> None:
    hidden, plain, desk = letter_of(hint="IN-ETHIC"), letter_of(), secretary()
    request = asked(name="王小明", phone="02-1234-5678")
    for number in (hidden.number, "115-999999", ""):
        with pytest.raises(BadInput, match="找不到"):
            services.verify(request.id, note="到場出示證件", case_number=number, by=desk, now=NOW)
    services.verify(request.id, note="到場出示證件", case_number=plain.number, by=desk, now=NOW)
    assert found(request.number).case_id == plain.id
    with pytest.raises(services.AlreadyVerified):
        services.verify(request.id, note="再一次", case_number="", by=desk, now=NOW)


# Decisions


def test_access_opens_the_disclosure_for_thirty_days() -> None:
    request = decide(asked(case=letter_of()))
    services.disclose(request.number, form="page", now=NOW + timedelta(days=29))
    with pytest.raises(NotFound):
        services.disclose(request.number, form="page", now=NOW + timedelta(days=30))


def test_a_refusal_discloses_nothing() -> None:
    request = decide(asked(case=letter_of()), REFUSAL)
    with pytest.raises(NotFound):
        services.disclose(request.number, form="json", now=NOW)


def test_the_disclosure_holds_what_is_kept_about_the_sender() -> None:
    handler = make_actor(name="陳承辦")
    case = answered_case(handler, body="這是答復", **WHO)
    contacts.reveal(case.id, by=handler, now=NOW)
    request = asked(case=case)
    document = disclosure.as_document(
        queries.for_requester(request.number) or request,
        disclosure.made(queries.for_requester(request.number) or request, disclosure.SECTIONS, profile()),
        profile(),
        NOW,
    )
    text = json.dumps(document, ensure_ascii=False)
    for expected in (*WHO.values(), case.number, case.subject, case.body, "這是答復", request.number):
        assert expected in text
    assert "承辦同仁查看聯絡資料" in text
    assert handler.name not in text


def test_in_part_only_the_chosen_sections_are_disclosed() -> None:
    part = Decision(
        result=Result.PARTLY, ground="pdpa-10-3", reason="答復提到別人。", parts=("contact", "letter")
    )
    request = decide(asked(case=letter_of()), part)
    shown = disclosure.made(
        queries.for_requester(request.number) or request, disclosure.SECTIONS, profile(), codes=request.parts
    )
    assert [section["title"] for section in shown] == ["姓名與聯絡資料", "您的信"]


def test_a_correction_writes_the_contact_data_and_audits_only_the_fields() -> None:
    case = letter_of()
    request = asked(RightKind.CORRECT, case, wanted={"email": "new@example.com", "name": "王大明"})
    decide(request)
    assert contact_of(case) == WHO | {"email": "new@example.com", "name": "王大明"}
    assert found(request.number).wanted == {}
    trail = [event.detail for event in db.session.scalars(sa.select(AuditEvent))]
    assert {"result": "granted", "ground": None, "parts": ["name", "email"]} in trail
    assert not any(value in str(trail) for value in (*WHO.values(), "new@example.com", "王大明"))


def test_a_correction_completes_a_letter_without_contact_data() -> None:
    case = make_case()
    decide(asked(RightKind.CORRECT, case, wanted={"phone": "02-1234-5678"}))
    assert contact_of(case) == {"name": "", "email": "", "phone": "02-1234-5678"}


def test_in_part_only_the_chosen_fields_are_corrected() -> None:
    case = letter_of()
    part = Decision(result=Result.PARTLY, ground="pdpa-11-1", reason="姓名無誤。", parts=("phone",))
    decide(asked(RightKind.CORRECT, case, wanted={"name": "王大", "phone": "02-1"}), part)
    assert contact_of(case) == WHO | {"phone": "02-1"}


def test_stopping_puts_contact_data_out_of_reach_and_unsends_mails() -> None:
    case = letter_of()  # its receipt waits in the outbox
    decide(asked(RightKind.STOP, case))
    assert contact_of(case) == {}
    assert mails("case.received") == []
    with pytest.raises(NotFound):
        contacts.reveal(case.id, by=secretary(), now=NOW)
    sealed = db.session.get_one(SealedContact, case.id)
    assert {field: getattr(sealed, field) for field in WHO} == WHO
    assert [label for label, _ in disclosure.SECTIONS[0].rows(case, profile())] == [
        "姓名（已停止利用）",
        "電子郵件（已停止利用）",
        "電話（已停止利用）",
    ]


def test_stopping_in_part_leaves_the_rest_in_use() -> None:
    case = letter_of()
    part = Decision(result=Result.PARTLY, ground="pdpa-11-3", reason="仍需電話聯絡。", parts=("email",))
    decide(asked(RightKind.STOP, case), part)
    assert contact_of(case) == WHO | {"email": ""}
    assert db.session.get_one(SealedContact, case.id).email == WHO["email"]


def test_mails_to_others_still_leave() -> None:
    case = letter_of()
    with transaction() as session:
        enqueue(
            session, kind="case.overdue", ref=case.number, recipient="unit@example.com",
            subject="x", body="x", now=NOW,
        )  # fmt: skip
    decide(asked(RightKind.DELETE, case))
    assert len(mails("case.overdue")) == 1


def test_deletion_removes_contact_data_also_sealed_ones_and_keeps_the_letter() -> None:
    secret = derive_secret(SIGNING_KEY, "k")
    case = letter_of(secret=secret)
    with transaction() as session:
        session.add(
            IntakeKey(key_hash="k", content_hash="of words and contact", case_id=case.id, created_at=NOW)
        )
    decide(asked(RightKind.STOP, case))
    request = decide(asked(RightKind.DELETE, case, email="ming@example.com"))
    assert (contact_of(case), db.session.get(SealedContact, case.id)) == ({}, None)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(IntakeKey)) == 0
    kept = opened_with(case.number, secret)
    assert kept is not None
    assert (kept.subject, kept.body) == (letter().subject, letter().body)
    assert "檔案法第12條" in mails("data_request.decided")[-1].body
    assert request.parts == ["name", "email", "phone"]


@pytest.mark.parametrize("kind", RightKind)
def test_a_refusal_changes_nothing_and_gives_ground_and_reason(kind: RightKind) -> None:
    case = letter_of()
    decide(asked(kind, case, email="ming@example.com", wanted={"name": "王大明"}), REFUSAL)
    assert contact_of(case) == WHO
    (mail,) = mails("data_request.decided")
    assert "不予准許" in mail.body
    assert "個人資料保護法第3條" in mail.body
    assert "無法確認身分。" in mail.body


@pytest.mark.parametrize(
    "decision",
    [
        replace(REFUSAL, ground=""),
        replace(REFUSAL, ground="archives-12"),
        replace(REFUSAL, ground="no such ground"),
        replace(REFUSAL, reason=""),
        replace(REFUSAL, result=Result.PARTLY),
        replace(REFUSAL, result=Result.PARTLY, parts=tuple(CODES)),
        replace(REFUSAL, result=Result.PARTLY, parts=("no such part",)),
    ],
)
def test_half_a_decision_is_not_one(decision: Decision) -> None:
    request = asked(case=letter_of())
    with pytest.raises(BadInput):
        decide(request, decision)
    assert found(request.number).decided_at is None
    assert mails("data_request.decided") == []


def test_granting_what_no_machine_can_do_needs_words() -> None:
    request = asked(RightKind.CORRECT, letter_of(), wish="請註明我不是檢舉人")
    with pytest.raises(BadInput, match="實際怎麼處理"):
        decide(request)
    decide(request, replace(GRANT, reason="已在案件註明。"))


def test_the_schema_refuses_what_no_service_would_write() -> None:
    request, desk = asked(), secretary()
    for values in (
        {"result": Result.REFUSED},
        {"result": Result.GRANTED, "decided_at": NOW, "decided_by": desk.id},
        {"disclosed_until": NOW, "kind": RightKind.DELETE},
        {"extended_at": NOW},
    ):
        change = sa.update(DataRequest).where(DataRequest.id == request.id).values(**values)
        with db.session.begin_nested() as savepoint:
            with pytest.raises(IntegrityError):
                db.session.execute(change)
            savepoint.rollback()


def test_what_was_decided_stays_decided() -> None:
    request = decide(asked(case=letter_of()), REFUSAL)
    for act in (lambda: decide(request), lambda: extend(request)):
        with pytest.raises(services.AlreadyDecided):
            act()


# Mails and reminders


def test_without_an_address_no_mail_is_queued() -> None:
    decide(asked(case=letter_of()))
    assert mails("data_request.received") == mails("data_request.decided") == []


def test_mails_to_the_requester_hold_nothing_they_typed() -> None:
    request = asked(case=letter_of(), email="ming@example.com", wish="私密的說明", name="王小明")
    decide(request)
    text = "".join(
        mail.subject + mail.body for mail in mails("data_request.received") + mails("data_request.decided")
    )
    assert request.number in text
    assert "私密" not in text
    assert "王小明" not in text


def test_the_secretariat_is_reminded_once_before_and_once_after_each_deadline() -> None:
    make_actor(Role.SECRETARIAT, "secretariat", email="sec@example.com")
    request = asked(case=letter_of())
    before, after = request.due_at - timedelta(days=1), request.due_at + timedelta(days=1)
    assert jobs.remind(NOW) == 0
    assert [jobs.remind(before), jobs.remind(before)] == [1, 0]
    extend(request, before)
    assert [jobs.remind(after), jobs.remind(found(request.number).due_at - timedelta(hours=9))] == [0, 1]
    late = found(request.number).due_at + timedelta(days=1)
    assert [jobs.remind(late), jobs.remind(late)] == [1, 0]
    assert {mail.recipient for mail in mails("data_request.overdue")} == {"sec@example.com"}


def test_of_a_restricted_letters_request_only_ethics_hears() -> None:
    make_actor(Role.SECRETARIAT, "secretariat", email="sec@example.com")
    make_actor(Role.ETHICS, "ethics", email="eth@example.com")
    with transaction():
        unit("ethics").email = "box@example.com"
    request = asked(case=letter_of(hint="IN-ETHIC"))
    assert jobs.remind(request.due_at + timedelta(days=1)) == 1
    assert [mail.recipient for mail in mails("data_request.overdue")] == ["eth@example.com"]


def test_nobody_is_reminded_of_what_is_decided() -> None:
    make_actor(Role.SECRETARIAT, "secretariat", email="sec@example.com")
    request = decide(asked(case=letter_of()), REFUSAL)
    assert jobs.remind(request.due_at + timedelta(days=1)) == 0
