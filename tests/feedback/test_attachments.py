"""Files of letters: nothing chosen is lost, nothing harmful kept, nobody sees another letter's file."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from feedback.attachments import keeping
from feedback.attachments.models import Attachment, FileState
from feedback.mail_reading import read_mail
from feedback.models import Case
from feedback.secrets import new_key
from feedback.services import mailin
from portal import sweep
from portal.access import Actor, Role
from portal.app import profile
from portal.audit import AuditEvent
from portal.db import db, transaction
from portal.files import uploads
from portal.files.scanning import ScannerDown
from portal.files.store import Store
from portal.files.uploads import Upload
from portal.profile import Profile
from tests.factories import NOW, SITE, get_case, make_actor, make_case
from tests.feedback.browsing import SECRET, cases, newest, track, write
from tests.feedback.mailing import mail, raw
from tests.sample_files import PDF, PROGRAM, SECRET_PLACE, huge_png, photo_with_place, picture

SignIn = Callable[[Actor], FlaskClient]
MUCH_LATER = timedelta(days=9)


@pytest.fixture(autouse=True)
def _store(ctx: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(ctx.extensions, "files", Store(tmp_path))


class FakeScanner:
    """Finds what a test says, or is not there."""

    def __init__(self, answer: str | None) -> None:
        self.answer = answer

    def scan(self, data: bytes) -> str:
        if self.answer is None:
            raise ScannerDown
        return self.answer


@pytest.fixture
def scanner(ctx: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], None]:
    return lambda answer: monkeypatch.setitem(ctx.extensions, "scanner", FakeScanner(answer))


def file(data: bytes, name: str = "照片.jpg") -> tuple[io.BytesIO, str]:
    return io.BytesIO(data), name


def send(browser: FlaskClient, *files: tuple[io.BytesIO, str], **values: Any) -> TestResponse:
    return write(browser, files=list(files), **values)


def rows() -> list[Attachment]:
    return list(db.session.scalars(sa.select(Attachment).order_by(Attachment.id)))


def stored() -> int:
    return sum(1 for _ in uploads.store().older_than(datetime.now(UTC) + MUCH_LATER))


def again(page: TestResponse) -> dict[str, str]:
    """The hidden fields of a form that came back."""
    return dict(re.findall(r'name="(submission_key|holding)"[^>]*value="([^"]+)"', page.text))


def with_file(data: bytes = PDF, name: str = "證明.pdf", **values: Any) -> tuple[Case, Attachment]:
    """A letter that came with one file."""
    case = make_case(secret=SECRET, **values)
    assert keeping.hold("a form", [Upload(name, data)], profile=profile(), now=NOW) == []
    with transaction() as session:
        keeping.claim(session, case, holders=["a form"])
    return case, db.session.scalars(sa.select(Attachment).where(Attachment.case_id == case.id)).one()


def of_letter(case: Case) -> list[Attachment]:
    return [row for row in rows() if row.case_id == case.id]


# With the letter


def test_files_come_with_the_letter_that_they_were_chosen_for(client: FlaskClient) -> None:
    assert send(client, file(photo_with_place()), file(PDF, "報告.pdf")).status_code == 303
    case = newest()
    assert [(row.name, row.kind, row.state) for row in of_letter(case)] == [
        ("照片.jpg", "jpg", FileState.READY),
        ("報告.pdf", "pdf", FileState.READY),
    ]
    kept = uploads.store().path(of_letter(case)[0].stored or "").read_bytes()
    assert SECRET_PLACE not in kept


def test_a_letter_without_files_has_none(client: FlaskClient) -> None:
    assert send(client, file(b"", "")).status_code == 303
    assert rows() == []


@pytest.mark.parametrize(
    ("data", "why"),
    [(PROGRAM, "不能收"), (b"", "空的"), (huge_png(9000, 9000), "尺寸太大"), (picture()[:90], "打不開")],
)
def test_a_bad_file_keeps_the_letter_back_and_the_good_ones_held(
    client: FlaskClient, data: bytes, why: str
) -> None:
    before = cases()
    answer = send(client, file(PDF, "報告.pdf"), file(data, "壞的.jpg"), body="寫了很久的內容")
    page = html.unescape(answer.text)
    assert answer.status_code == 422
    assert "「壞的.jpg」沒有收下：" in page
    assert why in page
    assert "寫了很久的內容" in page
    assert "不附「報告.pdf」" in page
    assert cases() == before
    assert send(client, **again(answer)).status_code == 303
    assert [row.name for row in of_letter(newest())] == ["報告.pdf"]


def test_a_letter_with_a_mistake_does_not_lose_its_files(client: FlaskClient) -> None:
    answer = send(client, file(PDF, "報告.pdf"), subject="")
    assert answer.status_code == 422
    assert "不附「報告.pdf」" in answer.text
    assert send(client, file(picture()), **again(answer)).status_code == 303
    assert [row.name for row in of_letter(newest())] == ["報告.pdf", "照片.jpg"]


def test_a_held_file_that_is_not_wanted_is_gone_with_its_bytes(client: FlaskClient) -> None:
    answer = send(client, file(PDF, "報告.pdf"), subject="")
    assert stored() == 1
    send(client, **again(answer), drop_file=str(rows()[0].id))
    assert (rows(), stored()) == ([], 0)


def test_a_file_of_somebody_elses_form_can_neither_be_dropped_nor_sent_along(client: FlaskClient) -> None:
    send(client, file(PDF, "報告.pdf"), subject="")
    held = rows()[0]
    assert send(client, drop_file=str(held.id)).status_code == 303
    assert send(client, drop_file=str(10**30)).status_code == 303
    db.session.refresh(held)
    assert held.case_id is None


def test_more_files_than_a_letter_may_have_are_named(client: FlaskClient) -> None:
    most = profile().intake.max_files
    answer = send(client, *(file(PDF, f"第{serial}個.pdf") for serial in range(most + 1)))
    assert answer.status_code == 422
    assert f"「第{most}個.pdf」沒有收下：一次最多附 {most} 個檔案。" in html.unescape(answer.text)
    assert len(rows()) == most


def test_a_file_that_is_too_large_is_named_and_the_rest_is_kept(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feedback.views.files.MEBIBYTE", 1024)
    limit = profile().intake.max_file_mb
    answer = send(client, file(b"x" * (limit * 1024 + 1), "影片.mp4"), file(PDF, "報告.pdf"))
    assert answer.status_code == 422
    assert f"「影片.mp4」沒有收下：檔案超過 {limit} MB" in html.unescape(answer.text)
    assert [row.name for row in rows()] == ["報告.pdf"]


def test_the_same_form_sent_twice_gives_the_letter_its_files_once(client: FlaskClient) -> None:
    key = new_key()
    assert send(client, file(PDF), submission_key=key).status_code == 303
    assert send(client, file(PDF), submission_key=key).status_code == 303
    assert len(of_letter(newest())) == 1


def test_another_letter_by_the_same_form_takes_its_files_along(client: FlaskClient) -> None:
    key = new_key()
    send(client, submission_key=key)
    answer = send(client, file(PDF, "報告.pdf"), submission_key=key, subject="另一件事")
    assert answer.status_code == 422
    assert send(client, **again(answer), subject="另一件事").status_code == 303
    assert [row.name for row in of_letter(newest())] == ["報告.pdf"]


def test_an_agency_may_take_no_files(
    ctx: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: Profile = profile().model_copy(
        update={"intake": profile().intake.model_copy(update={"max_files": 0})}
    )
    monkeypatch.setitem(ctx.extensions, "profile", closed)
    assert 'type="file"' not in client.get("/feedback/new").text
    assert send(client, file(PDF)).status_code == 303
    assert rows() == []


def test_a_robot_that_fills_the_trap_leaves_no_file(client: FlaskClient) -> None:
    send(client, file(PDF), website="x")
    assert (rows(), stored()) == ([], 0)


# Afterwards


def test_a_supplement_brings_its_files(client: FlaskClient) -> None:
    case = make_case(secret=SECRET)
    track(client, case.number)
    address = f"/feedback/track/{case.number}/supplement"
    refused = client.post(address, data={"words": "", "files": [file(picture(), "標籤.jpg")]})
    assert refused.status_code == 422
    assert "不附「標籤.jpg」" in refused.text
    assert client.post(address, data={"words": "這是標籤的照片"}).status_code == 303
    page = client.get(f"/feedback/track/{case.number}")
    assert "標籤.jpg" in page.text
    assert [(row.name, row.message_id is not None) for row in of_letter(case)] == [("標籤.jpg", True)]


def test_a_clerks_files_wait_with_the_draft_and_come_with_the_letter(sign_in: SignIn) -> None:
    clerk = sign_in(make_actor())
    form = {
        "submission_key": new_key(), "channel": "mail", "received": "115/11/23", "language": "zh",
        "subject": "磅秤不準", "body": "市場的磅秤少了兩成。",
    }  # fmt: skip
    saved = clerk.post("/staff/cases/new/", data=form | {"action": "draft", "files": [file(PDF, "掃描.pdf")]})
    assert saved.status_code == 303
    draft = saved.headers["Location"]
    assert "不附「掃描.pdf」" in clerk.get(draft).text
    assert clerk.post(draft, data=form).status_code == 303
    assert [row.name for row in of_letter(newest())] == ["掃描.pdf"]


def test_a_draft_that_is_thrown_away_takes_its_files_along(sign_in: SignIn) -> None:
    clerk = sign_in(make_actor())
    form = {"submission_key": new_key(), "action": "draft", "files": [file(PDF)], "channel": "mail"}
    draft = clerk.post("/staff/cases/new/", data=form).headers["Location"]
    clerk.post(f"{draft}/discard")
    assert (rows(), stored()) == ([], 0)


def test_files_of_a_mail_come_with_its_letter_and_of_refused_ones_the_name(ctx: Flask) -> None:
    message = mail()
    message.add_attachment(PDF, maintype="application", subtype="pdf", filename="報告.pdf")
    message.add_attachment(PROGRAM, maintype="application", subtype="octet-stream", filename="發票.exe")
    mailin.take_in(read_mail(raw(message)), profile=profile(), site_url=SITE, now=NOW)
    found = [(row.name, row.state, row.reason != "") for row in of_letter(newest())]
    assert found == [("報告.pdf", FileState.READY, False), ("發票.exe", FileState.REFUSED, True)]


# Who may download


def test_the_sender_downloads_a_file_as_a_file_and_nobody_without_the_secret(client: FlaskClient) -> None:
    case, row = with_file()
    address = f"/feedback/track/{case.number}/files/{row.id}"
    assert client.get(address).status_code == 302
    track(client, case.number)
    answer = client.get(address)
    assert answer.data == PDF
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_secret_of_one_letter_opens_no_file_of_another(client: FlaskClient) -> None:
    mine, _ = with_file()
    _, other = with_file(data=picture())
    track(client, mine.number)
    assert client.get(f"/feedback/track/{mine.number}/files/{other.id}").status_code == 404


def test_staff_download_files_of_letters_that_they_may_see_and_it_is_kept(sign_in: SignIn) -> None:
    case, row = with_file()
    owner = make_actor(Role.SECRETARIAT, "secretariat")
    address = f"/staff/cases/{case.id}/files/{row.id}"
    assert sign_in(owner).get(address).data == PDF
    assert sign_in(make_actor(unit_code="standards")).get(address).status_code == 404
    event = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "case.attachment_read")).one()
    assert (event.object_id, event.actor_id, event.detail) == (case.number, owner.id, {"attachment": row.id})


def test_a_file_of_an_ethics_letter_is_for_the_ethics_office_only(sign_in: SignIn) -> None:
    case, row = with_file(hint="IN-ETHIC")
    address = f"/staff/cases/{case.id}/files/{row.id}"
    assert sign_in(make_actor(Role.ETHICS, "ethics")).get(address).status_code == 200
    for role in (Role.SECRETARIAT, Role.HEAD, Role.HANDLER):
        assert sign_in(make_actor(role, "secretariat")).get(address).status_code == 404


def test_a_file_that_is_lost_on_disk_is_no_server_error(client: FlaskClient) -> None:
    case, row = with_file()
    uploads.store().delete(row.stored or "")
    track(client, case.number)
    assert client.get(f"/feedback/track/{case.number}/files/{row.id}").status_code == 404


# The scanner


def test_an_infected_file_is_refused(client: FlaskClient, scanner: Callable[[str | None], None]) -> None:
    scanner("Eicar-Test")
    answer = send(client, file(PDF))
    assert answer.status_code == 422
    assert keeping.INFECTED in html.unescape(answer.text)
    assert (rows(), stored()) == ([], 0)


def test_without_the_scanner_a_file_waits_and_nobody_gets_it_until_it_was_scanned(
    client: FlaskClient, scanner: Callable[[str | None], None]
) -> None:
    scanner(None)
    assert send(client, file(PDF)).status_code == 303
    row = rows()[0]
    assert (row.state, keeping.scan_waiting(NOW)) == (FileState.WAITING, 0)
    case = newest()
    with client.session_transaction() as cookie:
        cookie["opened_letters"] = {case.number: NOW.timestamp() + 10**9}
    address = f"/feedback/track/{case.number}/files/{row.id}"
    assert client.get(address).status_code == 404
    scanner("")
    assert keeping.has_waiting(NOW)
    assert keeping.scan_waiting(NOW) == 1
    assert client.get(address).data == PDF


def test_what_the_scanner_finds_later_is_deleted_and_its_name_stays_with_the_reason(
    client: FlaskClient, scanner: Callable[[str | None], None]
) -> None:
    scanner(None)
    send(client, file(PDF))
    scanner("Eicar-Test")
    assert keeping.scan_waiting(NOW) == 1
    row = rows()[0]
    assert (row.state, row.reason, stored()) == (FileState.REFUSED, keeping.INFECTED, 0)


# Going


def test_files_that_were_never_sent_are_swept_a_day_later_and_a_letters_stay(client: FlaskClient) -> None:
    case, row = with_file()
    keeping.hold("left alone", [Upload("忘了送.pdf", PDF)], profile=profile(), now=NOW)
    sweep.run(NOW + keeping.A_DAY)
    assert len(rows()) == 2
    sweep.run(NOW + keeping.A_DAY + timedelta(seconds=1))
    assert [left.id for left in rows()] == [row.id]
    assert keeping.delete_unowned(datetime.now(UTC)) == 0
    assert keeping.delete_unowned(datetime.now(UTC) + keeping.A_DAY + timedelta(minutes=1)) == 1
    assert uploads.store().path(row.stored or "").exists()
    assert get_case(case.id).id == row.case_id


def test_destroying_a_letter_destroys_its_files(ctx: Flask) -> None:
    case, _ = with_file()
    with transaction() as session:
        for holding in ctx.extensions["holdings"]:
            if holding.table == Attachment.__tablename__:
                holding.destroy(session, [case.id])
    keeping.delete_unowned(datetime.now(UTC) + keeping.A_DAY + timedelta(minutes=1))
    assert (rows(), stored()) == ([], 0)
