"""A year of invented life for a demonstration: letters, answers, ratings, surveys, an improvement.

Seeded: the same day gives the same year. Everything goes in through the public services, as real
life would; one transaction holds it all, so a demonstration is whole or absent.
"""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import yaml
from sqlalchemy.orm import joinedload

from analytics.demo_casework import Story, handle
from analytics.demo_plot import demo_folder, read_plot
from analytics.demo_surveys import fill_surveys
from analytics.resources import Resources
from analytics.services import improvements
from analytics.services.opinions import read_comments
from analytics.services.suggestions import load_active, suggest_for
from feedback.faq import services as faq
from feedback.letters import Letter
from feedback.models import Case
from feedback.secrets import derive_secret
from feedback.services import intake
from portal.access import Actor, Role
from portal.accounts.models import User
from portal.accounts.services import as_actor
from portal.clock import TAIPEI, local_date
from portal.db import db, transaction
from portal.profile import Profile

DAYS = 365
FORGOTTEN = 4
MONTH_WEIGHTS = {1: 1.3, 2: 0.8, 5: 1.2, 6: 1.2, 8: 1.1, 9: 1.3, 11: 1.2, 12: 1.1}
CHANNELS = ("web",) * 14 + ("phone",) * 3 + ("counter", "mail", "email")


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
            handle(case, row, moment, story)
        comments = _read(folder / "comments.jsonl")
        responses = fill_surveys(story.plot["surveys"], comments, story.rng, profile=profile, now=now)
        read_comments(resources=resources)
        _improve(story)
        _publish(yaml.safe_load((folder / "faq.yaml").read_text(encoding="utf-8")), story)
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


def _publish(rows: list[dict[str, str]], story: Story) -> None:
    """The answers that the heads of the units have published."""
    for row in rows:
        topic = story.profile.topic(row["topic"])
        if topic is None:
            continue
        by = story.lead(topic.owner)
        words = faq.Words(row["question"], row["answer"], topic.code)
        entry = faq.add(words, by=by, profile=story.profile, now=story.now)
        faq.publish(entry.id, by=by, now=story.now)


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
