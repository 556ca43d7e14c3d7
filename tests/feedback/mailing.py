"""Mails as people and programs send them, for tests."""

from __future__ import annotations

import itertools
from email.message import EmailMessage
from email.policy import SMTP

_serial = itertools.count(1)


def mail(text: str = "請問哪裡可以閱覽國家標準？", **headers: str) -> EmailMessage:
    """A plain mail; headers by name with `_` for `-`, an empty one is left out."""
    message = EmailMessage()
    given = {
        "From": "陳大文 <chen@example.com>",
        "To": "mailbox@agency.test",
        "Subject": "請問國家標準",
        "Message-ID": f"<{next(_serial)}@example.com>",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    for name, value in given.items():
        if value:
            message[name] = value
    message.set_content(text)
    return message


def raw(message: EmailMessage) -> bytes:
    return message.as_bytes(policy=SMTP)


def plain(body: bytes, content_type: str, *, subject: bytes = b"hello", encoding: str = "8bit") -> bytes:
    """A mail written byte by byte, as programs do that know no standard."""
    lines = [
        b"From: chen@example.com",
        b"Subject: " + subject,
        f"Message-ID: <{next(_serial)}@example.com>".encode(),
        f"Content-Type: {content_type}".encode(),
        f"Content-Transfer-Encoding: {encoding}".encode(),
    ]
    return b"\r\n".join([*lines, b"", body])
