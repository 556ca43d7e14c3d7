"""The inbox over 1,000 and over 100,000 letters: the same pages, in turn, so that both share the noise."""

from __future__ import annotations

import logging
import re
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy.orm import joinedload

from analytics.resources import DATA
from feedback import queries
from feedback.models import Case
from portal.access import Actor, Role
from portal.accounts.models import User
from portal.accounts.services import as_actor
from portal.app import profile
from portal.clock import utcnow
from portal.config import Config
from portal.db import db
from portal.profile import PROFILES
from portal.units import Unit, answering_units, sync_units
from tests.bench import letters
from tests.bench.figures import Figure, middle_and_p95
from wsgi import create_app

SMALL, LARGE = 1_000, 100_000
REQUESTS, WARM_UP = 50, 5
LIMIT = 2.0
DEPTH = 0.7
ROW = re.compile(r'<th scope="row"')
INBOX = "/staff/cases/"

PAGES = {
    "first": "待辦第一頁",
    "history": "全部第一頁",
    "deep": "全部深處一頁",
    "open_topic": "待辦依主題",
    "all_topic": "全部依主題",
    "all_rare_topic": "全部依最少見主題",
}


@dataclass(frozen=True)
class Mailbox:
    """One installation with so many letters, its people and where their pages lie."""

    app: Flask
    people: dict[str, Actor]
    topics: dict[str, list[str]]

    @classmethod
    def build(cls, folder: Path, count: int, *, database_url: str = "", texts: Sequence[str] = ()) -> Mailbox:
        app = create_app(_config(folder, database_url))
        with app.app_context():
            upgrade()
            sync_units(profile())
            now = utcnow()
            _hire(now)
            with db.engine.begin() as connection:
                bodies = list(texts) or letters.short_letters(DATA / profile().analysis.corpus, 2000)
                letters.fill(connection, count, profile(), bodies, now)
            people = _people()
            topics = {title: _topics(actor) for title, actor in people.items()}
            db.session.remove()
        return cls(app, people, topics)

    def client(self, actor: Actor) -> FlaskClient:
        """A browser in which that person is signed in and never idle."""
        browser = self.app.test_client()
        with browser.session_transaction() as cookie:
            cookie.update(user_id=actor.id, epoch=0, seen=utcnow().timestamp() + 3600)
        return browser

    def pages(self, title: str, topics: list[str]) -> dict[str, str]:
        with self.app.app_context():
            key = _key(self.people[title])
            db.session.remove()
        return {
            "first": INBOX,
            "history": f"{INBOX}?state=all",
            "deep": f"{INBOX}?{urllib.parse.urlencode({'state': 'all', 'after': key})}",
            "open_topic": f"{INBOX}?topic={topics[0]}",
            "all_topic": f"{INBOX}?state=all&topic={topics[0]}",
            "all_rare_topic": f"{INBOX}?state=all&topic={topics[-1]}",
        }

    def close(self) -> None:
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()


def _config(folder: Path, database_url: str) -> Config:
    folder.mkdir()
    return Config(
        instance=folder,
        database_url=database_url or f"sqlite:///{folder / 'qingting.db'}",
        secret_key="a key for the bench only, long enough to pass",
        mail_url=f"file://{folder / 'mail'}",
        profile=PROFILES / "bsmi.yaml",
        secure_cookies=False,
    )


def _hire(now: datetime) -> None:
    """A handler in every unit, and somebody of the secretariat who sees them all."""
    common = {"password_hash": "nobody signs in with it", "must_change_password": False, "created_at": now}
    rows: list[dict[str, Any]] = [
        {"username": f"handler{unit.id}", "name": "王小明", "role": Role.HANDLER, "unit_id": unit.id} | common
        for unit in answering_units()
    ]
    home = db.session.scalar(sa.select(Unit.id).where(Unit.code == "secretariat"))
    rows.append(
        {"username": "secretary", "name": "林小華", "role": Role.SECRETARIAT, "unit_id": home} | common
    )
    db.session.remove()
    with db.engine.begin() as connection:
        connection.execute(sa.insert(User), rows)


def _people() -> dict[str, Actor]:
    """The handler of the unit with most open letters, and the secretariat."""
    busiest = db.session.execute(
        _by_frequency(sa.select(Case.unit_id).where(Case.answered_at.is_(None)), Case.unit_id)
    ).scalars()
    handler = _user(User.role == Role.HANDLER, User.unit_id == next(iter(busiest)))
    return {"承辦人": handler, "秘書室": _user(User.role == Role.SECRETARIAT)}


def _by_frequency(query: sa.Select[Any], column: Any) -> sa.Select[Any]:
    return query.group_by(column).order_by(sa.func.count().desc(), column)


def _user(*conditions: Any) -> Actor:
    found = sa.select(User).where(*conditions).options(joinedload(User.unit))
    return as_actor(db.session.scalars(found).one())


def _topics(actor: Actor) -> list[str]:
    """The topics of a person's letters, the commonest first."""
    counted = queries.visible_to(actor).with_only_columns(Case.topic).where(Case.topic.is_not(None))
    return [topic or "" for topic in db.session.scalars(_by_frequency(counted, Case.topic))]


def _key(actor: Actor) -> str:
    """The key of a page most of the way down the list of all letters."""
    newest = queries.visible_to(actor).order_by(Case.received_at.desc(), Case.id.desc())
    place = int(queries.count(queries.visible_to(actor)) * DEPTH)
    row = db.session.execute(newest.with_only_columns(Case.received_at, Case.id).offset(place).limit(1)).one()
    return f"{row.received_at.isoformat()}_{row.id}"


def measure(folder: Path) -> list[Figure]:
    logging.getLogger("qingting.access").disabled = True  # a line for each request helps nobody here
    large = Mailbox.build(folder / "large", LARGE)
    small = Mailbox.build(folder / "small", SMALL)
    try:
        return [_compare(title, page, small, large) for title in large.people for page in PAGES]
    finally:
        small.close()
        large.close()


def _compare(title: str, page: str, small: Mailbox, large: Mailbox) -> Figure:
    both = (small, large)
    urls = [box.pages(title, large.topics[title])[page] for box in both]
    clients = [box.client(box.people[title]) for box in both]
    times: tuple[list[float], list[float]] = ([], [])
    rows = [0, 0]
    for _ in range(WARM_UP + REQUESTS):
        for which in (0, 1):
            begun = perf_counter()
            answer = clients[which].get(urls[which])
            times[which].append((perf_counter() - begun) * 1000)
            assert answer.status_code == 200, answer.status
            rows[which] = len(ROW.findall(answer.text))
    (few, few_p95), (many, many_p95) = (middle_and_p95(found[WARM_UP:]) for found in times)
    return Figure(
        key=f"inbox_{'handler' if title == '承辦人' else 'secretariat'}_{page}",
        what=f"收件匣 {title}・{PAGES[page]}",
        measured=many / few,
        unit="倍",
        limit=LIMIT,
        yardstick=f"{SMALL:,} 封 {few:.1f} ms（{rows[0]} 列）",
        note=f"{LARGE:,} 封：中位數 {many:.1f} ms、p95 {many_p95:.1f} ms（{rows[1]} 列）；"
        f"{SMALL:,} 封：中位數 {few:.1f} ms、p95 {few_p95:.1f} ms（{rows[0]} 列）。",
        detail={
            "median_ms": {str(SMALL): few, str(LARGE): many},
            "p95_ms": {str(SMALL): few_p95, str(LARGE): many_p95},
            "rows": {str(SMALL): rows[0], str(LARGE): rows[1]},
            "requests": REQUESTS,
        },
    )
