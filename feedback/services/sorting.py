"""What a letter is about, as a person says: topic, voice, urgency; and where that brings it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from feedback.models import Case, EventKind, Suggestion, TopicLabel
from feedback.queries import URGENCY_JUDGED
from feedback.services.acting import advance, keep, load
from feedback.services.deadlines import reckon
from feedback.services.escalation import escalate
from feedback.services.routing import hand_over, propose
from feedback.states import Act, Petition
from portal.access import Actor
from portal.audit import record
from portal.db import transaction
from portal.errors import BadInput, Conflict
from portal.profile import Profile
from portal.units import Unit, unit_by_code


class AlreadyConfirmed(Conflict):
    """A colleague said what the letter is about a moment before."""


class AlreadyJudged(Conflict):
    message = "這封信是否緊急，已經判斷過了。"


class NothingToDecline(Conflict):
    message = "這封信沒有等待判斷的建議主題。"


def confirm_topic(
    case_id: int, *, topic: str, by: Actor, profile: Profile, now: datetime, first: bool = False
) -> Case:
    """Say what a letter is about. When its unit does not answer that topic it goes to the one that does.

    The secretariat sends it there (分文). Any other unit asks the one that answers to take it over, except
    that a letter about a restricted topic is hidden with its owner at once, and one that turns out not to
    be leaves it at once. `first` is for pages that show unconfirmed letters: it raises AlreadyConfirmed
    instead of overwriting what a colleague said meanwhile.
    """
    spec = profile.topic(topic)
    if spec is None:
        raise BadInput("請從清單選擇主題。")
    with transaction() as session:
        case = load(session, case_id, by, Act.CONFIRM_TOPIC)
        if first and case.topic is not None:
            raise AlreadyConfirmed(
                f"{case.number} 剛由同仁確認為「{profile.topic_name(case.topic)}」，您的選擇沒有送出。"
            )
        guessed = session.get(Suggestion, case_id)
        was_restricted = case.restricted
        case.topic = case.likely_topic = topic
        case.topic_confirmed_at, case.topic_confirmed_by = now, by.id
        case.restricted = spec.restricted
        if spec.restricted:
            case.handler_id = None  # whoever had it may not read it any more
        session.add(_label(case, guessed, by, now))
        advance(case, Act.CONFIRM_TOPIC, now=now)
        keep(
            session, case, EventKind.TOPIC_CONFIRMED, by=by, now=now, topic=topic,
            suggested=guessed.topic if guessed else None,
        )  # fmt: skip
        owner = _unit_for(session, case, profile)
        if owner.id == case.unit_id:
            return case
        if was_restricted or case.restricted or _dispatches(by, case, profile):
            hand_over(session, case, owner, by=by, now=now, reason="依主題分文")
        else:
            propose(session, case, owner, by=by, now=now, reason="依確認的主題，由貴單位主辦。")
    return case


def _unit_for(session: Session, case: Case, profile: Profile) -> Unit:
    """The unit that answers the letter's topic: the one that has it, when it is one of those."""
    if profile.answers(case.topic or "", case.unit.code):
        return case.unit
    asks = profile.asks_interpretation(f"{case.subject}\n{case.body}")
    return unit_by_code(session, profile.route(case.topic, case.county, interpretation=asks))


def _dispatches(by: Actor, case: Case, profile: Profile) -> bool:
    """Whether the letter is sent on rather than offered: by the secretariat, or out of the first tray."""
    return by.sees_all_units or case.unit.code == profile.default_owner


def _label(case: Case, guessed: Suggestion | None, by: Actor, now: datetime) -> TopicLabel:
    """What the classifier can learn from this decision, and be judged by."""
    return TopicLabel(
        case_id=case.id, topic=case.topic, confirmed_at=now, confirmed_by=by.id,
        suggested=guessed.topic if guessed else None, abstained=guessed.abstained if guessed else False,
        model_version=guessed.model_version if guessed else None,
    )  # fmt: skip


def decline_suggestion(case_id: int, *, by: Actor, now: datetime) -> Case:
    """Say that the suggested topic is wrong without knowing the right one: the triage desk decides.

    Raises NothingToDecline when there is no suggestion, or a topic has been confirmed.
    """
    with transaction() as session:
        case = load(session, case_id, by, Act.DECLINE_SUGGESTION)
        guessed = session.get(Suggestion, case_id)
        if guessed is None or guessed.abstained or case.topic is not None:
            raise NothingToDecline
        guessed.abstained, case.likely_topic = True, None
        keep(session, case, EventKind.SUGGESTION_DECLINED, by=by, now=now, topic=guessed.topic)
    return case


def set_voice(
    case_id: int, *, voice: str, by: Actor, profile: Profile, now: datetime, petition: Petition | None = None
) -> Case:
    """Say what the writer wants, and with it the kind in law, the protection of the writer and the clock.

    `petition` is given when the kind in law differs from the one that the profile names for the voice.
    """
    spec = profile.voice(voice)
    if spec is None:
        raise BadInput("請從清單選擇來信的性質。")
    with transaction() as session:
        case = load(session, case_id, by, Act.SET_VOICE)
        usual = Petition(spec.petition) if spec.petition else None
        case.voice, case.voice_set_at, case.petition = voice, now, petition or usual
        case.confidential = spec.confidential
        keep(
            session, case, EventKind.VOICE_SET, by=by, now=now, note=spec.name, voice=voice,
            petition=case.petition.value if case.petition else None,
        )  # fmt: skip
        reckon(session, case, profile=profile)
    return case


def judge_urgency(case_id: int, *, urgent: bool, by: Actor, profile: Profile, now: datetime) -> Case:
    """Say whether a letter that only the model takes for urgent is so. A dismissed alarm is gone.

    Whoever may sort a letter may judge it. Raises AlreadyJudged when there is no alarm to judge.
    """
    with transaction() as session:
        case = load(session, case_id, by, Act.JUDGE_URGENCY)
        guessed = session.get(Suggestion, case_id)
        if case.urgent or guessed is None or not guessed.alarm:
            raise AlreadyJudged
        if urgent:
            case.urgent = True
            escalate(session, case, profile=profile, now=now)
        else:
            guessed.alarm = False
        record(session, URGENCY_JUDGED, "case", case.number, actor_id=by.id, now=now, urgent=urgent)
    return case
