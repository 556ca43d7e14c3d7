"""The clock of a letter: asking the citizen, the first word, more time, and counting it all anew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback import clocks, mails
from feedback.models import Case, CaseEvent, EventKind, Extension, Message, MessageKind, Pause, Rating
from feedback.services.acting import advance, keep, load, load_for_citizen
from feedback.states import Act, Status
from portal.access import Actor
from portal.calendars import office_calendar
from portal.clock import ONE_DAY, OfficeCalendar, start_of
from portal.db import db, transaction
from portal.errors import BadInput, Conflict
from portal.profile import Profile

BATCH = 500
WithMessage = Callable[[Session, Case, Message], None]


class NoMoreTime(Conflict):
    message = "這封信的期限已經展延過，不能再展延。"


def reckon(session: Session, case: Case, *, profile: Profile, calendar: OfficeCalendar | None = None) -> None:
    """Count the letter's deadline anew from everything that has a say in it."""
    calendar = calendar or office_calendar(session, profile)
    reopened = None
    if case.answered_at is not None:
        reopened = session.scalar(sa.select(Rating.rated_at).where(Rating.case_id == case.id))
    started = reopened or case.received_at
    deadline = profile.deadlines.second_reply if reopened else profile.deadlines.for_answer(case.voice)
    steps = [step for step in _steps(session, case) if clocks.began(step) >= started]
    case.due_at = clocks.due(started, deadline, steps, calendar)


def _steps(session: Session, case: Case) -> list[clocks.Step]:
    pauses = session.scalars(sa.select(Pause).where(Pause.case_id == case.id))
    extensions = session.scalars(sa.select(Extension).where(Extension.case_id == case.id))
    return [
        *(clocks.Halt(pause.began_at, pause.ended_at) for pause in pauses),
        *(clocks.More(item.granted_at, item.days, item.basis) for item in extensions),
    ]


def reschedule(
    session: Session,
    *,
    changed: frozenset[date],
    profile: Profile,
    calendar: OfficeCalendar,
    by: Actor | None,
    now: datetime,
) -> int:
    """Count the open letters' deadlines anew after days became off or worked; return how many moved.

    Only a letter that was waiting on one of the days can be due at another moment.
    """
    moved = 0
    first, end = start_of(min(changed)), start_of(max(changed) + ONE_DAY)
    waiting = (
        sa.select(Case)
        .where(Case.settled_at.is_(None), Case.received_at < end, Case.due_at >= first)
        .order_by(Case.id)
        .with_for_update()
    )
    for case in session.scalars(waiting.execution_options(yield_per=BATCH)):
        before = case.due_at
        reckon(session, case, profile=profile, calendar=calendar)
        if case.due_at != before:
            moved += 1
            session.add(
                CaseEvent(
                    case_id=case.id, at=now, kind=EventKind.RESCHEDULED, unit_id=case.unit_id,
                    actor_id=by.id if by else None,
                )
            )  # fmt: skip
    return moved


def ask_citizen(
    case_id: int, *, question: str, by: Actor, profile: Profile, site_url: str, now: datetime
) -> Case:
    """Ask the citizen for what is missing (補陳). The clock stands still until it comes."""
    with transaction() as session:
        case = load(session, case_id, by, Act.ASK_CITIZEN)
        calendar, allowed = office_calendar(session, profile), profile.deadlines.supplement
        until = calendar.deadline(now, allowed.days, allowed.basis)
        session.add(Pause(case_id=case.id, began_at=now, until=until))
        advance(case, Act.ASK_CITIZEN, now=now)
        keep(session, case, EventKind.ASKED_CITIZEN, by=by, now=now)
        say(
            session, case, MessageKind.ASKED, question, by=by, profile=profile, site_url=site_url, now=now,
            until=until,
        )  # fmt: skip
    return case


def supplement(
    case_id: int, *, body: str, profile: Profile, now: datetime, also: WithMessage | None = None
) -> Case:
    """Keep what the citizen adds to an open letter; the clock goes on. The caller has checked the secret.

    `also` adds to the message in the same transaction.
    """
    with transaction() as session:
        case = load_for_citizen(session, case_id, Act.SUPPLEMENT)
        message = Message(case_id=case.id, kind=MessageKind.SUPPLEMENT, body=body, sent_at=now)
        session.add(message)
        if also:
            session.flush()
            also(session, case, message)
        was_waiting = case.status is Status.AWAITING_CITIZEN
        advance(case, Act.SUPPLEMENT, now=now)
        keep(session, case, EventKind.SUPPLEMENTED, by=None, now=now)
        if was_waiting:
            end_pause(session, case, profile=profile, now=now)
    return case


def stop_waiting(case_id: int, *, by: Actor, profile: Profile, now: datetime) -> Case:
    """Go on without what the citizen was asked for."""
    with transaction() as session:
        case = load(session, case_id, by, Act.STOP_WAITING)
        _go_on(session, case, by=by, profile=profile, now=now)
    return case


def end_lapsed_pauses(now: datetime, *, profile: Profile) -> int:
    """Go on with every letter whose citizen has let the time for a supplement pass; return how many."""
    lapsed = sa.select(Pause.case_id).where(Pause.ended_at.is_(None), Pause.until < now).order_by(Pause.id)
    ids = list(db.session.scalars(lapsed))
    for case_id in ids:
        with transaction() as session:
            case = session.scalar(sa.select(Case).where(Case.id == case_id).with_for_update())
            if case is not None and case.status is Status.AWAITING_CITIZEN:
                _go_on(session, case, by=None, profile=profile, now=now)
    return len(ids)


def _go_on(session: Session, case: Case, *, by: Actor | None, profile: Profile, now: datetime) -> None:
    advance(case, Act.STOP_WAITING, now=now)
    keep(session, case, EventKind.WAITING_ENDED, by=by, now=now)
    end_pause(session, case, profile=profile, now=now)


def end_pause(session: Session, case: Case, *, profile: Profile, now: datetime) -> None:
    """Let the clock run again, in the caller's transaction."""
    session.execute(
        sa.update(Pause).where(Pause.case_id == case.id, Pause.ended_at.is_(None)).values(ended_at=now)
    )
    reckon(session, case, profile=profile)


def interim(case_id: int, *, body: str, by: Actor, profile: Profile, site_url: str, now: datetime) -> Case:
    """Tell the citizen what is being done (初復). The deadline stays."""
    with transaction() as session:
        case = load(session, case_id, by, Act.INTERIM)
        case.handler_id = case.handler_id or by.id
        advance(case, Act.INTERIM, now=now)
        keep(session, case, EventKind.INTERIM, by=by, now=now)
        say(session, case, MessageKind.INTERIM, body, by=by, profile=profile, site_url=site_url, now=now)
    return case


def extend(
    case_id: int, *, days: int, reason: str, by: Actor, profile: Profile, site_url: str, now: datetime
) -> Case:
    """Grant more time; the reason is sent to the citizen in writing (要點).

    Raises NoMoreTime when this answer has been given as many extensions as the profile allows.
    """
    allowed = profile.deadlines.extension
    if not 1 <= days <= allowed.days:
        raise BadInput(f"展延日數要在 1 到 {allowed.days} 天之間。")
    with transaction() as session:
        case = load(session, case_id, by, Act.EXTEND)
        if _extensions(session, case) >= profile.deadlines.max_extensions:
            raise NoMoreTime
        session.add(
            Extension(
                case_id=case.id,
                days=days,
                basis=allowed.basis,
                reason=reason,
                granted_by=by.id,
                granted_at=now,
            )
        )
        advance(case, Act.EXTEND, now=now)
        reckon(session, case, profile=profile)
        keep(session, case, EventKind.EXTENDED, by=by, now=now, note=reason, days=days)
        say(
            session, case, MessageKind.EXTENSION, reason, by=by, profile=profile, site_url=site_url, now=now,
            until=case.due_at,
        )  # fmt: skip
    return case


def _extensions(session: Session, case: Case) -> int:
    """How often the answer that is due now was given more time."""
    since = case.answered_at or case.received_at
    granted = sa.select(sa.func.count()).where(Extension.case_id == case.id, Extension.granted_at >= since)
    return session.scalar(granted) or 0


def say(
    session: Session,
    case: Case,
    kind: MessageKind,
    body: str,
    *,
    by: Actor,
    profile: Profile,
    site_url: str,
    now: datetime,
    **facts: Any,
) -> Message:
    """Write to the citizen in the caller's transaction: on the tracking page, and by mail when there is an
    address. `facts` are what the mail's frame says besides."""
    message = Message(case_id=case.id, kind=kind, author_id=by.id, body=body, sent_at=now)
    session.add(message)
    session.flush()
    mails.send_message(session, case, message, profile=profile, site_url=site_url, now=now, **facts)
    return message
