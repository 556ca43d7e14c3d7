"""Mail leaves once, after the fact, and again when the server was away."""

from __future__ import annotations

import email
import email.policy
import socket
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller
from flask import Flask

from portal import outbox
from portal.db import db, transaction
from portal.outbox import FileMailer, OutboxMessage, SmtpMailer, build_mailer, deliver, enqueue, has_due
from tests.factories import NOW

BODY = "您好：\n\n電暖器可以退貨。\n.\n" + "很長的一行" * 80 + "\n"


class Postbox:
    """What a mail server took; with `refusals` left it answers that it is busy."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.refusals = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        if self.refusals:
            self.refusals -= 1
            return "451 busy"
        self.taken.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"


class Recorder:
    """A mailer that only remembers."""

    def __init__(self) -> None:
        self.sent: list[EmailMessage] = []

    def send(self, message: EmailMessage) -> None:
        self.sent.append(message)


@pytest.fixture
def postbox(ctx: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Postbox]:
    """A real SMTP server on this machine, and the platform set to use it."""
    box = Postbox()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    monkeypatch.setitem(ctx.extensions, "mailer", SmtpMailer(f"smtp://127.0.0.1:{port}"))
    yield box
    server.stop()


@pytest.fixture
def recorder(ctx: Flask, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    mailer = Recorder()
    monkeypatch.setitem(ctx.extensions, "mailer", mailer)
    return mailer


def queue(ref: str = "1", **values: str) -> None:
    given = {
        "recipient": "chen@example.com",
        "subject": "您的來信已有答復（115-000001）",
        "body": BODY,
    } | values
    with transaction() as session:
        enqueue(session, kind="test", ref=ref, now=NOW, **given)


def row(ref: str = "1") -> OutboxMessage:
    wanted = sa.select(OutboxMessage).where(OutboxMessage.ref == ref)
    return db.session.scalars(wanted.execution_options(populate_existing=True)).one()


def test_chinese_subject_and_body_arrive_as_written(postbox: Postbox) -> None:
    queue()
    assert deliver(NOW) == 1
    (mail,) = postbox.taken
    assert mail["Subject"] == "您的來信已有答復（115-000001）"
    assert mail["To"] == "chen@example.com"
    assert mail["From"].addresses[0].display_name == "意見信箱"
    assert mail.get_content().replace("\r\n", "\n") == BODY
    assert row().sent_at == NOW
    assert not has_due(NOW + timedelta(days=1))


def test_a_busy_server_is_asked_again_later_and_later(postbox: Postbox) -> None:
    postbox.refusals = 3
    queue()
    moment, waits = NOW, []
    for _ in range(3):
        assert deliver(moment) == 0
        assert row().last_error == "SMTPDataError"
        assert deliver(moment) == 0, "not before its time"
        waits.append((row().next_try_at - moment).total_seconds() / 60)
        moment = row().next_try_at
    assert waits == [1, 5, 30]
    assert deliver(moment) == 1
    assert len(postbox.taken) == 1
    assert (row().attempts, row().last_error) == (4, None)


def test_an_absent_server_is_a_failure_like_another(ctx: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ctx.extensions, "mailer", SmtpMailer("smtp://127.0.0.1:1"))
    queue()
    assert deliver(NOW) == 0
    assert row().last_error == "ConnectionRefusedError"


def test_waiting_grows_to_half_a_day_and_stays_there(recorder: Recorder) -> None:
    queue()
    for attempts, minutes in ((1, 1), (4, 120), (5, 720), (9, 720)):
        outbox._note_failure(row().id, attempts, "Busy", NOW)
        assert row().next_try_at == NOW + timedelta(minutes=minutes)


def test_two_deliverers_at_once_send_once(ctx: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one wakes while the first one is handing the mail on."""
    second: list[int] = []

    class Slow(Recorder):
        def send(self, message: EmailMessage) -> None:
            super().send(message)
            second.append(deliver(NOW + timedelta(seconds=5)))

    mailer = Slow()
    monkeypatch.setitem(ctx.extensions, "mailer", mailer)
    queue()
    assert deliver(NOW) == 1
    assert (len(mailer.sent), second) == (1, [0])


def test_a_deliverer_that_died_leaves_its_mail_to_the_next(
    ctx: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Dying:
        def send(self, message: EmailMessage) -> None:
            raise KeyboardInterrupt

    monkeypatch.setitem(ctx.extensions, "mailer", Dying())
    queue()
    with pytest.raises(KeyboardInterrupt):
        deliver(NOW)
    mailer = Recorder()
    monkeypatch.setitem(ctx.extensions, "mailer", mailer)
    assert deliver(NOW + timedelta(minutes=4)) == 0
    assert deliver(NOW + timedelta(minutes=6)) == 1


def test_a_round_ends_before_its_leases_do(ctx: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10_000, 100))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    mailer = Recorder()
    monkeypatch.setitem(ctx.extensions, "mailer", mailer)
    for ref in "abcd":
        queue(ref)
    assert deliver(NOW) == 1
    assert row("d").attempts == 0


def test_a_rolled_back_transaction_sends_nothing(recorder: Recorder) -> None:
    def fail() -> None:
        with transaction() as session:
            enqueue(session, kind="test", ref="1", recipient="a@b.tw", subject="s", body="b", now=NOW)
            raise RuntimeError("changed its mind")

    with pytest.raises(RuntimeError):
        fail()
    assert deliver(NOW) == 0
    assert recorder.sent == []


def test_the_same_cause_sends_one_mail(recorder: Recorder) -> None:
    queue(subject="先")
    queue(subject="後")
    assert deliver(NOW) == 1
    assert [str(mail["Subject"]) for mail in recorder.sent] == ["先"]


def test_one_impossible_mail_does_not_hold_up_the_others(recorder: Recorder) -> None:
    queue("1", recipient="a@example.com\r\nBcc: everybody@example.com")
    queue("2", subject="兩行\n主旨")
    queue("3")
    assert deliver(NOW) == 1
    assert [str(mail["To"]) for mail in recorder.sent] == ["chen@example.com"]
    assert row("1").last_error == "ValueError"


@pytest.mark.parametrize("address", ["a@[b.com", "=?utf-8?q?@!?=x.tw"])
def test_an_address_that_the_mail_library_trips_over_is_a_failure_like_another(
    recorder: Recorder, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    queue("1", recipient=address)
    queue("2")
    assert deliver(NOW) == 1
    assert [str(mail["To"]) for mail in recorder.sent] == ["chen@example.com"]
    assert row("1").last_error in {"AttributeError", "IndexError", "HeaderParseError", "ValueError"}
    assert (row("1").next_try_at, row("1").sent_at) == (NOW + timedelta(minutes=1), None)
    assert address not in caplog.text


def test_whatever_a_mailer_raises_the_others_go_on(ctx: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    class Moody(Recorder):
        def send(self, message: EmailMessage) -> None:
            if not self.sent and message["Subject"] == "先":
                raise LookupError("chen@example.com is unknown here")
            super().send(message)

    monkeypatch.setitem(ctx.extensions, "mailer", Moody())
    queue("1", subject="先")
    queue("2")
    assert deliver(NOW) == 1
    assert row("1").last_error == "LookupError"


@pytest.mark.parametrize("moment", [NOW, NOW + timedelta(days=1)])
def test_has_due_knows_what_waits(moment: datetime, recorder: Recorder) -> None:
    assert not has_due(moment)
    queue()
    assert has_due(moment)
    assert not has_due(NOW - timedelta(minutes=1))


def test_the_file_mailer_writes_letters_one_can_open(ctx: Flask) -> None:
    mailer = ctx.extensions["mailer"]
    assert isinstance(mailer, FileMailer)
    queue("115-000001/1")
    deliver(NOW)
    written = email.message_from_bytes(
        (mailer.folder / "test-115-000001_1.eml").read_bytes(), policy=email.policy.default
    )
    assert written.get_content() == BODY


def test_an_address_decides_the_mailer() -> None:
    assert isinstance(build_mailer("file:///mail"), FileMailer)
    assert isinstance(build_mailer("smtps://user:p%40ss@mail.example.tw:465?from=box@example.tw"), SmtpMailer)
