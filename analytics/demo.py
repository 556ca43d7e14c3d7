"""A year of invented life for a demonstration: letters, answers, ratings, surveys, an improvement.

Seeded: the same day gives the same year. Everything goes in through the public services, as real
life would; one transaction holds it all, so a demonstration is whole or absent.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from analytics.demo_plot import demo_folder, read_plot
from analytics.demo_surveys import fill_surveys
from analytics.resources import Resources
from analytics.services import improvements
from analytics.services.opinions import read_comments
from analytics.services.suggestions import load_active, suggest_for
from feedback.letters import Letter
from feedback.models import Case
from feedback.secrets import derive_secret
from feedback.services import casework, intake, ratings
from feedback.states import Status
from portal.access import Actor, Role
from portal.accounts.models import User
from portal.accounts.services import as_actor
from portal.clock import TAIPEI, local_date
from portal.db import db, transaction
from portal.profile import Profile
from portal.units import Unit

SEED = 115
DAYS = 365
LATE_SHARE = 0.07
RATED_SHARE = 0.4
CLOSED_AFTER = timedelta(days=14)
FORGOTTEN = 4
MONTH_WEIGHTS = {1: 1.3, 2: 0.8, 5: 1.2, 6: 1.2, 8: 1.1, 9: 1.3, 11: 1.2, 12: 1.1}
CHANNELS = ("web",) * 14 + ("phone",) * 3 + ("counter", "mail", "email")


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


def tell(
    *, profile: Profile, resources: Resources, site_url: str, signing_key: str, now: datetime
) -> dict[str, int]:
    """Write the whole year of an agency; return how many of each thing there are now.

    In its demonstration folder, `story.yaml` says what happens; the other files hold the words.
    """
    folder = demo_folder(resources)
    story = Story(
        profile, resources, now, site_url, signing_key, _people(), read_plot(folder),
        _by(_read(folder / "replies.jsonl"), "topic"), _by(_read(folder / "ratings.jsonl"), "score"),
    )  # fmt: skip
    letters = _dated(_read(folder / "letters.jsonl"), story)
    story.forgotten = _forgotten(letters, story)
    with transaction():
        cases = [_open(row, moment, story) for moment, row in letters]
        _suggest(cases, story)
        for (moment, row), case in zip(letters, cases, strict=True):
            _handle(case, row, moment, story)
        comments = _read(folder / "comments.jsonl")
        responses = fill_surveys(story.plot["surveys"], comments, story.rng, profile=profile, now=now)
        read_comments(resources=resources)
        _improve(story)
    return {"letters": len(cases), "responses": responses}


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _by(rows: list[dict[str, Any]], key: str) -> dict[Any, list[str]]:
    grouped: dict[Any, list[str]] = {}
    for row in rows:
        grouped.setdefault(row[key], []).append(row["text"])
    return grouped


def _people() -> dict[tuple[str, Role], Actor]:
    users = db.session.scalars(sa.select(User).where(User.active).options(joinedload(User.unit)))
    return {(user.unit.code, user.role): as_actor(user) for user in users}


def _dated(rows: list[dict[str, Any]], story: Story) -> list[tuple[datetime, dict[str, Any]]]:
    """Each letter with the moment it came, in order."""
    placed = [row | {"county": row["county"] or _home(story)} for row in rows]
    return sorted(((_moment(row, story), row) for row in placed), key=lambda pair: pair[0])


def _home(story: Story) -> str:
    """Some of the letters that name no county come from that of the people one signs in as."""
    home = story.plot["home"]
    return str(home["county"]) if story.rng.random() < home["share"] else ""


def _moment(row: dict[str, Any], story: Story) -> datetime:
    today, rng = local_date(story.now), story.rng
    burst = story.plot["bursts"].get(row["group"])
    if burst:
        day = today - timedelta(days=burst["began"] - int(burst["lasted"] * rng.betavariate(2, 3)))
    else:
        recent = story.plot["recent"]
        share = recent["counties"].get(row["county"], recent["share"])
        span = recent["days"] if not row["months"] and rng.random() < share else DAYS
        days = [today - timedelta(days=back) for back in range(1, span)]
        possible = [day for day in days if not row["months"] or day.month in row["months"]]
        day = rng.choices(possible, [_weight(day) for day in possible])[0]
    hour = min(23, max(6, round(rng.gauss(14, 4))))
    return datetime(day.year, day.month, day.day, hour, rng.randrange(60), rng.randrange(60), tzinfo=TAIPEI)


def _weight(day: date) -> float:
    weekend = 0.45 if day.weekday() > 4 else 1.0
    return MONTH_WEIGHTS.get(day.month, 1.0) * weekend


def _forgotten(letters: list[tuple[datetime, dict[str, Any]]], story: Story) -> set[str]:
    """A few letters that a unit let slip: past their deadline and still unanswered."""
    span = (story.now - timedelta(days=52), story.now - timedelta(days=36))
    hidden = story.profile.restricted_topics
    late = [
        row["text"] for moment, row in letters if span[0] < moment < span[1] and row["topic"] not in hidden
    ]
    return set(late[:FORGOTTEN])


def _open(row: dict[str, Any], moment: datetime, story: Story) -> Case:
    rng = story.rng
    serial = rng.randrange(10**6)
    letter = Letter(
        subject=row["subject"] or row["text"][:18],
        body=row["text"],
        county=row["county"],
        name=row["name"],
        email=f"citizen{serial}@example.com" if row["contact"] else "",
        phone=f"0900-{serial:06d}"[:11] if row["contact"] and rng.random() < 0.5 else "",
        channel=rng.choice(CHANNELS),
    )
    secret = derive_secret(story.signing_key, f"demo-{serial}-{moment.isoformat()}")
    receipt = intake.open_case(
        letter, profile=story.profile, secret=secret, now=moment, site_url=story.site_url
    )
    return db.session.get_one(Case, receipt.case_id)


def _suggest(cases: list[Case], story: Story) -> None:
    loaded = load_active(story.resources)
    if loaded is None:
        return
    version_id, model = loaded
    for case in cases:
        moment = case.received_at + timedelta(seconds=4)
        suggest_for([case], version_id, model, profile=story.profile, now=moment)


def _handle(case: Case, row: dict[str, Any], moment: datetime, story: Story) -> None:
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
        return
    _answer(case, row["topic"], answered, story)
    _rate(case, waited, answered, story)
    if answered + CLOSED_AFTER < story.now:
        by = story.at_work(_unit_code(case))
        casework.close(case.id, by=by, now=answered + CLOSED_AFTER)


def _usual_wait(rng: random.Random) -> timedelta:
    return timedelta(days=min(29.0, rng.lognormvariate(1.9, 0.55)))


def _unit_code(case: Case) -> str:
    return db.session.get_one(Unit, case.unit_id).code


def _confirm(case: Case, topic: str, moment: datetime, story: Story) -> None:
    by = story.at_work(_unit_code(case))
    if case.restricted and by.role is not Role.ETHICS:
        return
    casework.confirm_topic(case.id, topic=topic, by=by, profile=story.profile, now=moment)


def _assign(case: Case, moment: datetime, story: Story) -> None:
    code = _unit_code(case)
    head, handler = story.people.get((code, Role.HEAD)), story.people.get((code, Role.HANDLER))
    if head and handler and not case.restricted:
        casework.assign(case.id, handler_id=handler.id, by=head, now=moment)


def _answer(case: Case, topic: str, moment: datetime, story: Story) -> None:
    by = story.at_work(_unit_code(case))
    body = story.rng.choice(story.replies[topic])
    casework.answer(case.id, body=body, by=by, profile=story.profile, site_url=story.site_url, now=moment)


def _rate(case: Case, waited: timedelta, answered: datetime, story: Story) -> None:
    """The slower the answer, the lower the score; many people do not rate at all."""
    rng = story.rng
    rated = answered + timedelta(hours=rng.uniform(2, 90))
    if case.status is not Status.ANSWERED or rated > story.now or rng.random() > RATED_SHARE:
        return
    score = max(1, min(5, round(rng.gauss(4.3 - waited.days / 14, 1.0))))
    comment = rng.choice(story.comments[score]) if rng.random() < 0.5 else ""
    ratings.rate(case.id, score=score, comment=comment, now=rated)


def _improve(story: Story) -> None:
    """What units changed because of what they heard: some of it done, some still under way."""
    today = local_date(story.now)
    for row in story.plot["improvements"]:
        head = story.people[(row["unit"], Role.HEAD)]
        planned = improvements.plan(
            topic=row["topic"],
            opinion=row["opinion"],
            measure=row["measure"],
            due_on=today - timedelta(days=row["due_days_ago"]),
            by=head,
            now=story.now - timedelta(days=row["planned_days_ago"]),
        )
        if "done_days_ago" in row:
            done = timedelta(days=row["done_days_ago"])
            improvements.complete(
                planned.id, effect=row["effect"], done_on=today - done, by=head, now=story.now - done
            )
