"""The answer: drafted, signed off, sent, closed, and written again when the citizen was not content."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from feedback import mails
from feedback.models import (
    Case,
    Draft,
    DraftState,
    EventKind,
    Message,
    MessageKind,
    Method,
    Reply,
)
from feedback.services.acting import advance, keep, load
from feedback.services.deadlines import reckon, say
from feedback.services.routing import units_waited_for
from feedback.states import Act, NotAllowed, Status
from portal.access import Actor, Permission
from portal.audit import record
from portal.clock import local_date, start_of
from portal.db import db, transaction
from portal.errors import BadInput, Conflict
from portal.profile import Profile

CURRENT = (DraftState.WORKING, DraftState.SUBMITTED, DraftState.APPROVED)


class AlreadyAnswered(Conflict):
    message = "這封信已由同仁答復。"


class DraftChanged(Conflict):
    """A colleague saved a newer version meanwhile; what this one typed must be shown again, not lost."""

    message = "同仁剛存了較新的版本。您寫的內容還在下面，沒有存入；請對照後再存一次。"


class NeedsSignOff(BadInput):
    message = "答復要先送主管核可，才能發文。"


class NotYourOwn(BadInput):
    message = "自己送核的稿要由另一位主管核判；如果由您決行，請抽回後直接答復。"


def save_draft(
    case_id: int, *, body: str, method: Method, by: Actor, now: datetime, version: int | None = None
) -> Draft:
    """Keep an answer that is being written.

    `version` is the one that the writer began from: DraftChanged when a colleague has saved since.
    """
    with transaction() as session:
        case = load(session, case_id, by, Act.SAVE_DRAFT)
        draft = _keep_draft(session, case, body, method, by, now, version)
        record(
            session, "case.draft_saved", "case", case.number, actor_id=by.id, now=now, version=draft.version
        )
    return draft


def submit(
    case_id: int, *, body: str, method: Method, by: Actor, now: datetime, version: int | None = None
) -> Draft:
    """Hand an answer in for sign-off (送核)."""
    with transaction() as session:
        case = load(session, case_id, by, Act.SUBMIT, refused=AlreadyAnswered)
        _refuse_while_others_are_asked(session, case)
        draft = _keep_draft(session, case, body, method, by, now, version)
        draft.state = DraftState.SUBMITTED
        case.handler_id = case.handler_id or by.id
        advance(case, Act.SUBMIT, now=now)
        keep(session, case, EventKind.SUBMITTED, by=by, now=now, version=draft.version)
    return draft


def _keep_draft(
    session: Session, case: Case, body: str, method: Method, by: Actor, now: datetime, version: int | None
) -> Draft:
    """Write the working draft: the author's own is replaced, a colleague's stays as an older version."""
    newest = session.scalar(
        sa.select(Draft).where(Draft.case_id == case.id).order_by(Draft.version.desc()).limit(1)
    )
    if version is not None and newest is not None and newest.version != version:
        raise DraftChanged
    if newest is not None and newest.state is DraftState.WORKING:
        if newest.author_id == by.id:
            newest.body, newest.method, newest.written_at = body, method, now
            return newest
        newest.state = DraftState.DROPPED
        session.flush()
    draft = Draft(
        case_id=case.id, version=newest.version + 1 if newest else 1, body=body, method=method,
        author_id=by.id, written_at=now, state=DraftState.WORKING,
    )  # fmt: skip
    session.add(draft)
    session.flush()
    return draft


def recall(case_id: int, *, by: Actor, now: datetime) -> Case:
    """Take a draft back that waits for sign-off or sending, to change it."""
    with transaction() as session:
        case = load(session, case_id, by, Act.RECALL)
        draft = _current(session, case)
        draft.state = DraftState.RECALLED
        advance(case, Act.RECALL, now=now)
        keep(session, case, EventKind.RECALLED, by=by, now=now, version=draft.version)
    return case


def send_back(case_id: int, *, comment: str, by: Actor, now: datetime) -> Case:
    """Give a draft back to its author, saying what to change (退回修改)."""
    with transaction() as session:
        case = load(session, case_id, by, Act.RETURN)
        draft = _decide(session, case, DraftState.RETURNED, by, now, comment)
        advance(case, Act.RETURN, now=now)
        keep(session, case, EventKind.RETURNED, by=by, now=now, note=comment, version=draft.version)
    return case


def approve(case_id: int, *, by: Actor, now: datetime, comment: str = "") -> Case:
    """Sign a draft off (核判). Raises NotYourOwn for one's own."""
    with transaction() as session:
        case = load(session, case_id, by, Act.APPROVE)
        if _current(session, case).author_id == by.id:
            raise NotYourOwn
        draft = _decide(session, case, DraftState.APPROVED, by, now, comment)
        advance(case, Act.APPROVE, now=now)
        keep(session, case, EventKind.APPROVED, by=by, now=now, note=comment, version=draft.version)
    return case


def send(case_id: int, *, by: Actor, profile: Profile, site_url: str, now: datetime) -> Case:
    """Send the draft that was signed off (發文)."""
    with transaction() as session:
        case = load(session, case_id, by, Act.SEND, refused=AlreadyAnswered)
        draft = _current(session, case)
        draft.state = DraftState.SENT
        _deliver(session, case, draft, Act.SEND, by=by, profile=profile, site_url=site_url, now=now)
    return case


def answer(
    case_id: int,
    *,
    body: str,
    by: Actor,
    profile: Profile,
    site_url: str,
    now: datetime,
    method: Method = Method.WRITTEN,
) -> Case:
    """Answer without another's sign-off: by a head, or where the agency asks for none.

    Raises NotFound when the letter is outside the person's units, AlreadyAnswered when a colleague was
    first, NeedsSignOff when a head must see it before.
    """
    with transaction() as session:
        case = load(session, case_id, by, Act.REPLY, refused=AlreadyAnswered)
        if profile.answering.sign_off and not by.may(Permission.CASE_APPROVE):
            raise NeedsSignOff
        _refuse_while_others_are_asked(session, case)
        draft = _keep_draft(session, case, body, method, by, now, None)
        draft.state, draft.decided_by, draft.decided_at = DraftState.SENT, by.id, now
        _deliver(session, case, draft, Act.REPLY, by=by, profile=profile, site_url=site_url, now=now)
    return case


def _deliver(
    session: Session, case: Case, draft: Draft, act: Act, *, by: Actor, profile: Profile, site_url: str,
    now: datetime,
) -> None:  # fmt: skip
    """The draft becomes the answer, or the second reply, and reaches everybody who waits for it."""
    case.handler_id = case.handler_id or draft.author_id
    first = case.answered_at is None
    advance(case, act, now=now)
    keep(session, case, EventKind.ANSWERED, by=by, now=now, version=draft.version)
    if not first:
        say(
            session, case, MessageKind.SECOND_REPLY, draft.body, by=by, profile=profile, site_url=site_url,
            now=now,
        )  # fmt: skip
        return
    case.answered_at, case.answered_late = now, now > case.due_at
    session.add(
        Reply(
            case_id=case.id, author_id=draft.author_id, approved_by=draft.decided_by, method=draft.method,
            body=draft.body, sent_at=now,
        )
    )  # fmt: skip
    email = case.contact.email if case.contact else ""
    mails.send_answer(session, case, email, draft.body, profile=profile, site_url=site_url, now=now)
    for other in session.scalars(_merged_into(case)):
        say(
            session, other, MessageKind.MERGED, draft.body, by=by, profile=profile, site_url=site_url, now=now
        )


def _merged_into(case: Case) -> sa.Select[Case]:
    wanted = sa.select(Case).where(Case.merged_into_id == case.id).order_by(Case.id)
    return wanted.options(joinedload(Case.contact))


def _current(session: Session, case: Case) -> Draft:
    wanted = sa.select(Draft).where(Draft.case_id == case.id, Draft.state.in_(CURRENT))
    return session.scalars(wanted.execution_options(populate_existing=True)).one()


def _decide(session: Session, case: Case, state: DraftState, by: Actor, now: datetime, comment: str) -> Draft:
    draft = _current(session, case)
    draft.state, draft.decided_by, draft.decided_at, draft.comment = state, by.id, now, comment
    return draft


def _refuse_while_others_are_asked(session: Session, case: Case) -> None:
    waited_for = units_waited_for(session, case)
    if waited_for:
        raise BadInput(f"還在等會辦單位回復：{'、'.join(waited_for)}。請等對方回復，或先取消會辦。")


def close(case_id: int, *, by: Actor, now: datetime) -> Case:
    """Put an answered letter away."""
    with transaction() as session:
        case = load(session, case_id, by, Act.CLOSE)
        advance(case, Act.CLOSE, now=now)
        keep(session, case, EventKind.CLOSED, by=by, now=now)
    return case


def close_answered(now: datetime, *, profile: Profile) -> int:
    """Close letters that were answered some time ago and not rated low; return how many."""
    days = timedelta(days=profile.answering.close_after_days)
    settled = sa.select(Case.id).where(
        Case.status == Status.ANSWERED, Case.settled_at < start_of(local_date(now)) - days
    )
    closed = 0
    for case_id in db.session.scalars(settled.order_by(Case.id)).all():
        with transaction() as session:
            case = session.scalar(
                sa.select(Case).where(Case.id == case_id, Case.status == Status.ANSWERED).with_for_update()
            )
            if case is not None:
                advance(case, Act.CLOSE, now=now)
                keep(session, case, EventKind.CLOSED, by=None, now=now)
                closed += 1
    return closed


def reopen(session: Session, case: Case, *, profile: Profile, now: datetime) -> bool:
    """Open an answered letter again for a second reply, in the caller's transaction.

    False when there has been a second reply, or the letter cannot be opened from its state.
    """
    again = sa.exists().where(Message.case_id == case.id, Message.kind == MessageKind.SECOND_REPLY)
    if session.scalar(sa.select(again)):
        return False
    try:
        advance(case, Act.REOPEN, now=now)
    except NotAllowed:
        return False
    session.flush()
    reckon(session, case, profile=profile)
    keep(session, case, EventKind.REOPENED, by=None, now=now)
    return True
