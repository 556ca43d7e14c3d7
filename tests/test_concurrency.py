"""Two people, two runners, four web workers at once: each thing happens exactly once."""

from __future__ import annotations

import re
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.cookiejar import CookieJar
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_migrate import upgrade

from feedback.models import Case, Rating, Reply
from feedback.services import answering, intake, ratings
from portal.app import profile
from portal.clock import utcnow
from portal.db import db, transaction
from portal.errors import DomainError
from portal.jobs import JobRun
from portal.outbox import OutboxMessage, enqueue
from portal.units import sync_units
from tests import servers
from tests.conftest import config_for
from tests.factories import NOW, SITE, answered_case, letter, make_actor, make_case, unsigned
from tests.test_migrations import fresh_url
from wsgi import create_app

SUBMISSIONS, CLIENTS, WORKERS = 400, 8, 4
MAILS = 60


@pytest.fixture
def real(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """The platform on a database that really commits, so that threads see each other."""
    app = create_app(config_for(tmp_path, fresh_url(request, tmp_path)))
    with app.app_context():
        upgrade()
        sync_units(profile())
        db.session.remove()
        yield app
        db.session.remove()
        db.engine.dispose()


def at_once(app: Flask, acts: list[Callable[[], object]]) -> list[object]:
    """Run all acts at the same moment, each in a thread and session of its own."""
    gate = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> object:
        with app.app_context():
            gate.wait()
            try:
                return act()
            except DomainError as error:
                return error

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def count(model: type) -> int:
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


def test_of_two_people_who_answer_at_once_one_is_told_so(real: Flask) -> None:
    people = [make_actor() for _ in range(4)]
    case = make_case(unit_code="standards")
    found = at_once(
        real,
        [
            lambda by=by: answering.answer(
                case.id, body="答復", by=by, profile=unsigned(), site_url=SITE, now=NOW
            )
            for by in people
        ],
    )
    assert sum(isinstance(item, answering.AlreadyAnswered) for item in found) == 3
    assert count(Reply) == 1


def test_of_two_ratings_at_once_one_counts(real: Flask) -> None:
    case = answered_case(make_actor())
    found = at_once(
        real,
        [lambda: ratings.rate(case.id, score=5, comment="", profile=profile(), now=NOW) for _ in range(4)],
    )
    assert sum(isinstance(item, ratings.AlreadyRated) for item in found) == 3
    assert count(Rating) == 1


def test_one_submission_sent_twice_at_once_is_one_letter(real: Flask) -> None:
    found = at_once(
        real,
        [
            lambda: intake.open_case(letter(), profile=profile(), secret="A" * 12, key="the same", now=NOW)
            for _ in range(4)
        ],
    )
    assert len({item.number for item in found if isinstance(item, intake.Receipt)}) == 1
    assert not [item for item in found if not isinstance(item, intake.Receipt)]
    assert count(Case) == 1


class Citizen:
    """A browser without pictures: cookies, the form's hidden fields, one letter."""

    def __init__(self, site: str) -> None:
        self.site = site
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def write(self, serial: int) -> str:
        """Fill and send the form; return the case number of the receipt."""
        page = self._read(f"{self.site}/feedback/new")
        hidden = dict(re.findall(r'name="(csrf_token|submission_key)"[^>]*value="([^"]+)"', page))
        fields = hidden | {"subject": f"第 {serial} 封", "body": "請問檢定合格單的有效期限？"}
        receipt = self._read(f"{self.site}/feedback/new", urllib.parse.urlencode(fields).encode())
        found = re.search(r"\d{3}-\d{6}", receipt)
        assert found, receipt[:2000]
        return found[0]

    def _read(self, url: str, data: bytes | None = None) -> str:
        with self.opener.open(url, data, timeout=60) as answer:
            text: str = answer.read().decode()
        return text


@pytest.mark.processes
@pytest.mark.xdist_group("servers")
def test_400_letters_at_once_lose_nothing_and_get_400_numbers(tmp_path: Path) -> None:
    env = servers.environment(tmp_path)
    servers.flask(env, "db", "upgrade")
    servers.flask(env, "setup")
    with servers.web(env, tmp_path, workers=WORKERS) as site, ThreadPoolExecutor(CLIENTS) as pool:
        numbers = list(pool.map(lambda serial: Citizen(site.url).write(serial), range(SUBMISSIONS)))
    assert len(set(numbers)) == SUBMISSIONS
    stored = sa.create_engine(f"sqlite:///{tmp_path / 'qingting.db'}")
    with stored.connect() as connection:
        kept = connection.execute(sa.text("SELECT number FROM cases")).scalars().all()
    stored.dispose()
    assert sorted(kept) == sorted(numbers)


@pytest.mark.processes
@pytest.mark.xdist_group("servers")
def test_two_job_runners_do_each_piece_of_work_once(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url = fresh_url(request, tmp_path)
    app = create_app(config_for(tmp_path, url))
    with app.app_context():
        upgrade()
        sync_units(profile())
        with transaction() as session:
            for serial in range(MAILS):
                enqueue(
                    session, kind="test", ref=str(serial), recipient="a@example.com", subject="測", body="測",
                    now=utcnow(),
                )  # fmt: skip
    env = servers.environment(tmp_path, url)
    runner = [sys.executable, "-m", "flask", "--app", "wsgi", "jobs", "serve"]
    with (
        servers.process(runner, env, tmp_path / "one.log"),
        servers.process(runner, env, tmp_path / "two.log"),
        app.app_context(),
    ):
        until = time.monotonic() + 60
        while _unsent() and time.monotonic() < until:
            time.sleep(0.5)
    with app.app_context():
        assert _unsent() == 0
        assert set(db.session.scalars(sa.select(OutboxMessage.attempts))) == {1}
        runs = list(db.session.execute(sa.select(JobRun.job, JobRun.window, JobRun.attempts)))
        assert runs
        assert {attempts for _, _, attempts in runs} == {1}
        db.session.remove()
        db.engine.dispose()
    assert len(list((tmp_path / "mail").glob("*.eml"))) == MAILS


def _unsent() -> int:
    db.session.rollback()
    waiting = sa.select(sa.func.count()).where(OutboxMessage.sent_at.is_(None))
    return db.session.scalar(waiting) or 0
