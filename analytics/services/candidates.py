"""What a person decides about a version that was trained but not put to work."""

from __future__ import annotations

from datetime import datetime

from analytics.models import ClassifierVersion
from portal.access import Actor
from portal.audit import record
from portal.db import transaction
from portal.errors import BadInput, NotFound


def set_aside(version_id: str, *, by: Actor, now: datetime) -> ClassifierVersion:
    """Keep a version without using it, so that it waits no longer; it can still be activated later.

    Raises NotFound for an unknown version and BadInput for the one at work.
    """
    with transaction() as session:
        version = session.get(ClassifierVersion, version_id)
        if version is None:
            raise NotFound("找不到這個分類模型。")
        if version.active:
            raise BadInput("這個版本正在使用。要停用它，請改用另一個版本。")
        version.manifest = version.manifest | {"set_aside": now.isoformat()}
        record(session, "classifier.set_aside", "classifier", version_id, actor_id=by.id, now=now)
    return version
