"""The database: one base class, aware UTC times, and the one place that commits."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sa
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.orm import DeclarativeBase, Session, registry
from sqlalchemy.types import TypeDecorator

from portal.config import ROOT

SQLITE_BUSY_SECONDS = 30
FULLTEXT = re.compile("search_[a-z]+(_(data|idx|config))?")

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UTCDateTime(TypeDecorator[datetime]):
    """An aware moment, kept in UTC; a naive value is refused instead of guessed."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _enum_type() -> sa.Enum:
    """Enums are stored by value, as text with a CHECK."""
    return sa.Enum(
        enum.Enum,
        native_enum=False,
        create_constraint=True,
        length=32,
        values_callable=lambda kind: [member.value for member in kind],
    )


class Base(DeclarativeBase):
    registry = registry(
        metadata=sa.MetaData(naming_convention=NAMING),
        type_annotation_map={
            datetime: UTCDateTime(),
            enum.Enum: _enum_type(),
            dict[str, Any]: sa.JSON(),
            list[Any]: sa.JSON(),
        },
    )


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})

if TYPE_CHECKING:

    class Model(Base):
        """What mypy sees of `db.Model`."""

        __abstract__ = True
else:
    Model = db.Model


UNIT_OF_WORK = "unit_of_work"
_last_steps: list[Callable[[Session], None]] = []


def before_commit(step: Callable[[Session], None]) -> Callable[[Session], None]:
    """Have `step` run at the end of every unit of work, after its own writes and before its commit."""
    _last_steps.append(step)
    return step


def collected(session: Session) -> dict[str, list[Any]]:
    """What the running unit of work gathers for its last steps; it is forgotten with the block.

    Raises RuntimeError outside of a block, and inside a savepoint: one that is undone would leave
    behind what was gathered in it.
    """
    if UNIT_OF_WORK not in session.info or session.in_nested_transaction():
        raise RuntimeError("only directly inside transaction(), not in a savepoint")
    found: dict[str, list[Any]] = session.info[UNIT_OF_WORK]
    return found


@contextmanager
def transaction() -> Iterator[Session]:
    """One unit of work: the outermost block commits, inner blocks join it.

    It ends the read that loaded the user first, so that decisions inside see fresh rows, and takes
    SQLite's write lock at once, so that two writers queue instead of failing.
    Raises RuntimeError when a change was made outside of a block.
    """
    session: Session = db.session()
    if UNIT_OF_WORK in session.info:
        yield session
        return
    if session.new or session.dirty or session.deleted:
        raise RuntimeError("a change was made outside transaction()")
    session.rollback()
    session.connection(execution_options={"sqlite_begin": "IMMEDIATE"})
    session.info[UNIT_OF_WORK] = {}
    try:
        yield session
        for step in _last_steps:
            step(session)
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info.pop(UNIT_OF_WORK, None)


def insert(session: Session, model: type[Model]) -> Any:
    """An INSERT of this database's dialect, which knows ON CONFLICT on both databases."""
    from sqlalchemy.dialects import postgresql, sqlite  # the dialect is known at run time only

    dialect = session.get_bind().dialect.name
    return (postgresql if dialect == "postgresql" else sqlite).insert(model)


def render_item(type_: str, obj: Any, autogen_context: Any) -> str | Literal[False]:
    """Migrations name plain SQLAlchemy types, so that they need nothing of ours."""
    if type_ == "type" and isinstance(obj, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def is_modelled(name: str | None, type_: str, parent_names: Any) -> bool:
    """Whether a model describes what a migration finds in the database; the grams of `portal.fulltext` are
    the database's own kind of index and come from a migration alone."""
    return type_ != "table" or not FULLTEXT.fullmatch(name or "")


migrate = Migrate(
    db=db,
    directory=str(ROOT / "migrations"),
    render_as_batch=True,
    render_item=render_item,
    compare_type=True,
    include_name=is_modelled,
)


def init_app(app: Flask) -> None:
    db.init_app(app)
    migrate.init_app(app)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            prepare_sqlite(db.engine)


def prepare_sqlite(engine: Engine) -> None:
    """SQLite as a server database: WAL, every commit on disk, foreign keys, our own BEGIN."""

    @event.listens_for(engine, "connect")
    def _settings(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions by itself
        for pragma in (
            f"busy_timeout={SQLITE_BUSY_SECONDS * 1000}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {mode}")
