"""One unit of work: all of it or nothing, and writers wait for each other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import Base, db, transaction
from portal.instance import InstanceFact, fact, set_fact
from tests.conftest import config_for
from wsgi import create_app


def write(key: str, value: str = "1") -> None:
    with transaction() as session:
        set_fact(session, key, value)


def fail_after(key: str) -> None:
    with transaction() as session:
        set_fact(session, key, "1")
        raise KeyboardInterrupt


def test_a_finished_block_is_kept(ctx: Flask) -> None:
    write("a")
    db.session.rollback()
    assert fact("a") == "1"


def test_any_exception_undoes_the_whole_block(ctx: Flask) -> None:
    with pytest.raises(KeyboardInterrupt):
        fail_after("a")
    assert fact("a") is None


def test_an_inner_block_joins_the_outer_one(ctx: Flask) -> None:
    def outer() -> None:
        with transaction():
            write("inner")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        outer()
    assert fact("inner") is None


def test_after_a_failure_the_next_block_is_its_own(ctx: Flask) -> None:
    with pytest.raises(KeyboardInterrupt):
        fail_after("a")
    write("b")
    assert (fact("a"), fact("b")) == (None, "1")


def test_a_change_outside_of_a_block_is_a_mistake_that_is_told(ctx: Flask) -> None:
    db.session.add(InstanceFact(key="stray", value="1"))
    with pytest.raises(RuntimeError, match="outside transaction"):
        write("a")
    db.session.rollback()
    assert (fact("stray"), fact("a")) == (None, None)


@pytest.fixture
def on_file(tmp_path: Path) -> Iterator[Flask]:
    """An application on an SQLite file of its own, with real commits."""
    app = create_app(config_for(tmp_path, f"sqlite:///{tmp_path / 'file.db'}"))
    with app.app_context():
        Base.metadata.create_all(db.engine)
        write("count", "0")
    yield app
    with app.app_context():
        db.engine.dispose()


def test_a_block_sees_what_others_wrote_since_the_request_began(on_file: Flask) -> None:
    with on_file.app_context():
        before = db.session.get_one(InstanceFact, "count")
        with db.engine.begin() as other:
            other.execute(sa.update(InstanceFact).values(value="7"))
        assert before.value == "0"
        with transaction() as session:
            assert session.get_one(InstanceFact, "count").value == "7"


def test_writers_on_one_file_queue_and_lose_nothing(on_file: Flask) -> None:
    faults: list[BaseException] = []

    def add() -> None:
        try:
            for _ in range(20):
                with on_file.app_context(), transaction() as session:
                    row = session.get_one(InstanceFact, "count")
                    row.value = str(int(row.value) + 1)
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with on_file.app_context():
        assert (faults, fact("count")) == ([], "80")
