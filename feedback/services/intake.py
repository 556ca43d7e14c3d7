"""Taking letters in: a number, a secret, an owner and a deadline, in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from feedback import mails
from feedback.letters import Letter, county_name
from feedback.models import Case, CaseCounter, CaseEvent, Contact, EventKind, IntakeKey
from feedback.numbering import next_in_year
from feedback.secrets import hash_secret
from feedback.services.escalation import escalate
from portal.audit import record
from portal.calendars import office_calendar
from portal.db import transaction
from portal.errors import BadInput, NotReady
from portal.profile import Profile
from portal.units import Unit

SAME_DAY = timedelta(days=1)
"""Imported letters about old accidents wake nobody."""
MANY_LETTERS, LATIN_PER_CHINESE = 20, 10


@dataclass(frozen=True)
class Receipt:
    """What the sender gets. `repeated` is true when this letter had been taken in before."""

    case_id: int
    number: str
    secret: str
    repeated: bool = False


class KeyReused(BadInput):
    message = "這個 Idempotency-Key 已經用在另一封內容不同的信，請換一個新的。"


def open_case(
    letter: Letter,
    *,
    profile: Profile,
    secret: str,
    now: datetime,
    key: str | None = None,
    site_url: str = "",
    received_at: datetime | None = None,
    unit_code: str | None = None,
    also: Callable[[Session, Case], None] | None = None,
) -> Receipt:
    """Take one letter in.

    `letter` has passed `feedback.letters.problems`. `key` names the submission: a second call with
    the same key and words returns the first receipt (`secret` must be derived from the key), with
    other words raises KeyReused. Raises NotReady when no units are loaded. `received_at` (default: now) and
    `unit_code` are those of `add_case`; `also` adds to a new letter in the same transaction.
    """
    take_in = partial(
        _take_in, letter, profile=profile, secret=secret, now=now, key=key, site_url=site_url,
        received_at=received_at or now, unit_code=unit_code, also=also,
    )  # fmt: skip
    try:
        return take_in()
    except IntegrityError:
        # On PostgreSQL the same key may arrive twice at once: the second try finds the first's letter.
        if key is None:
            raise
        return take_in()


def _take_in(
    letter: Letter,
    *,
    profile: Profile,
    secret: str,
    now: datetime,
    key: str | None,
    site_url: str,
    received_at: datetime,
    unit_code: str | None,
    also: Callable[[Session, Case], None] | None,
) -> Receipt:
    with transaction() as session:
        earlier = _earlier(session, key, letter) if key else None
        if earlier is not None:
            return Receipt(earlier.id, earlier.number, secret, repeated=True)
        case = add_case(
            session, letter, profile=profile, secret=secret, received_at=received_at, now=now,
            unit_code=unit_code,
        )  # fmt: skip
        if also:
            also(session, case)
        if key:
            session.add(
                IntakeKey(
                    key_hash=_hash(key), content_hash=letter.content_hash, case_id=case.id, created_at=now
                )
            )
        mails.confirm_receipt(session, case, letter.email, profile=profile, site_url=site_url, now=now)
    return Receipt(case.id, case.number, secret)


def add_case(
    session: Session,
    letter: Letter,
    *,
    profile: Profile,
    secret: str,
    received_at: datetime,
    now: datetime,
    unit_code: str | None = None,
    source_key: str | None = None,
) -> Case:
    """Write one letter in the caller's transaction.

    Number and deadline count from `received_at`, which for an imported letter is before `now`.
    Without `unit_code` the default owner holds it until a topic is known, except that a hint at a
    restricted topic puts it straight where only its owner can see it.
    """
    hint = profile.topic(letter.hint)
    restricted = bool(hint and hint.restricted)
    owner = unit_code or (hint.owner if hint and restricted else profile.default_owner)
    number = _next_number(session, received_at)
    deadline, danger = profile.deadlines.reply, words_of_danger(letter, profile)
    calendar = office_calendar(session, profile)
    case = Case(
        number=number,
        secret_hash=hash_secret(number, secret),
        unit_id=_unit_id(session, owner),
        channel=letter.channel,
        subject=letter.subject,
        body=letter.body,
        hint=letter.hint or None,
        county=county_name(letter.county, profile),
        restricted=restricted,
        urgent=bool(danger),
        urgent_words=danger,
        language=language_of(letter),
        received_at=received_at,
        due_at=calendar.deadline(received_at, deadline.days, deadline.basis),
        source_key=source_key,
    )
    session.add(case)
    session.flush()
    if letter.name or letter.email or letter.phone:
        session.add(Contact(case_id=case.id, name=letter.name, email=letter.email, phone=letter.phone))
    session.add(CaseEvent(case_id=case.id, at=received_at, kind=EventKind.RECEIVED, unit_id=case.unit_id))
    record(session, "case.opened", "case", number, actor_id=None, now=now, channel=letter.channel)
    if case.urgent and now - received_at < SAME_DAY:
        escalate(session, case, profile=profile, now=now)
    return case


def words_of_danger(letter: Letter, profile: Profile) -> list[str]:
    """The profile's phrases of danger (fire, injury, shock …) that the letter holds."""
    text = f"{letter.subject}\n{letter.body}"
    return [phrase for phrase in profile.analysis.urgent_phrases if phrase in text]


def language_of(letter: Letter) -> str:
    """ "en" for a letter in Latin script, which is answered in English; otherwise "zh"."""
    text = f"{letter.subject}{letter.body}"
    latin = sum(char.isascii() and char.isalpha() for char in text)
    chinese = sum("\u3400" <= char <= "\u9fff" for char in text)
    return "en" if latin > MANY_LETTERS and latin > LATIN_PER_CHINESE * chinese else "zh"


def _next_number(session: Session, received_at: datetime) -> str:
    """The year's next number, 115-000123; concurrent writers queue at the year's row."""
    year, last = next_in_year(session, CaseCounter, received_at)
    return f"{year}-{last:06d}"


def _unit_id(session: Session, code: str) -> int:
    found = session.scalar(sa.select(Unit.id).where(Unit.code == code))
    if found is None:
        raise NotReady
    return found


def _earlier(session: Session, key: str, letter: Letter) -> Case | None:
    known = session.get(IntakeKey, _hash(key))
    if known is None:
        return None
    if known.content_hash != letter.content_hash:
        raise KeyReused
    return session.get_one(Case, known.case_id)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
