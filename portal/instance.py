"""What this installation is: a demonstration or the real thing. The two never mix."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.db import Model, db

MODE = "mode"
DEMO, REAL = "demo", "real"


class InstanceFact(Model):
    """A fact about the installation, by name."""

    __tablename__ = "instance_facts"

    key: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    value: Mapped[str] = mapped_column(sa.String(200))


def fact(key: str) -> str | None:
    return db.session.scalar(sa.select(InstanceFact.value).where(InstanceFact.key == key))


def set_fact(session: Session, key: str, value: str) -> None:
    session.merge(InstanceFact(key=key, value=value))


def is_demo() -> bool:
    return fact(MODE) == DEMO
