"""Handling letters: suggestion, topic, unit, handler, answer, close. The only writers of a case."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from feedback import mails
from feedback.models import Case, CaseEvent, EventKind, Reply, Suggestion, TopicLabel
from feedback.queries import URGENCY_JUDGED, visible_to
from feedback.states import TRANSITIONS, Act, NotAllowed, move
from portal.access import Actor
from portal.accounts.models import User
from portal.audit import record
from portal.db import transaction
from portal.errors import BadInput, Conflict, NotFound
from portal.profile import Profile
from portal.units import Unit, unit_by_code


class AlreadyAnswered(Conflict):
    message = "這封信已由同仁答復。"


class AlreadyConfirmed(Conflict):
    """A colleague said what the letter is about a moment before."""


class AlreadyJudged(Conflict):
    message = "這封信是否緊急，已經判斷過了。"


SUSPECT_FROM = 0.1
"""Probability from which an unsure guess hides a letter. On the starter corpus, out of fold, this finds
nine in ten letters about restricted topics and hides three in a hundred others."""

OWN_UNIT_ACTS = frozenset({Act.ASSIGN, Act.REPLY, Act.CLOSE})
"""What only the unit that owns a letter does; whoever sees all units sorts letters but answers its own."""


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
        case.urgent = case.urgent or guess.urgent_phrase is not None
        if case.topic is not None:
            return
        case.likely_topic = None if guess.abstained else guess.topic
        if not case.status.is_open:
            return
        if not _is_filed(session, case, profile):
            _bring_to_unit(session, case, guess, profile)
        session.add(
            CaseEvent(
                case_id=case_id, at=now, kind=EventKind.SUGGESTED, unit_id=case.unit_id, topic=guess.topic
            )
        )


def _is_filed(session: Session, case: Case, profile: Profile) -> bool:
    """Whether a person has put the letter where it is."""
    handed_over = sa.exists().where(CaseEvent.case_id == case.id, CaseEvent.kind == EventKind.TRANSFERRED)
    at_default = unit_by_code(session, profile.default_owner).id == case.unit_id
    return not at_default or bool(session.scalar(sa.select(handed_over)))


def _bring_to_unit(session: Session, case: Case, guess: Guess, profile: Profile) -> None:
    suspect = suspected_topic(guess, profile)
    likely = profile.route(suspect, case.county) if suspect else likely_unit(guess, case.county, profile)
    case.restricted = case.restricted or suspect is not None
    if likely is not None:
        case.unit_id = unit_by_code(session, likely).id


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


def likely_unit(guess: Guess, county: str, profile: Profile) -> str | None:
    """The unit that a letter most likely belongs to, when that is sure enough.

    The topic may be unsure while the unit is not: neighbouring topics often have one owner, and then
    their probabilities add up.
    """
    if not guess.abstained:
        return profile.route(guess.topic, county)
    shares: Counter[str] = Counter()
    for candidate in guess.candidates:
        if candidate["topic"] not in profile.restricted_topics:
            shares[profile.route(candidate["topic"], county)] += candidate["probability"]
    unit, share = max(shares.items(), key=lambda item: item[1], default=("", 0.0))
    return unit if share >= guess.sure_from else None


def confirm_topic(
    case_id: int, *, topic: str, by: Actor, profile: Profile, now: datetime, first: bool = False
) -> Case:
    """Say what a letter is about. It moves when the topic is not answered by the unit that has it.

    `first` is for pages that show unconfirmed letters: it raises AlreadyConfirmed instead of overwriting
    what a colleague said meanwhile.
    """
    spec = profile.topic(topic)
    if spec is None:
        raise BadInput("請從清單選擇主題。")
    with transaction() as session:
        case = _load(session, case_id, by, Act.CONFIRM_TOPIC)
        if first and case.topic is not None:
            raise AlreadyConfirmed(
                f"{case.number} 剛由同仁確認為「{profile.topic_name(case.topic)}」，您的選擇沒有送出。"
            )
        guessed = session.get(Suggestion, case_id)
        case.topic = case.likely_topic = topic
        case.topic_confirmed_at, case.topic_confirmed_by = now, by.id
        case.restricted = spec.restricted
        if spec.restricted:
            case.handler_id = None  # whoever had it may not read it any more
        session.add(_label(case, guessed, by, now))
        _note(session, case, EventKind.TOPIC_CONFIRMED, by, now, topic=topic)
        record(
            session, "case.topic_confirmed", "case", case.number, actor_id=by.id, now=now,
            topic=topic, suggested=guessed.topic if guessed else None,
        )  # fmt: skip
        if not profile.answers(topic, case.unit.code):
            _hand_over(
                session, case, unit_by_code(session, profile.route(topic, case.county)), by, now, "依主題分文"
            )
    return case


def _label(case: Case, guessed: Suggestion | None, by: Actor, now: datetime) -> TopicLabel:
    """What the classifier can learn from this decision, and be judged by."""
    return TopicLabel(
        case_id=case.id, topic=case.topic, confirmed_at=now, confirmed_by=by.id,
        suggested=guessed.topic if guessed else None, abstained=guessed.abstained if guessed else False,
        model_version=guessed.model_version if guessed else None,
    )  # fmt: skip


def judge_urgency(case_id: int, *, urgent: bool, by: Actor, now: datetime) -> Case:
    """Say whether a letter that only the model takes for urgent is so. A dismissed alarm is gone.

    Whoever may sort a letter may judge it. Raises AlreadyJudged when there is no alarm to judge.
    """
    with transaction() as session:
        case = _load(session, case_id, by, Act.CONFIRM_TOPIC)
        guessed = session.get(Suggestion, case_id)
        if case.urgent or guessed is None or not guessed.alarm:
            raise AlreadyJudged
        if urgent:
            case.urgent = True
        else:
            guessed.alarm = False
        record(
            session, URGENCY_JUDGED, "case", case.number, actor_id=by.id, now=now, urgent=urgent
        )  # fmt: skip
    return case


def transfer(case_id: int, *, unit_id: int, reason: str, by: Actor, now: datetime) -> Case:
    """Hand a letter to another unit, saying why.

    A restricted letter leaves its owner by correcting its topic only: elsewhere nobody could see it.
    """
    with transaction() as session:
        case = _load(session, case_id, by, Act.TRANSFER)
        if case.restricted:
            raise BadInput("限閱的信不能移轉。如果不屬這類事項，請更正主題，信會移到負責的單位。")
        unit = session.get(Unit, unit_id)
        if unit is None or not unit.active or unit.id == case.unit_id:
            raise BadInput("請選擇另一個單位。")
        _hand_over(session, case, unit, by, now, reason)
    return case


def assign(case_id: int, *, handler_id: int, by: Actor, now: datetime) -> Case:
    """Give a letter to a person of the unit that owns it."""
    with transaction() as session:
        case = _load(session, case_id, by, Act.ASSIGN)
        handler = session.get(User, handler_id)
        if handler is None or not handler.active or handler.unit_id != case.unit_id:
            raise BadInput("請選擇本單位的同仁。")
        case.handler_id, case.status = handler.id, move(case.status, Act.ASSIGN)
        _note(session, case, EventKind.ASSIGNED, by, now, note=handler.name)
        record(session, "case.assigned", "case", case.number, actor_id=by.id, now=now, handler_id=handler.id)
    return case


def answer(case_id: int, *, body: str, by: Actor, profile: Profile, site_url: str, now: datetime) -> Case:
    """Send the unit's answer.

    Raises NotFound when the letter is outside the person's units, AlreadyAnswered when a colleague
    was first.
    """
    with transaction() as session:
        case = _load(session, case_id, by, Act.REPLY, refused=AlreadyAnswered)
        case.status, case.answered_at = move(case.status, Act.REPLY), now
        case.handler_id = case.handler_id or by.id
        session.add(Reply(case_id=case.id, author_id=by.id, body=body, sent_at=now))
        _note(session, case, EventKind.ANSWERED, by, now)
        record(session, "case.answered", "case", case.number, actor_id=by.id, now=now)
        email = case.contact.email if case.contact else ""
        mails.send_answer(session, case, email, body, profile=profile, site_url=site_url, now=now)
    return case


def close(case_id: int, *, by: Actor, now: datetime) -> Case:
    """Put an answered letter away."""
    with transaction() as session:
        case = _load(session, case_id, by, Act.CLOSE)
        case.status, case.closed_at = move(case.status, Act.CLOSE), now
        _note(session, case, EventKind.CLOSED, by, now)
        record(session, "case.closed", "case", case.number, actor_id=by.id, now=now)
    return case


def may_act(by: Actor, unit_id: int, act: Act) -> bool:
    """Whether a person may do this to a letter of that unit, as far as its state allows."""
    return by.may(TRANSITIONS[act].permission) and (act not in OWN_UNIT_ACTS or by.unit_id == unit_id)


def _load(session: Session, case_id: int, by: Actor, act: Act, refused: type[Conflict] = NotAllowed) -> Case:
    """The letter, locked, if the person may see it and the act starts from its state."""
    case = session.scalar(
        visible_to(by)
        .where(Case.id == case_id)
        .options(joinedload(Case.unit), joinedload(Case.contact))
        .with_for_update(of=Case)
    )
    if case is None or not may_act(by, case.unit_id, act):
        raise NotFound
    if case.status not in TRANSITIONS[act].sources:
        raise refused
    return case


def _hand_over(session: Session, case: Case, unit: Unit, by: Actor, now: datetime, reason: str) -> None:
    case.unit_id, case.unit, case.handler_id = unit.id, unit, None
    case.status = move(case.status, Act.TRANSFER)
    _note(session, case, EventKind.TRANSFERRED, by, now, note=reason)
    record(session, "case.transferred", "case", case.number, actor_id=by.id, now=now, unit=unit.code)


def _note(
    session: Session,
    case: Case,
    kind: EventKind,
    by: Actor,
    now: datetime,
    *,
    topic: str | None = None,
    note: str = "",
) -> None:
    session.add(
        CaseEvent(
            case_id=case.id, at=now, kind=kind, actor_id=by.id, unit_id=case.unit_id, topic=topic, note=note
        )
    )
