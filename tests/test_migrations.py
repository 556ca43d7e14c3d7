"""Migrations give what the models say, and can be undone with rows in the tables."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade

from feedback.models import Case
from portal.app import profile
from portal.db import db, is_modelled
from portal.units import sync_units
from tests.conftest import TEST_DB, config_for
from tests.factories import answered_case, make_actor
from wsgi import create_app

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


@pytest.fixture
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """The platform on a database of its own, still without tables."""
    app = create_app(config_for(tmp_path, fresh_url(request, tmp_path)))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def fresh_url(request: pytest.FixtureRequest, folder: Path) -> str:
    """The address of a new empty database of the kind under test."""
    if TEST_DB != "postgresql":
        return f"sqlite:///{folder / 'fresh.db'}"
    server = sa.make_url(request.getfixturevalue("postgres_url"))
    name = f"fresh_{uuid.uuid4().hex[:12]}"
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    admin.dispose()
    return server.set(database=name).render_as_string(hide_password=False)


def tables() -> set[str]:
    return set(sa.inspect(db.engine).get_table_names()) - {"alembic_version"}


def test_migrated_tables_are_what_the_models_say(fresh: Flask) -> None:
    upgrade()
    with db.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_name": is_modelled}
        )
        assert compare_metadata(context, db.metadata) == []


def test_there_is_one_head() -> None:
    assert len(ScriptDirectory(str(MIGRATIONS)).get_heads()) == 1


def test_every_step_goes_down_and_up_again_with_rows(fresh: Flask) -> None:
    upgrade()
    sync_units(profile())
    answered_case(make_actor())
    db.session.remove()
    steps = len(list(ScriptDirectory(str(MIGRATIONS)).walk_revisions()))
    for _ in range(steps):
        downgrade(revision="-1")
    assert tables() == set()
    upgrade()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Case)) == 0


def test_upgrading_twice_changes_nothing(fresh: Flask) -> None:
    upgrade()
    before = tables()
    upgrade()
    assert tables() == before


def test_migrations_need_nothing_of_ours() -> None:
    for path in (MIGRATIONS / "versions").glob("*.py"):
        ours = re.findall(r"^(?:import|from) (?:portal|feedback|surveys|analytics)", path.read_text(), re.M)
        assert ours == [], path.name


def test_migrated_checks_are_those_of_the_models(fresh: Flask) -> None:
    upgrade()
    inspector = sa.inspect(db.engine)
    for table in db.metadata.sorted_tables:
        wanted = {str(item.name) for item in table.constraints if isinstance(item, sa.CheckConstraint)}
        assert {check["name"] for check in inspector.get_check_constraints(table.name)} == wanted, table.name
