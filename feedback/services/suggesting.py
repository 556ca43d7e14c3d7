"""What the classifier says of a letter, and what that does to it before a person has decided."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.models import Case, CaseEvent, EventKind, Suggestion
from feedback.services.escalation import escalate, tell_new_unit
from portal.db import transaction
from portal.errors import NotFound
from portal.profile import Profile
from portal.units import unit_by_code

SUSPECT_FROM = 0.1
"""Probability from which an unsure guess hides a letter. On the starter corpus, out of fold, this finds
nine in ten letters about restricted topics and hides three in a hundred others."""

HANDED_OVER = (EventKind.TRANSFERRED, EventKind.DISPATCHED)
"""A person has put the letter where it is."""


@dataclass(frozen=True, kw_only=True)
class Guess:
    """What the classifier says of one letter; see `feedback.models.Suggestion`.

    `sure_from` is the probability from which the classifier is sure; it is not stored.
    """

    model_version: str
    topic: str
    probability: float
    abstained: bool
    voice: str | None
    candidates: list[dict[str, Any]]
    words: list[str]
    against: list[str] = field(default_factory=list)
    marks: list[list[int]] = field(default_factory=list)
    secondary: list[str] = field(default_factory=list)
    rule: str | None = None
    alarm: bool = False
    urgent_phrase: str | None = None
    margin: float = 0.0
    unknown_words: float | None = None
    sure_from: float = 1.0


def record_suggestion(case_id: int, guess: Guess, *, profile: Profile, now: datetime) -> None:
    """Keep the classifier's guess, once, and bring the letter to its likely unit.

    A person's decision is never changed: a letter whose topic was confirmed, that was handed over or
    filed with a unit, or is already answered stays where it is. One whose unit is unsure stays with
    the default owner. One that may be about a restricted topic is hidden at once: wrongly hidden is
    found by its owner, wrongly shown cannot be undone. The agency's urgent words make a letter urgent
    however they are written; what only the model takes for urgent waits for a person.
    """
    with transaction() as session:
        case = session.scalar(sa.select(Case).where(Case.id == case_id).with_for_update())
        if case is None:
            raise NotFound
        if case.classified_at is not None:
            return  # another runner was first
        kept = {name: value for name, value in vars(guess).items() if name != "sure_from"}
        session.add(Suggestion(case_id=case_id, created_at=now, **kept))
        case.classified_at = now
        _protect(case, guess, profile)
        if case.topic is None:
            case.likely_topic = None if guess.abstained else guess.topic
            if case.status.is_open:
                _route(session, case, guess, profile, now)
        take_urgency(session, case, guess, profile, now)


def _route(session: Session, case: Case, guess: Guess, profile: Profile, now: datetime) -> None:
    """Bring an unsorted letter to its likely unit, unless a person has put it somewhere."""
    if not _is_filed(session, case, profile):
        _bring_to_unit(session, case, guess, profile, now)
    session.add(
        CaseEvent(case_id=case.id, at=now, kind=EventKind.SUGGESTED, unit_id=case.unit_id, topic=guess.topic)
    )


def take_urgency(session: Session, case: Case, guess: Guess, profile: Profile, now: datetime) -> None:
    """The agency's words of danger make a letter urgent, however they are written."""
    if guess.urgent_phrase is None:
        return
    if guess.urgent_phrase not in case.urgent_words:
        case.urgent_words = [*case.urgent_words, guess.urgent_phrase]
    if not case.urgent and case.status.is_open:
        case.urgent = True
        escalate(session, case, profile=profile, now=now)


def _protect(case: Case, guess: Guess, profile: Profile) -> None:
    """Who seems to report somebody is protected until a person says otherwise."""
    voice = profile.voice_called(guess.voice)
    if case.voice is None and voice is not None and voice.confidential:
        case.confidential = True


def _is_filed(session: Session, case: Case, profile: Profile) -> bool:
    """Whether a person has put the letter where it is."""
    handed_over = sa.exists().where(CaseEvent.case_id == case.id, CaseEvent.kind.in_(HANDED_OVER))
    at_default = unit_by_code(session, profile.default_owner).id == case.unit_id
    return not at_default or bool(session.scalar(sa.select(handed_over)))


def _bring_to_unit(session: Session, case: Case, guess: Guess, profile: Profile, now: datetime) -> None:
    suspect = suspected_topic(guess, profile)
    asks = profile.asks_interpretation(f"{case.subject}\n{case.body}")
    likely = (
        profile.route(suspect, case.county) if suspect else likely_unit(guess, case.county, profile, asks)
    )
    case.restricted = case.restricted or suspect is not None
    if likely is not None and unit_by_code(session, likely).id != case.unit_id:
        case.unit_id = unit_by_code(session, likely).id
        tell_new_unit(session, case, now=now)


def suspected_topic(guess: Guess, profile: Profile) -> str | None:
    """The restricted topic that a letter may be about: the first guess, or a lesser one when unsure."""
    if guess.topic in profile.restricted_topics:
        return guess.topic
    if not guess.abstained:
        return None
    suspects = (
        candidate["topic"]
        for candidate in guess.candidates
        if candidate["topic"] in profile.restricted_topics and candidate["probability"] >= SUSPECT_FROM
    )
    return next(suspects, None)


def likely_unit(guess: Guess, county: str, profile: Profile, interpretation: bool = False) -> str | None:
    """The unit that a letter most likely belongs to, when that is sure enough.

    The topic may be unsure while the unit is not: neighbouring topics often have one owner, and then
    their probabilities add up.
    """
    if not guess.abstained:
        return profile.route(guess.topic, county, interpretation=interpretation)
    shares: Counter[str] = Counter()
    for candidate in guess.candidates:
        if candidate["topic"] not in profile.restricted_topics:
            unit = profile.route(candidate["topic"], county, interpretation=interpretation)
            shares[unit] += candidate["probability"]
    unit, share = max(shares.items(), key=lambda item: item[1], default=("", 0.0))
    return unit if share >= guess.sure_from else None
