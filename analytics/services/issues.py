"""What people decide about a hot issue: that it is none, or that something is improved because of it."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.orm import Session

from analytics.issue_queries import issues_for, may_settle
from analytics.models import HotIssue, Improvement
from analytics.services import improvements
from portal.access import Actor
from portal.audit import record
from portal.db import transaction
from portal.errors import Conflict, NotFound


class AlreadySettled(Conflict):
    message = "這個熱點剛由同仁處理過了。"


def dismiss(issue_id: int, *, by: Actor, now: datetime) -> HotIssue:
    """Say that an issue is none. It stays so, however many letters follow.

    Raises NotFound for people who may not settle it, AlreadySettled when a colleague was first.
    """
    with transaction() as session:
        issue = _unsettled(session, issue_id, by)
        issue.dismissed_at, issue.dismissed_by = now, by.id
        record(session, "issue.dismissed", "hot_issue", issue_id, actor_id=by.id, now=now)
    return issue


def improve(
    issue_id: int, *, topic: str | None, opinion: str, measure: str, due_on: date, by: Actor, now: datetime
) -> Improvement:
    """Plan an improvement because of an issue, which leads to it from then on.

    Raises what `dismiss` and `improvements.plan` raise.
    """
    with transaction() as session:
        issue = _unsettled(session, issue_id, by)
        planned = improvements.plan(
            topic=topic, opinion=opinion, measure=measure, due_on=due_on, by=by, now=now
        )
        issue.improvement_id = planned.id
        record(
            session, "issue.improved", "hot_issue", issue_id, actor_id=by.id, now=now,
            improvement=planned.id,
        )  # fmt: skip
    return planned


def _unsettled(session: Session, issue_id: int, by: Actor) -> HotIssue:
    """The issue, locked, if the person may settle it and nobody has."""
    issue = session.scalar(
        issues_for(by)
        .where(HotIssue.id == issue_id)
        .with_for_update(of=HotIssue)
        .execution_options(populate_existing=True)
    )
    if issue is None or not may_settle(by, issue_id):
        raise NotFound
    if issue.dismissed_at is not None or issue.improvement_id is not None:
        raise AlreadySettled
    return issue
