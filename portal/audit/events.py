"""The audit table, and the one way into it: `record`, which makes links of a chain."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import g, has_request_context
from sqlalchemy import event
from sqlalchemy.orm import Mapped, Mapper, Session, mapped_column

from portal.audit import chain
from portal.db import Model, before_commit, collected

COLLECTED = "audit_events"


class AuditEvent(Model):
    """One act. `detail` holds codes and ids only, never a citizen's words or contact data.

    Rows are read through this class and written by `record` alone; triggers of the database refuse
    UPDATE and DELETE. `actor_id` has no foreign key: its check would lock the person's row while the
    chain is held, and a fact about the past needs nothing to exist today.
    """

    __tablename__ = "audit_events"
    __table_args__ = (sa.Index("ix_audit_events_object", "object_type", "object_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor_id: Mapped[int | None]
    action: Mapped[str] = mapped_column(sa.String(64))
    object_type: Mapped[str] = mapped_column(sa.String(32))
    object_id: Mapped[str] = mapped_column(sa.String(64))
    detail: Mapped[dict[str, Any]]
    request_id: Mapped[str | None] = mapped_column(sa.String(32))
    previous: Mapped[str] = mapped_column(sa.String(64), unique=True)  # so that a chain never forks
    hash: Mapped[str] = mapped_column(sa.String(64))


class AuditHead(Model):
    """The end of the chain, in one row: writers queue here, and a cut end is missed here."""

    __tablename__ = "audit_head"
    __table_args__ = (sa.CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    hash: Mapped[str] = mapped_column(sa.String(64))
    count: Mapped[int]


_links = AuditEvent.metadata.tables[AuditEvent.__tablename__]
_head = AuditHead.metadata.tables[AuditHead.__tablename__]
_HOLD = sa.select(_head.c.hash).where(_head.c.id == 1).with_for_update()
_WRITE = sa.insert(_links).inline()
_ADVANCE = (
    sa.update(_head)
    .where(_head.c.id == 1)
    .values(hash=sa.bindparam("last"), count=_head.c.count + sa.bindparam("more"))
)


def record(
    session: Session,
    action: str,
    object_type: str,
    object_id: object,
    *,
    actor_id: int | None,
    now: datetime,
    **detail: Any,
) -> None:
    """Note an act in the caller's transaction. `actor_id` None means the citizen or a job.

    The row is written when the transaction ends, so it cannot be read before.
    """
    collected(session).setdefault(COLLECTED, []).append(
        {
            "at": now,
            "actor_id": actor_id,
            "action": action,
            "object_type": object_type,
            "object_id": str(object_id),
            "detail": chain.plain(detail),
            "request_id": g.get("request_id") if has_request_context() else None,
        }
    )


@before_commit
def write_links(session: Session) -> None:
    """Append what the unit of work noted to the chain.

    All its other rows are written first: the chain's lock is the last one a transaction takes and the
    commit follows at once, so it is held for a moment only and cannot be part of a deadlock.
    """
    noted = collected(session).get(COLLECTED)
    if not noted:
        return
    session.flush()
    connection = session.connection()
    links = list(_linked(noted, connection.execute(_HOLD).scalar_one()))
    connection.execute(_WRITE, links)
    connection.execute(_ADVANCE, {"last": links[-1]["hash"], "more": len(links)})


def _linked(noted: list[dict[str, Any]], previous: str) -> Iterator[dict[str, Any]]:
    for facts in noted:
        facts["previous"] = previous
        previous = chain.digest(facts | {"at": chain.moment_text(facts["at"])})
        yield facts | {"hash": previous}


def _refuse(_mapper: Mapper[Any], _connection: sa.Connection, _row: AuditEvent) -> None:
    raise RuntimeError("audit events are written by record() and never change")


for _moment in ("before_insert", "before_update", "before_delete"):
    event.listen(AuditEvent, _moment, _refuse)
