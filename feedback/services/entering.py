"""Letters that staff enter for citizens: counter, phone, fax, paper, e-mail, passed on by another agency."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.channel_models import CaseIntake, IntakeDraft
from feedback.letters import Letter
from feedback.models import Case
from feedback.queries import visible_to
from feedback.secrets import tidy_number
from feedback.services.importing import answers_restricted_only
from feedback.services.intake import Receipt, open_case
from portal.access import Actor
from portal.audit import record
from portal.db import transaction
from portal.errors import BadInput, Conflict, NotFound
from portal.profile import Profile

KEEP_DRAFTS = timedelta(days=7)


class NotReadBack(BadInput):
    message = "口述的陳情要向來信人朗讀內容，確認無誤後才能登錄（行政程序法第169條）。"


class DraftGone(Conflict):
    message = "這份草稿已經由同仁登錄或刪除，所以沒有再登錄一次。請先到信件清單查看。"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is kept of the channel beside the letter. `earlier` is an earlier letter's number, as typed."""

    received_at: datetime
    read_back: bool = False
    language: str = ""
    agency: str = ""
    agency_number: str = ""
    earlier: str = ""
    keep: bool = False
    draft_id: int | None = None


def enter(
    letter: Letter,
    facts: Facts,
    *,
    by: Actor,
    profile: Profile,
    secret: str,
    key: str,
    site_url: str,
    now: datetime,
    with_it: Callable[[Session, Case], None] | None = None,
) -> Receipt:
    """Register a letter that a clerk wrote down. It goes the way of all letters unless `facts.keep`.

    `letter` has passed `feedback.letters.problems`; `key` and `secret` as in `open_case`. Raises BadInput
    when the channel is not one that staff enter or was not confirmed as it must be, NotFound when the
    earlier letter is none that the person may read, DraftGone when the draft was registered meanwhile.
    `with_it` adds to the letter in the same transaction.
    """
    channel = profile.channel(letter.channel)
    if channel is None or not channel.staff:
        raise BadInput("請從清單選擇來信管道。")
    if channel.oral and not facts.read_back:
        raise NotReadBack
    if channel.agency and not facts.agency:
        raise BadInput("請輸入移文的機關名稱。")
    if facts.received_at > now:
        raise BadInput("收件日期不能在今天之後。")

    def also(session: Session, case: Case) -> None:
        case.restricted = case.restricted or answers_restricted_only(_kept_by(facts, by, profile), profile)
        earlier = _earlier(session, facts.earlier, by)
        confirmed = channel.oral and facts.read_back
        session.add(
            CaseIntake(
                case_id=case.id, entered_at=now, entered_by=by.id, language=facts.language,
                read_back_at=now if confirmed else None, read_back_by=by.id if confirmed else None,
                agency=facts.agency, agency_number=facts.agency_number,
                refers_to=earlier.id if earlier else None,
            )
        )  # fmt: skip
        record(
            session, "case.entered", "case", case.number, actor_id=by.id, now=now,
            channel=channel.code, read_back=confirmed,
        )  # fmt: skip
        if facts.draft_id is not None and not _drop(session, facts.draft_id, by):
            raise DraftGone
        if with_it:
            with_it(session, case)

    return open_case(
        letter, profile=profile, secret=secret, now=now, key=f"staff:{by.id}:{key}", site_url=site_url,
        received_at=facts.received_at, unit_code=_owner(letter, facts, by, profile), also=also,
    )  # fmt: skip


def _kept_by(facts: Facts, by: Actor, profile: Profile) -> str | None:
    """The clerk's unit when it keeps the letter. One that answers restricted matters always does: what is
    told there must not be seen elsewhere before somebody has judged it."""
    return by.unit_code if facts.keep or answers_restricted_only(by.unit_code, profile) else None


def _owner(letter: Letter, facts: Facts, by: Actor, profile: Profile) -> str | None:
    """The unit that has the letter first; None for the usual way, also of a restricted matter."""
    hint = profile.topic(letter.hint)
    return None if hint and hint.restricted else _kept_by(facts, by, profile)


def _earlier(session: Session, number: str, by: Actor) -> Case | None:
    if not number:
        return None
    found = session.scalar(visible_to(by).where(Case.number == tidy_number(number)))
    if found is None:
        raise NotFound("找不到這個案件編號，或那封信不在您看得到的範圍。請核對，或先留空白、在內容裡寫明。")
    return found


def save_draft(
    fields: Mapping[str, Any], *, by: Actor, now: datetime, draft_id: int | None = None
) -> IntakeDraft:
    """Keep a half-typed record for the person's unit. Raises DraftGone when `draft_id` is no longer there."""
    with transaction() as session:
        draft = _own(session, draft_id, by) if draft_id is not None else IntakeDraft(unit_id=by.unit_id)
        if draft is None:
            raise DraftGone
        draft.saved_by, draft.saved_at, draft.fields = by.id, now, dict(fields)
        session.add(draft)
        session.flush()
        record(session, "draft.saved", "draft", draft.id, actor_id=by.id, now=now)
    return draft


def open_draft(draft_id: int, *, by: Actor, now: datetime) -> IntakeDraft:
    """A draft of the person's unit with what was typed; that it was read is kept. Raises NotFound."""
    with transaction() as session:
        draft = _own(session, draft_id, by)
        if draft is None:
            raise NotFound
        record(session, "draft.opened", "draft", draft_id, actor_id=by.id, now=now)
    return draft


def discard_draft(draft_id: int, *, by: Actor, now: datetime) -> None:
    """Throw a draft of the person's unit away. Raises NotFound."""
    with transaction() as session:
        if not _drop(session, draft_id, by):
            raise NotFound
        record(session, "draft.discarded", "draft", draft_id, actor_id=by.id, now=now)


def is_stale(now: datetime) -> sa.ColumnElement[bool]:
    """Drafts that nobody has touched for seven days."""
    return IntakeDraft.saved_at < now - KEEP_DRAFTS


def _own(session: Session, draft_id: int, by: Actor) -> IntakeDraft | None:
    return session.scalar(
        sa.select(IntakeDraft)
        .where(IntakeDraft.id == draft_id, IntakeDraft.unit_id == by.unit_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _drop(session: Session, draft_id: int, by: Actor) -> bool:
    """Delete a draft of the unit; whether it was still there. One of two clerks is told so."""
    own = sa.delete(IntakeDraft).where(IntakeDraft.id == draft_id, IntakeDraft.unit_id == by.unit_id)
    return session.scalar(own.returning(IntakeDraft.id)) is not None
