"""How the units of a demonstration handle its letters: as real ones would, some of it still half-way."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from analytics.resources import Resources
from feedback.casefile import pending_transfer
from feedback.models import Case, Method, Suggestion
from feedback.services import answering, deadlines, ratings, routing, sorting
from feedback.states import Status
from portal.access import Actor, Role
from portal.db import db
from portal.profile import Profile
from portal.units import Unit, answering_units

SEED = 115
LATE_SHARE = 0.07
RATED_SHARE = 0.4
CLOSED_AFTER = timedelta(days=14)


@dataclass
class Story:
    """What the demonstration is made from, and what it has made so far."""

    profile: Profile
    resources: Resources
    now: datetime
    site_url: str
    signing_key: str
    people: dict[tuple[str, Role], Actor]
    plot: dict[str, Any]
    replies: dict[str, list[str]]
    comments: dict[int, list[str]]
    forgotten: set[str] = field(default_factory=set)
    rng: random.Random = field(default_factory=lambda: random.Random(SEED))  # noqa: S311  # a story, not a secret

    def at_work(self, unit_code: str) -> Actor:
        """Somebody of a unit who handles letters: now the handler, now the head."""
        ethics = self.people.get((unit_code, Role.ETHICS))
        return ethics or self.people[(unit_code, self.rng.choice([Role.HANDLER, Role.HANDLER, Role.HEAD]))]

    def lead(self, unit_code: str) -> Actor:
        """Who signs off in a unit."""
        return self.people.get((unit_code, Role.ETHICS)) or self.people[(unit_code, Role.HEAD)]


def handle(case: Case, row: dict[str, Any], moment: datetime, story: Story) -> None:
    """A letter's way through the house, as far as it has come by now."""
    rng = story.rng
    waited = timedelta(days=rng.uniform(32, 44)) if rng.random() < LATE_SHARE else _usual_wait(rng)
    answered = moment + waited
    seen = moment + timedelta(hours=rng.uniform(1, 30))
    if seen > story.now:
        return
    if rng.random() < 0.9 or answered <= story.now:
        _confirm(case, row["topic"], seen, story)
    if answered > story.now or row["text"] in story.forgotten:
        if rng.random() < 0.6:
            _assign(case, seen, story)
        _half_way(case, row["topic"], seen, story)
        return
    _answer(case, row["topic"], answered, story)
    rated = _rate(case, waited, answered, story)
    closed = max(answered, rated or answered) + CLOSED_AFTER
    if closed < story.now and case.status is Status.ANSWERED:
        answering.close(case.id, by=story.at_work(_unit_code(case)), now=closed)


def _usual_wait(rng: random.Random) -> timedelta:
    return timedelta(days=min(29.0, rng.lognormvariate(1.9, 0.55)))


def _unit_code(case: Case) -> str:
    return db.session.get_one(Unit, case.unit_id).code


def _confirm(case: Case, topic: str, moment: datetime, story: Story) -> None:
    by = story.at_work(_unit_code(case))
    if case.restricted and by.role is not Role.ETHICS:
        return
    sorting.confirm_topic(case.id, topic=topic, by=by, profile=story.profile, now=moment)
    offered = pending_transfer(case)
    if offered is not None:
        routing.accept(case.id, by=story.at_work(offered.to_unit.code), now=moment + timedelta(minutes=40))
    guess = db.session.get(Suggestion, case.id)
    voice = story.profile.voice_called(guess.voice) if guess else None
    if voice is not None and not case.restricted:
        by = story.at_work(_unit_code(case))
        sorting.set_voice(case.id, voice=voice.code, by=by, profile=story.profile, now=moment)


def _assign(case: Case, moment: datetime, story: Story) -> None:
    code = _unit_code(case)
    head, handler = story.people.get((code, Role.HEAD)), story.people.get((code, Role.HANDLER))
    if head and handler and not case.restricted:
        routing.assign(case.id, handler_id=handler.id, by=head, now=moment)


def _half_way(case: Case, topic: str, moment: datetime, story: Story) -> None:
    """What lies on desks today: asked for more, being signed off, offered to others, shared with others."""
    if case.restricted or case.topic is None:
        return
    code, rng = _unit_code(case), story.rng
    handler, head = story.people.get((code, Role.HANDLER)), story.people.get((code, Role.HEAD))
    chance = rng.random()
    if handler is None or head is None or chance > 0.45:
        return
    later = min(moment + timedelta(hours=3), story.now)
    common: dict[str, Any] = {"by": handler, "now": later}
    to_citizen = common | {"profile": story.profile, "site_url": story.site_url}
    if chance < 0.15:
        body = rng.choice(story.replies[topic])
        answering.submit(case.id, body=body, method=Method.WRITTEN, **common)
        if chance < 0.03:
            answering.send_back(case.id, comment="請寫明法規條號，並留下聯絡電話。", by=head, now=later)
    elif chance < 0.22:
        deadlines.ask_citizen(case.id, question=story.plot["casework"]["question"], **to_citizen)
    elif chance < 0.3:
        deadlines.interim(case.id, body=story.plot["casework"]["interim"], **to_citizen)
    elif chance < 0.38:
        other = rng.choice([unit for unit in answering_units() if unit.code != code])
        reason = story.plot["casework"]["reason"]
        routing.transfer(case.id, unit_id=other.id, reason=reason, **common)
    else:
        other = rng.choice([unit for unit in answering_units() if unit.code != code])
        question = story.plot["casework"]["consult"]
        routing.consult(case.id, unit_id=other.id, question=question, profile=story.profile, **common)


def _answer(case: Case, topic: str, moment: datetime, story: Story) -> None:
    """Written by the handler, signed off and sent by the head."""
    code, body = _unit_code(case), story.rng.choice(story.replies[topic])
    by, head = story.at_work(code), story.lead(code)
    finish: dict[str, Any] = {"by": head, "profile": story.profile, "site_url": story.site_url, "now": moment}
    if by == head:
        answering.answer(case.id, body=body, **finish)
        return
    answering.submit(case.id, body=body, method=Method.WRITTEN, by=by, now=moment - timedelta(minutes=50))
    answering.approve(case.id, by=head, now=moment - timedelta(minutes=5))
    answering.send(case.id, **finish)


def _rate(case: Case, waited: timedelta, answered: datetime, story: Story) -> datetime | None:
    """The slower the answer, the lower the score; many people do not rate at all.

    A low score is answered once more. Returns the moment of the last of it.
    """
    rng = story.rng
    rated = answered + timedelta(hours=rng.uniform(2, 90))
    if case.status is not Status.ANSWERED or rated > story.now or rng.random() > RATED_SHARE:
        return None
    score = max(1, min(5, round(rng.gauss(4.3 - waited.days / 14, 1.0))))
    comment = rng.choice(story.comments[score]) if rng.random() < 0.5 else ""
    ratings.rate(case.id, score=score, comment=comment, profile=story.profile, now=rated)
    again = rated + timedelta(days=rng.uniform(1, 3))
    if score > story.profile.answering.second_reply_up_to or again > story.now:
        return rated
    answering.answer(
        case.id, body=story.plot["casework"]["second"], by=story.lead(_unit_code(case)),
        profile=story.profile, site_url=story.site_url, now=again,
    )  # fmt: skip
    return again
