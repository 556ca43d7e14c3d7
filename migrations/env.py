"""Runs migrations inside the application; safe for SQLite's rebuilt tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context
from flask import current_app
from sqlalchemy.engine import Connection

config = context.config
target = current_app.extensions["migrate"].db


def run() -> None:
    connectable = config.attributes.get("connection")
    if connectable is not None:
        migrate(connectable)
        return
    with target.engine.connect() as connection:
        foreign_keys(connection, on=False)
        migrate(connection)
        foreign_keys(connection, on=True)


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=target.metadata,
        **current_app.extensions["migrate"].configure_args,
    )
    with context.begin_transaction():
        context.run_migrations()
    check_foreign_keys(connection)


def foreign_keys(connection: Connection, *, on: bool) -> None:
    """Off while tables are rebuilt: dropping a parent with keys on would delete its children."""
    if connection.dialect.name == "sqlite":
        connection.connection.driver_connection.execute(f"PRAGMA foreign_keys={'ON' if on else 'OFF'}")


def check_foreign_keys(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    broken = connection.execute(sa.text("PRAGMA foreign_key_check")).all()
    if broken:
        raise RuntimeError(f"{len(broken)} rows lost their parent in this migration")
    connection.rollback()


run()
