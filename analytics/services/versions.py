"""Which classifier is at work: versions are registered, one is active, every change is audited."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from analytics.models import ClassifierVersion
from portal.access import Actor
from portal.audit import record
from portal.db import db, transaction
from portal.errors import NotFound


def active_version() -> ClassifierVersion | None:
    return db.session.scalar(sa.select(ClassifierVersion).where(ClassifierVersion.active))


def versions() -> list[ClassifierVersion]:
    """Every version, newest first."""
    return list(db.session.scalars(sa.select(ClassifierVersion).order_by(ClassifierVersion.id.desc())))


def register(version_id: str, manifest: dict[str, Any], *, now: datetime) -> ClassifierVersion:
    """Note a trained classifier whose files are in place; it does not become active by this."""
    with transaction() as session:
        known = session.get(ClassifierVersion, version_id)
        if known is not None:
            return known
        version = ClassifierVersion(id=version_id, created_at=now, manifest=manifest)
        session.add(version)
        record(session, "classifier.registered", "classifier", version_id, actor_id=None, now=now)
    return version


def activate(version_id: str, *, by: Actor | None, now: datetime) -> ClassifierVersion:
    """Make one version the active one; going back is activating an earlier one."""
    with transaction() as session:
        version = session.get(ClassifierVersion, version_id)
        if version is None:
            raise NotFound("找不到這個分類模型。")
        session.execute(sa.update(ClassifierVersion).where(ClassifierVersion.active).values(active=False))
        session.flush()
        version.active, version.activated_at, version.activated_by = True, now, by.id if by else None
        record(
            session, "classifier.activated", "classifier", version_id, actor_id=by.id if by else None, now=now
        )
    return version


def rollback(*, by: Actor | None, now: datetime) -> ClassifierVersion:
    """Go back to the version that was active before. Raises NotFound when there was none."""
    before = previously_active()
    if before is None:
        raise NotFound("沒有更早啟用過的分類模型。")
    return activate(before.id, by=by, now=now)


def previously_active() -> ClassifierVersion | None:
    """The version that the active one replaced."""
    return db.session.scalar(
        sa.select(ClassifierVersion)
        .where(~ClassifierVersion.active, ClassifierVersion.activated_at.is_not(None))
        .order_by(ClassifierVersion.activated_at.desc())
        .limit(1)
    )
