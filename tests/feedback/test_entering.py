"""Staff enter letters for citizens who came, called, faxed, wrote on paper or wrote to another agency."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from feedback.channel_models import CaseIntake, IntakeDraft
from feedback.models import Case, Contact
from feedback.secrets import matches, new_key
from feedback.services import entering
from portal import sweep
from portal.access import Actor, Role
from portal.app import profile
from portal.audit import AuditEvent
from portal.clock import TAIPEI
from portal.db import db
from portal.errors import BadInput
from portal.outbox import OutboxMessage
from tests.factories import NOW, SITE, answered_case, get_case, letter, make_actor, make_case, unit
from tests.feedback.browsing import newest

SignIn = Callable[[Actor], FlaskClient]
WRITTEN = ("mail", "fax", "email")
ORAL = ("counter", "phone")


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("feedback.views.entering", "feedback.views.staff"):
        monkeypatch.setattr(f"{module}.utcnow", lambda: NOW)


@pytest.fixture
def clerk(sign_in: SignIn) -> FlaskClient:
    return sign_in(make_actor(name="林承辦"))


def enter(browser: FlaskClient, address: str = "/staff/cases/new/", **values: Any) -> TestResponse:
    form = {
        "submission_key": new_key(),
        "channel": "fax",
        "received": "115/11/23",
        "language": "zh",
        "subject": "磅秤不準",
        "body": "市場的磅秤少了兩成。",
    }
    return browser.post(address, data=form | values)


def count() -> int:
    return db.session.scalar(sa.select(sa.func.count(Case.id))) or 0


def facts(case: Case) -> CaseIntake:
    return db.session.get_one(CaseIntake, case.id)


def audited(action: str) -> list[AuditEvent]:
    return list(db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == action)))


def drafts() -> list[IntakeDraft]:
    return list(db.session.scalars(sa.select(IntakeDraft).execution_options(populate_existing=True)))


@pytest.mark.parametrize("channel", WRITTEN)
def test_a_written_letter_is_registered_with_its_channel_and_who_entered_it(
    channel: str, clerk: FlaskClient
) -> None:
    assert enter(clerk, channel=channel, name="陳大文", email="chen@example.com").status_code == 303
    case = newest()
    assert (case.channel, case.unit_id) == (channel, unit(profile().default_owner).id)
    assert db.session.get_one(Contact, case.id).name == "陳大文"
    assert facts(case).entered_by
    assert facts(case).read_back_at is None
    assert [event.detail for event in audited("case.entered")] == [{"channel": channel, "read_back": False}]


@pytest.mark.parametrize("channel", ORAL)
def test_what_was_said_is_registered_only_when_it_was_read_back(channel: str, clerk: FlaskClient) -> None:
    before = count()
    refused = enter(clerk, channel=channel, body="他說的話")
    assert refused.status_code == 422
    assert "朗讀內容" in refused.text
    assert "他說的話" in refused.text
    assert count() == before
    assert enter(clerk, channel=channel, read_back="y").status_code == 303
    kept = facts(newest())
    assert (kept.read_back_at, kept.read_back_by) == (NOW, kept.entered_by)


def test_the_service_itself_refuses_what_was_not_read_back(client: FlaskClient) -> None:
    with pytest.raises(entering.NotReadBack):
        entering.enter(
            letter(channel="phone"), entering.Facts(received_at=NOW), by=make_actor(), profile=profile(),
            secret="A" * 12, key="k", site_url=SITE, now=NOW,
        )  # fmt: skip
    with pytest.raises(BadInput):
        entering.enter(
            letter(channel="web"), entering.Facts(received_at=NOW), by=make_actor(), profile=profile(),
            secret="A" * 12, key="k", site_url=SITE, now=NOW,
        )  # fmt: skip


@pytest.mark.parametrize("channel", ["", "web", "api", "import", "nonsense"])
def test_only_channels_of_staff_can_be_chosen(channel: str, clerk: FlaskClient) -> None:
    before = count()
    refused = enter(clerk, channel=channel)
    assert refused.status_code == 422
    assert "請從清單選擇來信管道" in refused.text
    assert count() == before


def test_a_letter_passed_on_keeps_agency_and_number_and_needs_both(clerk: FlaskClient) -> None:
    refused = enter(clerk, channel="transfer")
    assert refused.status_code == 422
    assert "請輸入移文的機關名稱" in refused.text
    assert "請輸入移文的文號" in refused.text
    assert enter(clerk, channel="transfer", agency="行政院", agency_number="院臺經字第1號").status_code == 303
    assert (facts(newest()).agency, facts(newest()).agency_number) == ("行政院", "院臺經字第1號")
    assert enter(clerk, channel="fax", agency="行政院").status_code == 422


def test_the_clock_counts_from_the_day_of_receipt(clerk: FlaskClient) -> None:
    enter(clerk, received="115年11月20日")
    noon = datetime(2026, 11, 20, 12, tzinfo=TAIPEI)
    assert newest().received_at == noon
    assert newest().due_at == profile().office_calendar.deadline(noon, 30, "calendar")
    enter(clerk)
    assert newest().received_at == NOW


@pytest.mark.parametrize(
    ("day", "told"),
    [("115/11/24", "在今天之後"), ("明天", "看不懂"), ("", "請輸入收件日期"), ("79/1/1", "看不懂")],
)
def test_a_day_that_cannot_be_is_refused(day: str, told: str, clerk: FlaskClient) -> None:
    refused = enter(clerk, received=day)
    assert refused.status_code == 422
    assert told in refused.text


@pytest.mark.parametrize(
    "values",
    [
        {"body": ""},
        {"body": "字" * 5001},
        {"subject": "a\x00b"},
        {"email": "not an address"},
        {"agency": "x" * 121, "channel": "transfer"},
        {"earlier": "nonsense"},
        {"earlier": "115-999999"},
        {"language": "klingon"},
        {"website": "https://spam.test"},
    ],
)
def test_bad_input_changes_nothing_and_is_given_back(values: dict[str, str], clerk: FlaskClient) -> None:
    before = count()
    refused = enter(clerk, **{"name": "保留的名字"} | values)
    assert refused.status_code == 422
    assert "保留的名字" in refused.text
    assert (count(), db.session.scalars(sa.select(CaseIntake)).all()) == (before, [])


def test_the_slip_shows_number_and_secret_until_it_is_cleared(clerk: FlaskClient) -> None:
    answer = enter(clerk, channel="counter", read_back="y")
    page = clerk.get(answer.location)
    secret = "".join(re.findall(r'code-group">(\w+)<', page.text))
    assert newest().number in page.text
    assert matches(newest().number, secret, newest().secret_hash)
    assert "簽名或蓋章" in page.text
    assert "市場的磅秤少了兩成。" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    clerk.post("/staff/cases/new/receipt/clear")
    assert clerk.get(answer.location).status_code == 302


def test_pressing_twice_registers_once(clerk: FlaskClient) -> None:
    key, before = new_key(), count()
    assert [enter(clerk, submission_key=key).status_code for _ in range(2)] == [303, 303]
    assert count() == before + 1
    other = enter(clerk, submission_key=key, body="別的事")
    assert other.status_code == 422
    assert "已經登錄" in other.text


def test_the_receipt_mail_speaks_of_the_slip(clerk: FlaskClient) -> None:
    enter(clerk, email="chen@example.com")
    body = db.session.scalars(sa.select(OutboxMessage.body)).one()
    assert "同仁交給您的查詢密碼" in body


def test_a_unit_may_keep_what_it_entered(sign_in: SignIn) -> None:
    enter(sign_in(make_actor(unit_code="metrology-tech")), keep="y")
    assert newest().unit_id == unit("metrology-tech").id


def test_a_restricted_matter_is_kept_by_nobody_but_its_owner(sign_in: SignIn) -> None:
    enter(sign_in(make_actor(unit_code="metrology-tech")), keep="y", hint="IN-ETHIC")
    assert (newest().unit_id, newest().restricted) == (unit("ethics").id, True)


def test_what_the_ethics_office_is_told_stays_there_unseen(sign_in: SignIn) -> None:
    enter(sign_in(make_actor(Role.ETHICS, "ethics")), channel="phone", read_back="y")
    assert (newest().unit_id, newest().restricted) == (unit("ethics").id, True)


def test_the_letter_page_tells_how_it_came(sign_in: SignIn) -> None:
    by = make_actor(Role.SECRETARIAT, "secretariat", name="林承辦")
    browser = sign_in(by)
    first = answered_case(by)
    enter(
        browser, channel="transfer", agency="行政院", agency_number="院臺經字第1號", language="en",
        earlier=first.number,
    )  # fmt: skip
    page = browser.get(f"/staff/cases/{newest().id}").text
    assert all(words in page for words in ("林承辦", "行政院", "院臺經字第1號", "英文", first.number))
    assert "115年11月23日答復" in page
    assert newest().number in browser.get(f"/staff/cases/{first.id}").text


def test_an_earlier_letter_of_the_ethics_office_is_named_to_nobody_else(sign_in: SignIn) -> None:
    hidden = make_case(hint="IN-ETHIC")
    browser = sign_in(make_actor(Role.SECRETARIAT, "secretariat"))
    assert enter(browser, earlier=hidden.number).status_code == 422
    enter(sign_in(make_actor(Role.ETHICS, "ethics")), earlier=hidden.number)
    assert facts(newest()).refers_to == hidden.id
    case_id = newest().id
    db.session.execute(sa.update(Case).where(Case.id == case_id).values(restricted=False))
    db.session.commit()
    assert hidden.number not in browser.get(f"/staff/cases/{case_id}").text


def test_a_half_typed_record_is_kept_as_a_draft_and_becomes_a_letter(clerk: FlaskClient) -> None:
    before = count()
    saved = enter(clerk, channel="phone", body="說到一半", action="draft")
    assert (saved.status_code, count()) == (303, before)
    assert "說到一半" in clerk.get(saved.location).text
    again = enter(clerk, saved.location, channel="phone", body="說完了", action="draft")
    assert (again.location, len(drafts())) == (saved.location, 1)
    assert drafts()[0].fields["body"] == "說完了"
    assert enter(clerk, saved.location, channel="phone", read_back="y").status_code == 303
    assert (count(), drafts()) == (before + 1, [])
    assert [audited(f"draft.{act}") != [] for act in ("saved", "opened")] == [True, True]


def test_a_draft_may_be_as_empty_as_it_is(clerk: FlaskClient) -> None:
    assert clerk.post("/staff/cases/new/", data={"action": "draft"}).status_code == 303


@pytest.mark.parametrize("body", ["字" * 50_001, "a\x00b"])
def test_a_draft_that_cannot_be_kept_is_given_back(body: str, clerk: FlaskClient) -> None:
    assert enter(clerk, body=body, subject="看得到", action="draft").status_code == 422
    assert drafts() == []


def test_a_draft_is_its_units_own(sign_in: SignIn) -> None:
    one, other = sign_in(make_actor()), sign_in(make_actor(Role.SECRETARIAT, "secretariat"))
    saved = enter(one, subject="草稿的主旨", action="draft").location
    assert "草稿的主旨" in sign_in(make_actor()).get("/staff/cases/new/").text
    assert "草稿的主旨" not in other.get("/staff/cases/new/").text
    assert other.get(saved).status_code == 404
    assert other.post(f"{saved}/discard").status_code == 404
    before = count()
    assert enter(other, saved).status_code == 409
    assert count() == before
    assert len(drafts()) == 1


def test_a_draft_that_a_colleague_registered_is_not_registered_again(clerk: FlaskClient) -> None:
    saved = enter(clerk, action="draft").location
    enter(clerk, saved)
    before = count()
    late = enter(clerk, saved, body="保留這些字")
    assert late.status_code == 409
    assert "已經由同仁登錄" in late.text
    assert "保留這些字" in late.text
    assert count() == before
    assert enter(clerk, saved, action="draft").status_code == 409


def test_a_draft_can_be_thrown_away_and_is_swept_after_a_week(clerk: FlaskClient) -> None:
    saved = enter(clerk, action="draft").location
    assert clerk.post(f"{saved}/discard").status_code == 303
    assert drafts() == []
    enter(clerk, action="draft")
    assert sweep.run(NOW + timedelta(days=7)) == 0
    assert sweep.run(NOW + timedelta(days=7, seconds=1)) == 1
    assert drafts() == []


def test_audit_rows_hold_no_words_of_the_citizen(clerk: FlaskClient) -> None:
    enter(clerk, subject="秘密主旨", name="陳大文", action="draft")
    enter(
        clerk, drafts()[0] and f"/staff/cases/new/drafts/{drafts()[0].id}", name="陳大文", subject="秘密主旨"
    )
    rows = "".join(str(row.detail) for row in db.session.scalars(sa.select(AuditEvent)))
    assert "秘密" not in rows
    assert "陳大文" not in rows
    assert get_case(newest().id).subject == "秘密主旨"
