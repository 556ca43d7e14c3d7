"""Personal-data requests: taking them in, verifying who asks, extending once, deciding. The only writers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from feedback import queries as letters
from feedback.models import Case
from feedback.numbering import next_in_year
from feedback.rights import mails
from feedback.rights.acts import carry_out, possible_parts
from feedback.rights.models import PREFIX, DataRequest, DataRequestCounter, Result, RightKind, TellBy
from feedback.rights.queries import visible_to
from feedback.rights.words import deadline_of, grounds_for
from feedback.secrets import derive_secret, hash_secret, tidy_number
from portal.access import Actor
from portal.audit import record
from portal.calendars import office_calendar
from portal.db import transaction
from portal.errors import BadInput, Conflict, NotFound
from portal.profile import Profile


class AlreadyDecided(Conflict):
    message = "這項請求已由同仁作成決定。"


class AlreadyVerified(Conflict):
    message = "這項請求的身分已經核對過。"


class AlreadyExtended(Conflict):
    message = "這項請求已經延長過一次，不能再延長。"


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What a requester typed, cleaned and checked by the form."""

    kind: RightKind
    case_number: str = ""
    wish: str = ""
    wanted: dict[str, str] = field(default_factory=dict)
    name: str = ""
    email: str = ""
    phone: str = ""
    tell_by: TellBy = TellBy.PAGE

    def fingerprint(self, key: str) -> str:
        """The same for the same words sent from the same form."""
        said = asdict(self) | {"kind": self.kind.value, "tell_by": self.tell_by.value}
        return hashlib.sha256(json.dumps([key, said], sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Receipt:
    number: str
    secret: str


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What staff decided. `parts` are codes of what is carried out; they count for PARTLY only."""

    result: Result
    ground: str = ""
    reason: str = ""
    parts: tuple[str, ...] = ()


def open_request(
    ask: Ask,
    *,
    proven: Case | None,
    profile: Profile,
    signing_key: str,
    key: str,
    site_url: str,
    now: datetime,
) -> Receipt:
    """Take a request in. `proven` is the letter that number and secret opened; None leaves who asks to be
    verified by staff. The same form sent twice gives the first receipt."""
    fingerprint = ask.fingerprint(key)
    secret = derive_secret(signing_key, f"data-request:{fingerprint}")

    def take_in() -> Receipt:
        with transaction() as session:
            known = session.scalar(sa.select(DataRequest).where(DataRequest.fingerprint == fingerprint))
            if known is None:
                known = _add(session, ask, proven, profile, fingerprint, secret, now)
                mails.confirm_receipt(session, known, profile=profile, site_url=site_url, now=now)
        return Receipt(known.number, secret)

    try:
        return take_in()
    except IntegrityError:
        return take_in()  # on PostgreSQL the same form may arrive twice at once: the second finds the first


def _add(
    session: Session,
    ask: Ask,
    proven: Case | None,
    profile: Profile,
    fingerprint: str,
    secret: str,
    now: datetime,
) -> DataRequest:
    year, serial = next_in_year(session, DataRequestCounter, now)
    number = f"{PREFIX}{year}-{serial:04d}"
    named = tidy_number(ask.case_number)
    case_id = proven.id if proven else session.scalar(sa.select(Case.id).where(Case.number == named))
    clock = deadline_of(ask.kind, profile)
    request = DataRequest(
        number=number, secret_hash=hash_secret(number, secret), fingerprint=fingerprint, kind=ask.kind,
        case_id=case_id, claimed_number="" if proven else named, wish=ask.wish, wanted=ask.wanted,
        name=ask.name, email=ask.email, phone=ask.phone, tell_by=ask.tell_by, received_at=now,
        due_at=office_calendar(session, profile).deadline(now, clock.days, clock.basis),
        verified_at=now if proven else None,
    )  # fmt: skip
    session.add(request)
    session.flush()
    record(
        session, "data_request.opened", "data_request", number, actor_id=None, now=now, kind=ask.kind.value,
        proven=proven is not None,
    )  # fmt: skip
    return request


def verify(request_id: int, *, note: str, case_number: str, by: Actor, now: datetime) -> DataRequest:
    """Say how it was made sure who asks, and which letter the request is about.

    `case_number` may only name a letter that the person may read, and only while the request has none.
    """
    with transaction() as session:
        request = _load(session, request_id, by)
        if request.verified_at is not None:
            raise AlreadyVerified
        if request.case_id is None:
            request.case_id = _letter_named(session, case_number, by)
        request.verified_at, request.verified_by, request.verify_note = now, by.id, note
        _note(session, request, "verified", by, now)
    return request


def _letter_named(session: Session, number: str, by: Actor) -> int:
    query = letters.visible_to(by).where(Case.number == tidy_number(number)).with_only_columns(Case.id)
    found = session.scalar(query)
    if found is None:
        raise BadInput("找不到這個案件編號的信。請向請求人確認編號，例如 115-000123。")
    return found


def extend(
    request_id: int, *, reason: str, by: Actor, profile: Profile, site_url: str, now: datetime
) -> DataRequest:
    """Extend the deadline once, by what the law allows, counted from receipt; the reason is sent (§13).

    A deadline that has passed cannot be extended.
    """
    with transaction() as session:
        request = _load(session, request_id, by)
        if request.extended_at is not None:
            raise AlreadyExtended
        if request.is_overdue(now):
            raise BadInput("決定期限已經過了，不能再延長；請儘快作成決定。")
        clock = deadline_of(request.kind, profile)
        if not clock.extension:
            raise BadInput("機關設定這類請求不能延長。")
        days = clock.days + clock.extension
        request.due_at = office_calendar(session, profile).deadline(request.received_at, days, clock.basis)
        request.extended_at, request.extended_by, request.extension_reason = now, by.id, reason
        mails.tell_extension(session, request, profile=profile, site_url=site_url, now=now)
        _note(session, request, "extended", by, now)
    return request


def decide(
    request_id: int,
    decision: Decision,
    *,
    by: Actor,
    sections: Collection[str],
    profile: Profile,
    site_url: str,
    now: datetime,
) -> DataRequest:
    """Grant, grant in part, or refuse; carry it out and tell the requester, all in one transaction.

    `sections` are the codes of what a disclosure can hold. Raises AlreadyDecided when a colleague was
    first, BadInput when the decision is not whole.
    """
    with transaction() as session:
        request = _load(session, request_id, by)
        _check(decision, request)
        granted = _granted_parts(session, decision, request, sections)
        request.result, request.reason = decision.result, decision.reason
        request.ground = None if decision.result is Result.GRANTED else decision.ground
        request.decided_at, request.decided_by = now, by.id
        if decision.result is not Result.REFUSED:
            case = session.scalars(sa.select(Case).where(Case.id == request.case_id).with_for_update()).one()
            carry_out(session, request, case, granted, profile=profile, now=now)
        request.wanted = {}  # now in the contact data, or refused: no copy is kept
        mails.tell_decision(session, request, profile=profile, site_url=site_url, now=now)
        _note(
            session, request, "decided", by, now, result=decision.result.value, ground=request.ground,
            parts=granted,
        )  # fmt: skip
    return request


def _check(decision: Decision, request: DataRequest) -> None:
    if decision.result is not Result.GRANTED:
        if decision.ground not in grounds_for(request.kind):
            raise BadInput("不予准許或部分准許時，請選擇法律依據。")
        if not decision.reason:
            raise BadInput("不予准許或部分准許時，請寫下理由，讓請求人知道為什麼。")
    if decision.result is Result.REFUSED:
        return
    if request.verified_at is None or request.case_id is None:
        raise BadInput("還沒有確認請求人是誰、是哪一封信，不能准許。請先核對身分。")


def _granted_parts(
    session: Session, decision: Decision, request: DataRequest, sections: Collection[str]
) -> list[str]:
    if decision.result is Result.REFUSED:
        return []
    possible = possible_parts(session, request, sections)
    if decision.result is Result.GRANTED:
        if not possible and not decision.reason:
            raise BadInput("沒有系統可以自動處理的資料；請在說明寫下實際怎麼處理。")
        return possible
    chosen = [part for part in possible if part in decision.parts]
    if not chosen or len(chosen) == len(possible):
        raise BadInput("部分准許時，請勾選准許的部分，至少一項，但不是全部。")
    return chosen


def reveal(request_id: int, *, by: Actor, now: datetime) -> DataRequest:
    """The requester's name and contact data in full; that somebody looked is kept."""
    return _looked(request_id, "contact_viewed", by, now)


def preview(request_id: int, *, by: Actor, now: datetime) -> DataRequest:
    """Staff look at what would be disclosed, before they decide."""
    return _looked(request_id, "disclosure_previewed", by, now)


def _looked(request_id: int, what: str, by: Actor, now: datetime) -> DataRequest:
    with transaction() as session:
        request = session.scalar(visible_to(by).where(DataRequest.id == request_id))
        if request is None:
            raise NotFound
        _note(session, request, what, by, now)
    return request


def disclose(number: str, *, form: str, now: datetime) -> DataRequest:
    """The requester takes what was granted. The caller has checked the secret; `form` is page or json."""
    with transaction() as session:
        request = session.scalar(sa.select(DataRequest).where(DataRequest.number == number))
        if request is None or not request.discloses(now):
            raise NotFound("資料目前不能在這裡查看：可能還沒有決定，或開放的期間已經過了。")
        record(
            session, "data_request.disclosed", "data_request", number, actor_id=None, now=now, form=form
        )  # fmt: skip
    return request


def _load(session: Session, request_id: int, by: Actor) -> DataRequest:
    """The request, locked, if the person may decide it and nobody has."""
    query = visible_to(by).where(DataRequest.id == request_id).with_for_update(of=DataRequest)
    request = session.scalar(query.execution_options(populate_existing=True))
    if request is None:
        raise NotFound
    if request.decided_at is not None:
        raise AlreadyDecided
    return request


def _note(
    session: Session, request: DataRequest, what: str, by: Actor, now: datetime, **detail: object
) -> None:
    record(session, f"data_request.{what}", "data_request", request.number, actor_id=by.id, now=now, **detail)
