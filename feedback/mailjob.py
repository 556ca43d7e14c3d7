"""The jobs of the other channels: fetching mail, sweeping what was begun and left."""

from __future__ import annotations

from datetime import datetime

from flask import current_app

from feedback.mail_sources import open_source
from feedback.services import mailin
from feedback.services.mailin import MailResult
from portal.config import Config
from portal.errors import Conflict
from portal.outbox import sender_address


class MailLeftError(Conflict):
    """Some mails could not be taken in and wait in the mailbox; the others are in."""


def fetch(now: datetime) -> int:
    """Take in what waits in MAIL_IN_URL's mailbox; return how many letters. Raises when any was left."""
    result = fetch_mail(now)
    if result.failed or result.too_large:
        raise MailLeftError(left(result))
    return result.taken


def fetch_mail(now: datetime) -> MailResult:
    """One round. Raises MailSourceError when the mailbox cannot be read."""
    config: Config = current_app.config["QINGTING"]
    with open_source(config.mail_in_url) as source:
        return mailin.fetch(
            source,
            profile=current_app.extensions["profile"],
            own_address=sender_address(config.mail_url),
            site_url=config.base_url,
            now=now,
        )


def left(result: MailResult) -> str:
    """What waits in the mailbox, in words."""
    return f"{result.failed} 封沒有收進來、{result.too_large} 封太大，都還在信箱裡，請同仁查看。"
