"""A newer reading in the place of an older one: what it may change of a letter, and what stays."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from feedback.models import Case, CaseEvent, EventKind, Suggestion
from feedback.queries import URGENCY_JUDGED
from feedback.services.suggesting import (
    HANDED_OVER,
    Guess,
    likely_unit,
    record_suggestion,
    suspected_topic,
    take_urgency,
)
from feedback.states import Status
from portal.audit import AuditEvent
from portal.db import transaction
from portal.profile import Profile
from portal.units import Unit


class Effect(enum.Enum):
    """What a reading did; one letter may have several."""

    RENEWED = "重新判讀"
    CHANGED = "其中建議的主題與先前不同"
    FIRST = "第一次判讀"
    BROUGHT = "從收件單位送到承辦單位"
    HIDDEN = "可能涉及限閱主題，已隱藏"
    LEFT = "可能涉及限閱主題，但同仁已分派或移轉，未更動"
    SKIPPED = "已由其他程序判讀，略過"


def renew_suggestions(
    guesses: Sequence[tuple[int, Guess]], *, version_id: str, profile: Profile, now: datetime
) -> Counter[Effect]:
    """Put new readings in the place of older ones, all in one transaction; once, however often it is called.

    What a person decided stays: topic, unit, handler, state, and that a letter is restricted. So does the
    unit a letter lies in, with two exceptions among open letters that nobody has confirmed, handed over,
    filed with a unit or assigned. One that may be about a restricted topic is hidden with that topic's unit,
    as a new letter would be. One that waits with the default owner because its topic was unsure is brought
    to its likely unit. A letter that holds an urgent phrase of the agency becomes urgent; an alarm that a
    person has judged does not come back.
    """
    effects: Counter[Effect] = Counter()
    with transaction() as session:
        cases = _locked(session, [case_id for case_id, _ in guesses])
        desk = _desk(session, list(cases.values()), profile, now)
        for case_id, guess in guesses:
            case = cases.get(case_id)
            if case is None or (case.suggestion and case.suggestion.model_version == version_id):
                effects[Effect.SKIPPED] += 1
            elif case.suggestion is None:
                record_suggestion(case_id, guess, profile=profile, now=now)
                effects[Effect.FIRST] += 1
            else:
                effects.update(_renew_one(session, case, guess, desk))
    return effects


def _locked(session: Session, ids: list[int]) -> dict[int, Case]:
    """The letters with their suggestions, held until the end, in the order in which every writer takes them.

    Suggestions come by a statement of their own: on PostgreSQL a join would show them as they were before
    the wait for the lock.
    """
    query = sa.select(Case).where(Case.id.in_(ids)).order_by(Case.id).with_for_update()
    return {case.id: case for case in session.scalars(query.options(selectinload(Case.suggestion)))}


@dataclass(frozen=True, slots=True)
class _Desk:
    """What placing the letters of a batch needs, looked up once for all of them.

    `filed` are letters that a person put where they are: handed over, or taken in by a unit of its own;
    `judged` the numbers of those whose urgency a person has judged.
    """

    profile: Profile
    now: datetime
    units: dict[str, int]
    filed: set[int]
    judged: set[str]


def _desk(session: Session, cases: list[Case], profile: Profile, now: datetime) -> _Desk:
    ids = [case.id for case in cases]
    units: dict[str, int] = dict(session.execute(sa.select(Unit.code, Unit.id)).all())
    taken_elsewhere = sa.and_(
        CaseEvent.kind == EventKind.RECEIVED, CaseEvent.unit_id != units[profile.default_owner]
    )
    by_person = sa.or_(CaseEvent.kind.in_(HANDED_OVER), taken_elsewhere)
    filed = session.scalars(sa.select(CaseEvent.case_id).where(CaseEvent.case_id.in_(ids), by_person))
    judged = session.scalars(
        sa.select(AuditEvent.object_id).where(
            AuditEvent.object_type == "case",
            AuditEvent.action == URGENCY_JUDGED,
            AuditEvent.object_id.in_([case.number for case in cases]),
        )
    )
    return _Desk(profile, now, units, set(filed), set(judged))


def _renew_one(session: Session, case: Case, guess: Guess, desk: _Desk) -> list[Effect]:
    kept: Any = case.suggestion
    effects = [Effect.RENEWED] + [Effect.CHANGED] * (kept.topic != guess.topic)
    for name in sa.inspect(Suggestion).column_attrs.keys() & vars(guess).keys():
        setattr(kept, name, getattr(guess, name))
    kept.created_at = desk.now
    take_urgency(session, case, guess, desk.profile, desk.now)
    if case.number in desk.judged and not case.urgent:
        kept.alarm = False
    if case.topic is not None:
        return effects
    was_unsure, case.likely_topic = case.likely_topic is None, None if guess.abstained else guess.topic
    if not case.status.is_open:
        return effects
    placed = _place(case, guess, desk, was_unsure=was_unsure)
    if placed:
        effects.append(placed)
    if {Effect.CHANGED, Effect.BROUGHT, Effect.HIDDEN}.intersection(effects):
        told = CaseEvent(
            case_id=case.id, at=desk.now, kind=EventKind.SUGGESTED, unit_id=case.unit_id, topic=guess.topic
        )
        session.add(told)
    return effects


def _place(case: Case, guess: Guess, desk: _Desk, *, was_unsure: bool) -> Effect | None:
    """Hide or bring an open, unconfirmed letter where `renew_suggestions` says so."""
    if case.restricted:
        return None
    profile = desk.profile
    suspect = suspected_topic(guess, profile)
    if case.id in desk.filed or case.handler_id is not None or case.status is not Status.RECEIVED:
        return Effect.LEFT if suspect else None
    if suspect:
        case.restricted, case.unit_id = True, desk.units[profile.route(suspect, case.county)]
        return Effect.HIDDEN
    likely = likely_unit(guess, case.county, profile)
    waits = was_unsure and case.unit_id == desk.units[profile.default_owner]
    if not waits or likely in (None, profile.default_owner):
        return None
    case.unit_id = desk.units[str(likely)]
    return Effect.BROUGHT
