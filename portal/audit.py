"""Who did what, when: one row for each act, written in the same transaction as the act."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import g, has_request_context
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.db import Model


class AuditEvent(Model):
    """One act. `detail` holds codes and ids only, never a citizen's words or contact data."""

    __tablename__ = "audit_events"
    __table_args__ = (sa.Index("ix_audit_events_object", "object_type", "object_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    action: Mapped[str] = mapped_column(sa.String(64))
    object_type: Mapped[str] = mapped_column(sa.String(32))
    object_id: Mapped[str] = mapped_column(sa.String(64))
    detail: Mapped[dict[str, Any]]
    request_id: Mapped[str | None] = mapped_column(sa.String(32))


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
    """Add an audit row to the caller's transaction. `actor_id` None means the citizen or a job."""
    session.add(
        AuditEvent(
            at=now,
            actor_id=actor_id,
            action=action,
            object_type=object_type,
            object_id=str(object_id),
            detail=detail,
            request_id=g.get("request_id") if has_request_context() else None,
        )
    )
