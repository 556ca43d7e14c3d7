"""Letters that come by mail: each mail once, whoever fetches it and how often."""

from __future__ import annotations

import hashlib
import logging
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from feedback import mails
from feedback.attachments import keeping
from feedback.channel_models import CaseIntake, MailSeen
from feedback.letters import EMAIL, MAX_EMAIL, MAX_NAME, Letter
from feedback.mail_reading import Kind, Mail, read_mail
from feedback.mail_sources import Source
from feedback.models import Case, Contact
from feedback.secrets import derive_secret, new_key, tidy_number
from feedback.services import secret_links
from feedback.services.importing import FIRST_YEAR, first_words
from feedback.services.intake import add_case
from portal.db import insert, transaction
from portal.errors import BadInput, NotReady
from portal.profile import Profile

log = logging.getLogger(__name__)

CHANNEL = "email"
ROUND_SECONDS = 120
RECEIPTS_A_DAY = 5
"""Receipts that one address gets in a day. A program that answers each of them without saying that it is one
would otherwise keep us writing for ever."""

TAKING = "taking"


@dataclass
class MailResult:
    """What became of the mails of one round. Those that failed or are too large wait where they are."""

    taken: int = 0
    known: int = 0
    not_letters: Counter[Kind] = field(default_factory=Counter)
    failed: int = 0
    too_large: int = 0


def fetch(source: Source, *, profile: Profile, own_address: str, site_url: str, now: datetime) -> MailResult:
    """Take in what waits in a mailbox, each mail in a transaction of its own, and mark it there afterwards.

    A runner that dies in between leaves a mail that is recognised the next time. A mail that cannot be taken
    in keeps none of the others back. The rest of a full mailbox is left to the next round.
    """
    if profile.channel(CHANNEL) is None:
        raise BadInput(f"機關設定檔的 channels 沒有「{CHANNEL}」，所以不能收信。")
    result, began = MailResult(), time.monotonic()
    for reference, raw in source.waiting():
        if time.monotonic() - began > ROUND_SECONDS:
            break
        if raw is None:
            result.too_large += 1
            log.warning("a mail is too large to be taken in")
            continue
        mail = read_mail(raw, own_address=own_address)
        try:
            seen = take_in(mail, profile=profile, site_url=site_url, now=now)
        except NotReady:
            raise
        except Exception as error:  # the database's own words may hold the citizen's
            result.failed += 1
            log.error("a mail was not taken in", extra={"mail": mail.key[:12], "error": type(error).__name__})
            continue
        source.done(reference)
        _count(result, seen)
    return result


def _count(result: MailResult, seen: MailSeen | None) -> None:
    if seen is None:
        result.known += 1
    elif seen.reason:
        result.not_letters[Kind(seen.reason)] += 1
    else:
        result.taken += 1


def take_in(mail: Mail, *, profile: Profile, site_url: str, now: datetime) -> MailSeen | None:
    """Make a letter of a mail, or keep why it is none; None for a mail that is known.

    Two mails are one when they carry the same Message-ID and the same words of the same sender. An id that
    is used again for other words, as some programs do, names another letter.
    """
    with transaction() as session:
        seen = _claim(session, mail, now)
        if seen is None:
            return None
        if mail.kind is not Kind.LETTER:
            seen.reason = mail.kind.value
            return seen
        case = _write(session, mail, seen.key, profile, now)
        seen.reason, seen.case_id = "", case.id
        _confirm(session, case, mail, profile=profile, site_url=site_url, now=now)
    return seen


def _claim(session: Session, mail: Mail, now: datetime) -> MailSeen | None:
    """The row that makes this mail ours. Of two runners one waits here for the other and finds it taken."""
    other_words = hashlib.sha256(f"{mail.key}:{mail.content}".encode()).hexdigest()
    for key in (mail.key, other_words):
        row = insert(session, MailSeen).values(key=key, content=mail.content, reason=TAKING, seen_at=now)
        session.execute(row.on_conflict_do_nothing(index_elements=["key"]))
        seen = session.get_one(MailSeen, key, populate_existing=True)
        if seen.reason == TAKING:
            return seen
        if seen.content == mail.content:
            return None
    return None


def _write(session: Session, mail: Mail, source_key: str, profile: Profile, now: datetime) -> Case:
    earlier = _earlier(session, mail)
    case = add_case(
        session,
        _letter(mail, profile),
        profile=profile,
        secret=derive_secret(new_key(), new_key()),  # nobody knows it; a link brings another one
        received_at=_arrived(mail, now),
        now=now,
        unit_code=earlier.unit.code if earlier and earlier.unit.active else None,
        source_key=source_key,
    )
    case.restricted = case.restricted or bool(earlier and earlier.restricted)
    session.add(
        CaseIntake(
            case_id=case.id, entered_at=now, message_id=mail.message_id, attachments=len(mail.files),
            refers_to=earlier.id if earlier else None,
        )
    )  # fmt: skip
    keeping.keep_mailed(session, case, mail.files, profile=profile, now=now)
    return case


def _letter(mail: Mail, profile: Profile) -> Letter:
    """The mail in a letter's fields. What is too long for one of them stands in the words, whole."""
    longest, body = profile.intake.max_subject, mail.body
    subject = mail.subject or first_words(body)
    if len(subject) > longest:
        body = f"主旨：{subject}\n\n{body}"
        subject = subject[: longest - 1] + "…"
    address = mail.address if is_address(mail.address) else ""
    name = "" if profile.intake.name == "off" else mail.name[:MAX_NAME]
    return Letter(subject=subject, body=body, name=name, email=address, channel=CHANNEL)


def is_address(text: str) -> bool:
    return len(text) <= MAX_EMAIL and bool(EMAIL.fullmatch(text))


def _arrived(mail: Mail, now: datetime) -> datetime:
    """When the agency's mail server had it, from which the clock counts; now when that cannot be."""
    arrived = mail.arrived
    return arrived if arrived and arrived.year >= FIRST_YEAR and arrived <= now else now


def _earlier(session: Session, mail: Mail) -> Case | None:
    """The letter that the subject names, when the same address wrote it. It tells its unit, which must not
    be found out by guessing numbers."""
    number = tidy_number(mail.refers)
    if not number or not mail.address:
        return None
    return session.scalar(
        sa.select(Case)
        .join(Contact, Contact.case_id == Case.id)
        .where(Case.number == number, sa.func.lower(Contact.email) == mail.address.lower())
        .options(joinedload(Case.unit))
    )


def _confirm(
    session: Session, case: Case, mail: Mail, *, profile: Profile, site_url: str, now: datetime
) -> None:
    """The number, and a link to the secret, to the address that wrote; none to lists, nor without end."""
    if mail.quiet or not is_address(mail.address) or _receipts(session, mail.address, now) > RECEIPTS_A_DAY:
        return
    token = secret_links.issue(session, case, now=now)
    mails.confirm_mail(session, case, mail.address, token, profile=profile, site_url=site_url, now=now)


def _receipts(session: Session, address: str, now: datetime) -> int:
    """Letters by mail from this address in the past day, this one among them."""
    return (
        session.scalar(
            sa.select(sa.func.count())
            .select_from(Case)
            .join(Contact, Contact.case_id == Case.id)
            .join(CaseIntake, CaseIntake.case_id == Case.id)
            .where(
                Contact.email == address,
                Case.channel == CHANNEL,
                CaseIntake.entered_at > now - timedelta(days=1),
            )
        )
        or 0
    )
