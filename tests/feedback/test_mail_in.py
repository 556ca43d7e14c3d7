"""Mail becomes letters: each once, none lost, no machine answered."""

from __future__ import annotations

import mailbox
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask
from sqlalchemy.orm import Session

from feedback import mail_sources, mailjob
from feedback.channel_models import CaseIntake, MailSeen
from feedback.letters import Letter
from feedback.mail_reading import Kind
from feedback.mail_sources import MailSourceError, open_source
from feedback.models import Case, Contact
from feedback.services import mailin
from portal.app import profile
from portal.db import db
from portal.jobs import registered, run_due
from portal.outbox import OutboxMessage, compose
from tests.factories import NOW, SITE, make_case, unit
from tests.feedback.mailing import mail, raw
from tests.imap_server import Postbox, serving

OWN = "no-reply@agency.test"
SetUp = Callable[[str], None]
Command = Callable[[], Result]


@pytest.fixture(autouse=True)
def _database(ctx: Flask) -> None:
    pass


@pytest.fixture
def postbox() -> Iterator[Postbox]:
    with serving() as box:
        yield box


@pytest.fixture
def set_up(ctx: Flask, monkeypatch: pytest.MonkeyPatch) -> SetUp:
    """`set_up(url)`: the installation fetches mail from there."""

    def use(url: str) -> None:
        changed = replace(ctx.config["QINGTING"], mail_in_url=url, mail_url=f"file:///tmp?from={OWN}")
        monkeypatch.setitem(ctx.config, "QINGTING", changed)

    return use


@pytest.fixture
def command(ctx: Flask) -> Command:
    return lambda: ctx.test_cli_runner().invoke(args=["feedback", "fetch-mail"])


class Pile:
    """A mailbox in memory."""

    def __init__(self, *mails: bytes | None) -> None:
        self.mails = list(mails)
        self.marked: list[str] = []

    def waiting(self) -> Iterator[tuple[str, bytes | None]]:
        yield from ((str(index), one) for index, one in enumerate(self.mails))

    def done(self, reference: str) -> None:
        self.marked.append(reference)


def fetch(*mails: bytes | None) -> mailin.MailResult:
    return mailin.fetch(Pile(*mails), profile=profile(), own_address=OWN, site_url=SITE, now=NOW)


def letters() -> list[Case]:
    return list(db.session.scalars(sa.select(Case).order_by(Case.id)))


def facts(case: Case) -> CaseIntake:
    return db.session.get_one(CaseIntake, case.id)


def mailed() -> list[OutboxMessage]:
    return list(db.session.scalars(sa.select(OutboxMessage).order_by(OutboxMessage.id)))


def write_mbox(path: Path, *mails: bytes) -> None:
    box = mailbox.mbox(path)
    for one in mails:
        box.add(one)
    box.close()


def test_a_mail_becomes_a_letter_of_its_channel() -> None:
    message = mail("延長線起火了", Message_ID="<a@example.com>")
    message.add_attachment(b"jpeg", maintype="image", subtype="jpeg", filename="照片.jpg")
    assert fetch(raw(message)).taken == 1
    (case,) = letters()
    contact = db.session.get_one(Contact, case.id)
    assert (case.channel, case.subject, case.body) == ("email", "請問國家標準", "延長線起火了")
    assert (contact.name, contact.email) == ("陳大文", "chen@example.com")
    assert case.urgent
    assert (facts(case).message_id, facts(case).attachments) == ("<a@example.com>", 1)


def test_the_same_mail_is_one_letter_however_often_it_comes() -> None:
    message = raw(mail())
    assert (fetch(message, message).taken, fetch(message).known) == (1, 1)
    assert len(letters()) == 1
    assert len(mailed()) == 1


def test_a_mail_without_an_id_is_known_by_all_of_it() -> None:
    first, other = raw(mail(Message_ID="")), raw(mail("別的", Message_ID=""))
    assert fetch(first, other, first).taken == 2


def test_an_id_that_is_used_again_for_other_words_loses_no_letter() -> None:
    same_id = [raw(mail(text, Message_ID="<always@form.test>")) for text in ("一", "二", "二", "一")]
    assert fetch(*same_id).taken == 2
    assert fetch(*same_id).known == 4


def test_the_clock_counts_from_the_arrival_at_the_agency() -> None:
    fetch(raw(mail(Received="x; Fri, 20 Nov 2026 09:00:00 +0800")), raw(mail(Received="x; 1 Jan 2036 00:00")))
    early, now = letters()
    assert early.received_at == NOW - timedelta(days=3, hours=1, minutes=30)
    assert early.due_at == profile().office_calendar.deadline(early.received_at, 30, "calendar")
    assert now.received_at == NOW


@pytest.mark.parametrize("text", ["字" * 50_000, "\n".join("> 引文" for _ in range(10_000))])
def test_a_mail_longer_than_the_form_allows_is_kept_whole(text: str) -> None:
    assert len(text) > profile().intake.max_body
    fetch(raw(mail(text)))
    assert letters()[0].body == text


def test_what_is_too_long_for_a_field_stands_in_the_words() -> None:
    fetch(raw(mail("內容", Subject="長" * 600, From=f"{'名' * 200} <not an address>")))
    (case,) = letters()
    assert len(case.subject) == profile().intake.max_subject
    assert case.body == f"主旨：{'長' * 600}\n\n內容"
    assert db.session.get_one(Contact, case.id).name == "名" * 80
    assert mailed() == []


def test_a_mail_without_subject_is_named_by_its_first_words() -> None:
    fetch(raw(mail("請問檢定合格單？", Subject="")))
    assert letters()[0].subject == "請問檢定合格單？"


def test_machines_are_counted_and_neither_taken_in_nor_answered() -> None:
    result = fetch(
        raw(mail(Auto_Submitted="auto-replied")),
        raw(mail(Precedence="bulk")),
        raw(mail(Return_Path="<>")),
        raw(mail(Message_ID=f"<outbox-3@{OWN.partition('@')[2]}>")),
    )
    assert dict(result.not_letters) == {Kind.AUTO: 1, Kind.BULK: 1, Kind.BOUNCE: 1, Kind.OWN: 1}
    assert (letters(), mailed()) == ([], [])


def test_our_own_receipt_sent_back_to_us_ends_there(ctx: Flask, set_up: SetUp) -> None:
    set_up("mbox:/none")
    fetch(raw(mail()))
    assert fetch(raw(compose(mailed()[0]))).not_letters == {Kind.OWN: 1}


def test_a_program_that_answers_receipts_gets_few_of_them() -> None:
    fetch(*(raw(mail(f"自動回覆 {n}", From="robot@example.com")) for n in range(12)))
    assert len(letters()) == 12
    assert len(mailed()) == mailin.RECEIPTS_A_DAY


def test_a_list_gets_no_receipt() -> None:
    fetch(raw(mail(List_Id="<x.example.com>")))
    assert len(letters()) == 1
    assert mailed() == []


def test_a_follow_up_by_the_same_address_goes_where_the_first_letter_is() -> None:
    first = make_case(unit_code="metrology-tech", email="Chen@example.com")
    fetch(raw(mail("補充", Subject=f"Re: 您的來信已有答復（{first.number}）")))
    case = letters()[-1]
    assert (case.unit_id, facts(case).refers_to) == (first.unit_id, first.id)


def test_a_follow_up_to_a_restricted_letter_is_restricted_at_once() -> None:
    first = make_case(hint="IN-ETHIC", email="chen@example.com")
    fetch(raw(mail("補充", Subject=f"[{first.number}]")))
    case = letters()[-1]
    assert (case.unit_id, case.restricted) == (unit("ethics").id, True)


def test_a_stranger_who_names_a_number_learns_and_changes_nothing() -> None:
    first = make_case(unit_code="metrology-tech", email="chen@example.com")
    fetch(raw(mail("補充", Subject=first.number, From="other@example.com")))
    case = letters()[-1]
    assert (case.unit_id, facts(case).refers_to) == (unit(profile().default_owner).id, None)


def test_one_mail_that_fails_keeps_no_other_back(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = mailin.add_case

    def fragile(session: Session, letter: Letter, **values: Any) -> Case:
        if "毒" in letter.body:
            raise RuntimeError(letter.body)
        return real(session, letter, **values)

    monkeypatch.setattr(mailin, "add_case", fragile)
    pile = Pile(raw(mail("毒")), raw(mail("好")))
    result = mailin.fetch(pile, profile=profile(), own_address=OWN, site_url=SITE, now=NOW)
    assert (result.failed, result.taken, pile.marked) == (1, 1, ["1"])
    assert "毒" not in caplog.text
    monkeypatch.setattr(mailin, "add_case", real)
    assert fetch(*pile.mails).taken == 1, "the one that failed was left to be taken later"


def test_a_runner_that_dies_before_marking_doubles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Dying(Pile):
        def done(self, reference: str) -> None:
            raise KeyboardInterrupt

    message = raw(mail())
    with pytest.raises(KeyboardInterrupt):
        mailin.fetch(Dying(message), profile=profile(), own_address=OWN, site_url=SITE, now=NOW)
    assert fetch(message).known == 1
    assert len(letters()) == 1


def test_a_mailbox_file_is_read_and_left_as_it_was(tmp_path: Path, set_up: SetUp, command: Command) -> None:
    path = tmp_path / "box"
    write_mbox(path, raw(mail("一")), raw(mail("二")), raw(mail(Auto_Submitted="auto-replied")))
    before = path.read_bytes()
    set_up(f"mbox:{path}")
    assert command().output == "收了 2 封來信，略過 0 封（先前已收），1 封不是來信（自動回覆 1）。\n"
    assert command().output == "收了 0 封來信，略過 3 封（先前已收），0 封不是來信。\n"
    assert path.read_bytes() == before


def test_a_maildir_is_marked_and_nothing_is_deleted(tmp_path: Path) -> None:
    box = mailbox.Maildir(tmp_path / "box")
    for text in ("一", "二"):
        box.add(raw(mail(text)))

    def run() -> mailin.MailResult:
        with open_source(f"maildir:{tmp_path / 'box'}") as source:
            return mailin.fetch(source, profile=profile(), own_address=OWN, site_url=SITE, now=NOW)

    assert run().taken == 2
    assert [path.name[-5:] for path in (tmp_path / "box" / "cur").iterdir()] == [":2,FS"] * 2
    assert run() == mailin.MailResult()


@pytest.mark.parametrize("keywords", [True, False])
def test_an_imap_account_is_fetched_marked_and_left_whole(postbox: Postbox, keywords: bool) -> None:
    postbox.keywords = keywords
    postbox.put(raw(mail("一")), raw(mail("二")))
    postbox.flags[1].add(r"\Seen")  # a person looked at it: it is a letter all the same

    def run() -> mailin.MailResult:
        with open_source(postbox.url) as source:
            return mailin.fetch(source, profile=profile(), own_address=OWN, site_url=SITE, now=NOW)

    assert run().taken == 2
    mark = mail_sources.OWN_FLAG if keywords else r"\Flagged"
    assert postbox.flags == {1: {r"\Seen", mark}, 2: {r"\Seen", mark}}
    assert run() == mailin.MailResult()
    assert len(postbox.mails) == 2


def test_a_server_that_hangs_up_leaves_the_rest_for_later(postbox: Postbox) -> None:
    postbox.put(raw(mail("一")), raw(mail("二")))
    postbox.silent_after = 1

    def run() -> mailin.MailResult:
        with open_source(postbox.url) as source:
            return mailin.fetch(source, profile=profile(), own_address=OWN, site_url=SITE, now=NOW)

    with pytest.raises(MailSourceError):
        run()
    assert len(letters()) == 1, "taken, though the server went before it could be marked"
    postbox.silent_after = 1_000
    assert (run().taken, len(letters())) == (1, 2)


def test_a_mail_that_is_too_large_waits_and_is_told(
    postbox: Postbox, set_up: SetUp, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_sources, "MAX_MESSAGE", 1_000)
    postbox.put(raw(mail("字" * 2_000)), raw(mail("小")))
    set_up(postbox.url)
    result = command()
    assert result.exit_code == 1
    assert "收了 1 封來信" in result.output
    assert "1 封太大" in result.output
    assert postbox.flags[1] == set()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("imap://mailbox%40agency.test:hunter2@127.0.0.1:{port}/INBOX", "拒絕"),
        ("imap://mailbox%40agency.test:pass%20word%2F1@127.0.0.1:{port}/NoSuch", "拒絕"),
        ("imap://a:hunter2@127.0.0.1:1/INBOX", "讀不到（ConnectionRefusedError）"),
        ("imap://a:hunter2@mail.agency.test/INBOX", "加密"),
        ("imaps://a:hunter2@127.0.0.1:{port}/INBOX", "憑證"),
        ("imaps://a:hunter2@127.0.0.1:notaport/INBOX", "讀不到"),
        ("mbox:/no/such/file", "找不到"),
        ("maildir:/no/such/folder", "找不到"),
    ],
)
def test_a_mailbox_that_cannot_be_read_is_told_without_the_password(
    url: str,
    told: str,
    postbox: Postbox,
    set_up: SetUp,
    command: Command,
    caplog: pytest.LogCaptureFixture,
) -> None:
    set_up(url.format(port=postbox.port))
    result = command()
    assert result.exit_code == 1
    assert told in result.output
    everything = result.output + caplog.text + str(result.exception)
    assert not any(secret in everything for secret in ("hunter2", "pass word", "pass%20word"))


def test_without_a_mailbox_the_command_says_what_to_set_and_the_job_rests(
    ctx: Flask, command: Command
) -> None:
    assert "MAIL_IN_URL" in command().output
    assert run_due(registered()["fetch-mail"], NOW, runner="test") is None


def test_the_password_is_in_no_picture_of_the_configuration(ctx: Flask) -> None:
    assert "hunter2" not in repr(replace(ctx.config["QINGTING"], mail_in_url="imaps://a:hunter2@x/"))


def test_the_job_tells_that_mail_was_left(
    postbox: Postbox, set_up: SetUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(postbox.url)
    postbox.put(raw(mail()))
    assert mailjob.fetch(NOW) == 1
    monkeypatch.setattr(mail_sources, "MAX_MESSAGE", 10)
    postbox.put(raw(mail()))
    with pytest.raises(mailjob.MailLeftError):
        mailjob.fetch(NOW)


def test_only_hashes_of_a_mail_are_remembered() -> None:
    fetch(raw(mail("秘密", Auto_Submitted="auto-replied")))
    row = db.session.scalars(sa.select(MailSeen)).one()
    assert (row.reason, row.case_id, len(row.key), len(row.content)) == ("auto", None, 64, 64)
