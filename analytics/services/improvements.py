"""What a unit promises to change because of what it heard, and what came of it."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from analytics.models import Improvement, ImprovementStatus
from analytics.queries import improvements_for
from portal.access import Actor, Permission
from portal.audit import record
from portal.clock import local_date
from portal.db import transaction
from portal.errors import BadInput, Conflict, NotFound

LONGEST = timedelta(days=3660)


class UnlikelyDay(BadInput):
    """A day that cannot be meant; the message is for the field it was typed in."""


class AlreadyDone(Conflict):
    message = "這項改善已經填報完成。"


def plan(
    *, topic: str | None, opinion: str, measure: str, due_on: date, by: Actor, now: datetime
) -> Improvement:
    """Write down an improvement of the person's own unit. Raises UnlikelyDay for a due day far off."""
    if not by.may(Permission.IMPROVE):
        raise NotFound
    if abs(due_on - local_date(now)) > LONGEST:
        raise UnlikelyDay("預定完成日和今天相差太遠，請檢查年份。")
    with transaction() as session:
        improvement = Improvement(
            unit_id=by.unit_id, topic=topic, opinion=opinion, measure=measure, due_on=due_on,
            created_at=now, created_by=by.id,
        )  # fmt: skip
        session.add(improvement)
        session.flush()
        record(session, "improvement.planned", "improvement", improvement.id, actor_id=by.id, now=now)
    return improvement


def complete(improvement_id: int, *, effect: str, done_on: date, by: Actor, now: datetime) -> Improvement:
    """Report an improvement as done, with its effect.

    Raises NotFound outside of the person's units, UnlikelyDay for a day to come or far in the past.
    """
    if not by.may(Permission.IMPROVE):
        raise NotFound
    if not timedelta(0) <= local_date(now) - done_on <= LONGEST:
        raise UnlikelyDay("完成日不能晚於今天，請檢查日期。")
    with transaction() as session:
        wanted = improvements_for(by).where(Improvement.id == improvement_id).with_for_update(of=Improvement)
        improvement = session.scalar(wanted)
        if improvement is None or improvement.unit_id != by.unit_id:
            raise NotFound
        if improvement.status is ImprovementStatus.DONE:
            raise AlreadyDone
        improvement.status, improvement.done_on = ImprovementStatus.DONE, done_on
        improvement.effect = effect
        record(session, "improvement.done", "improvement", improvement_id, actor_id=by.id, now=now)
    return improvement
