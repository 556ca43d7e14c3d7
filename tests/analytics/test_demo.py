"""The demonstration: whole or absent, the same for the same day, and never mixed with real data.

A small story in databases of their own, because the command commits; the whole story is what the
journeys run on.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from argon2 import PasswordHasher
from click.testing import Result
from flask import Flask
from flask_migrate import upgrade

from analytics import demo
from analytics.cli_base import EXTENSION
from analytics.models import ClassifierVersion, Improvement, UnitSummary
from analytics.resources import DATA
from feedback.models import Case, CaseEvent, Rating, Suggestion
from portal.access import Role
from portal.accounts.models import User
from portal.accounts.services import add_user
from portal.app import profile
from portal.audit import AuditEvent
from portal.clock import local_date
from portal.db import db
from portal.instance import DEMO, MODE, REAL, fact
from portal.profile import PROFILES
from portal.units import Unit, answering_units, sync_units
from surveys.models import Answer, Response
from surveys.standard import DIMENSIONS
from tests.analytics.learning import BUREAU, resources_in, write_corpus
from tests.conftest import config_for
from tests.factories import NOW
from tests.test_migrations import fresh_url
from wsgi import create_app

FULL = DATA / "bsmi" / "demo"
pytestmark = pytest.mark.xdist_group("demo")  # one worker prepares it for all of them
EVERY = 8
RESPONSES = 60

Install = Callable[[str], Flask]
PREPARE, SETUP = ("demo", "prepare"), ("setup",)


@pytest.fixture(scope="module", autouse=True)
def _one_day_and_cheap_passwords() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("analytics.demo_cli.utcnow", lambda: NOW)
        patch.setattr(
            "portal.accounts.services.hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        )
        yield


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstration's folder with every eighth letter and few survey answers."""
    folder = tmp_path_factory.mktemp("story")
    for name in ("replies.jsonl", "ratings.jsonl", "comments.jsonl", "faq.yaml"):
        (folder / name).write_text((FULL / name).read_text(encoding="utf-8"), encoding="utf-8")
    letters = (FULL / "letters.jsonl").read_text(encoding="utf-8").splitlines()
    (folder / "letters.jsonl").write_text("\n".join(letters[::EVERY]), encoding="utf-8")
    plot = demo.read_plot(FULL)
    plot["surveys"]["responses"] = RESPONSES
    (folder / "story.yaml").write_text(yaml.safe_dump(plot, allow_unicode=True), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def install(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, story: Path, jieba: Path
) -> Iterator[Install]:
    """`install(profile)` → the platform on a new, empty database, with the small story."""
    made: list[Flask] = []

    def new(profile_name: str = "bsmi") -> Flask:
        folder = tmp_path_factory.mktemp("installation")
        config = config_for(folder, fresh_url(request, folder))
        app = create_app(replace(config, profile=PROFILES / f"{profile_name}.yaml"))
        if profile_name == "bsmi":
            corpus = write_corpus(folder / "corpus")
            app.extensions[EXTENSION]["resources"] = replace(
                resources_in(folder, jieba, corpus=corpus), demo=story
            )
        made.append(app)
        return app

    yield new
    for app in made:
        with app.app_context():
            db.engine.dispose()


@pytest.fixture(scope="module")
def prepared(install: Install) -> Flask:
    app = install("bsmi")
    done = run(app, *PREPARE)
    assert done.exit_code == 0, done.output
    return app


def run(app: Flask, *command: str) -> Result:
    return app.test_cli_runner().invoke(args=list(command))


@contextmanager
def looking_at(app: Flask) -> Iterator[None]:
    """Read the installation's database."""
    with app.app_context():
        yield
        db.session.remove()


def count(model: Any) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


COUNTED = (User, Unit, Case, Suggestion, Rating, Response, Answer, Improvement, UnitSummary,
           ClassifierVersion, AuditEvent)  # fmt: skip


def counts() -> dict[str, int]:
    return {model.__tablename__: count(model) for model in COUNTED}


def units_and_states() -> Counter[tuple[str, str]]:
    query = sa.select(Unit.code, Case.status).join(Unit, Unit.id == Case.unit_id)
    return Counter((code, status.value) for code, status in db.session.execute(query))


def digest() -> str:
    """Of everything that a story decides; not of ids, nor of the random numbers of survey answers."""
    letters = (
        sa.select(
            Case.number, Case.subject, Unit.code, User.username, Case.topic, Case.restricted,
            Case.received_at, Case.due_at, Case.answered_at, Case.closed_at, Case.secret_hash,
        )
        .join(Unit, Unit.id == Case.unit_id)
        .outerjoin(User, User.id == Case.handler_id)
        .order_by(Case.number)
    )  # fmt: skip
    rated = (
        sa.select(Case.number, Rating.score, Rating.comment, Rating.rated_at)
        .join(Rating, Rating.case_id == Case.id)
        .order_by(Case.number)
    )
    answer = (Answer.question_id, Answer.score, Answer.choice, Answer.text)
    answers = sa.select(Response.day, Response.unit_id, *answer).join(Answer)
    told = [[str(list(row)) for row in db.session.execute(query)] for query in (letters, rated)]
    summaries = db.session.scalars(sa.select(UnitSummary).order_by(UnitSummary.id))
    told.append([f"{item.period} {item.figures['letters']} {item.figures['survey']}" for item in summaries])
    told.append(sorted(str(list(row)) for row in db.session.execute(answers)))
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def test_an_empty_installation_becomes_a_demonstration(prepared: Flask, story: Path) -> None:
    with looking_at(prepared):
        assert fact(MODE) == DEMO
        found = counts()
        assert found["cases"] == len((story / "letters.jsonl").read_text(encoding="utf-8").splitlines())
        assert found["survey_responses"] == RESPONSES
        assert found["case_suggestions"] == found["cases"], "the job's work is done too"
        assert min(found.values()) > 0
        assert len({state for _, state in units_and_states()}) >= 3
        days = [local_date(moment) for moment in db.session.scalars(sa.select(Case.received_at))]
        assert all(0 < (local_date(NOW) - day).days <= demo.DAYS for day in days)


def test_nothing_in_a_demonstration_lies_ahead_of_now(prepared: Flask) -> None:
    with looking_at(prepared):
        for column in (Case.received_at, Case.answered_at, Case.closed_at, Rating.rated_at, CaseEvent.at):
            latest = db.session.scalar(sa.select(sa.func.max(column)))
            assert latest is not None
            assert latest <= NOW, column
        assert (db.session.scalar(sa.select(sa.func.max(Response.day))) or local_date(NOW)) <= local_date(NOW)


def test_every_unit_has_a_head_and_somebody_who_handles_letters(prepared: Flask) -> None:
    with looking_at(prepared):
        people = set(db.session.execute(sa.select(User.unit_id, User.role)))
        for unit in answering_units():
            assert {(unit.id, Role.HEAD), (unit.id, Role.HANDLER)} <= people, unit.code


def test_preparing_twice_changes_nothing(prepared: Flask) -> None:
    with looking_at(prepared):
        before, told = counts(), digest()
    again = run(prepared, *PREPARE)
    assert again.exit_code == 0, again.output
    assert "載入一年" not in again.output
    assert "訓練" not in again.output
    with looking_at(prepared):
        assert counts() == before
        assert digest() == told


def test_the_accounts_are_printed_each_time(prepared: Flask) -> None:
    plot = demo.read_plot(FULL)
    printed = run(prepared, *PREPARE).output
    assert plot["password"] in printed
    for row in plot["accounts"]:
        assert row["username"] in printed


def test_the_same_day_gives_the_same_year_also_after_a_failed_try(
    prepared: Flask, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = install("bsmi")
    with monkeypatch.context() as patch:
        patch.setattr(demo, "fill_surveys", _fails)
        assert isinstance(run(second, *PREPARE).exception, ZeroDivisionError)
    with looking_at(second):
        assert [count(model) for model in (User, Case, Response, Rating)] == [0, 0, 0, 0], "whole or absent"
    assert run(second, *PREPARE).exit_code == 0
    with looking_at(prepared):
        first, told = units_and_states(), digest()
    with looking_at(second):
        assert units_and_states() == first
        assert digest() == told


def _fails(*_: object, **__: object) -> int:
    raise ZeroDivisionError


def test_a_real_installation_refuses_the_demonstration_and_stays_real(install: Install) -> None:
    app = install("bsmi")
    with app.app_context():
        upgrade()
        db.session.remove()
    assert run(app, *SETUP).exit_code == 0
    with looking_at(app):
        assert fact(MODE) == REAL
        before = counts()
    refused = run(app, *PREPARE)
    assert refused.exit_code == 1
    assert "已有正式資料" in refused.output
    with looking_at(app):
        assert fact(MODE) == REAL
        assert counts() == before


def test_an_installation_that_somebody_uses_refuses_the_demonstration(install: Install) -> None:
    app = install("bsmi")
    with app.app_context():
        upgrade()
        sync_units(profile())
        add_user(
            username="real", name="真人", role=Role.HANDLER, unit_code="it", password="long enough 1", now=NOW
        )
        db.session.remove()
    assert run(app, *PREPARE).exit_code == 1
    with looking_at(app):
        assert fact(MODE) is None
        assert (count(User), count(Case)) == (1, 0)


def test_a_demonstration_is_never_marked_real(prepared: Flask) -> None:
    assert run(prepared, *SETUP).exit_code == 0
    with looking_at(prepared):
        assert fact(MODE) == DEMO


def test_an_agency_without_a_story_is_told_so(install: Install) -> None:
    app = install("example-library")
    refused = run(app, *PREPARE)
    assert refused.exit_code == 1
    assert "沒有示範資料" in refused.output
    with looking_at(app):
        assert sa.inspect(db.engine).get_table_names() == []


def test_the_whole_story_names_only_what_the_profile_has() -> None:
    plot = demo.read_plot(FULL)
    letters, replies, ratings, comments = (
        [json.loads(line) for line in (FULL / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
        for name in ("letters", "replies", "ratings", "comments")
    )
    units = {unit.code for unit in BUREAU.units}
    topics = {topic.code for topic in BUREAU.topics}
    lines = {line.code: line.name for line in BUREAU.satisfaction.service_lines}
    counties = {county.name for county in BUREAU.counties} | {""}
    assert {row["topic"] for row in letters} <= topics == {row["topic"] for row in replies}
    assert {row["county"] for row in letters} <= counties
    assert set(plot["bursts"]) <= {row["group"] for row in letters}
    assert {row["score"] for row in ratings} == {1, 2, 3, 4, 5}
    assert {row["service_line"] for row in comments} <= set(lines.values())
    assert {row["unit"] for row in plot["accounts"] + plot["improvements"]} <= units
    assert {row["topic"] for row in plot["improvements"]} <= topics
    assert set(plot["surveys"]["lines"]) == set(plot["surveys"]["units"]) <= set(lines)
    assert {code for weights in plot["surveys"]["units"].values() for code in weights} <= units
    assert set(plot["surveys"]["levels"]) == set(DIMENSIONS)
