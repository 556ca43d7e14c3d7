"""Reading the trail: the whole chain link by link, its end, and the page of events. Nothing here writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from portal.accounts.models import User
from portal.audit.chain import FIELDS, GENESIS, Head, Link, read_json, read_moment
from portal.audit.events import AuditEvent, AuditHead
from portal.clock import start_of
from portal.db import db

BATCH = 2000
PAGE = 50
NOBODY = 0
"""Stands for the citizen or a job where a person's id is asked for."""
MAX_ID = 2**31 - 1  # what a primary key holds on PostgreSQL
VERIFIED = "audit.verified"


def head() -> Head:
    """The end of the chain. An installation whose row is lost has an empty one, which no chain fits."""
    found = db.session.execute(sa.select(AuditHead.hash, AuditHead.count)).one_or_none()
    return Head(*found) if found else Head("", 0)


def links() -> Iterator[Link]:
    """Every link in its order, some thousand in memory at a time.

    Time and detail are read as text: a row that was tampered with may hold neither, and must be named
    by the walk instead of ending it.
    """
    plain = [column for column in AuditEvent.__table__.c if column.name not in {"at", "detail"}]
    texts = [sa.cast(AuditEvent.at, sa.Text).label("at"), sa.cast(AuditEvent.detail, sa.Text).label("detail")]
    wanted, last = sa.select(*plain, *texts).order_by(AuditEvent.id).limit(BATCH), None
    while rows := db.session.execute(wanted if last is None else wanted.where(AuditEvent.id > last)).all():
        yield from map(_link, rows)
        last = rows[-1].id


def _link(row: Any) -> Link:
    facts = {name: getattr(row, name) for name in FIELDS}
    facts["at"], facts["detail"] = read_moment(row.at), _read_detail(row.detail)
    return Link(row.id, facts, row.hash)


def _read_detail(text: Any) -> Any:
    try:
        return read_json(text)
    except ValueError:
        return text


def end_matches() -> bool:
    """Whether the last event is the one that the chain's head names: a cheap look, not the whole walk."""
    last = sa.select(AuditEvent.hash).order_by(AuditEvent.id.desc()).limit(1).scalar_subquery()
    found = db.session.execute(sa.select(AuditHead.hash, last)).one_or_none()
    return found is not None and (found[1] or GENESIS) == found[0]


def last_verified() -> AuditEvent | None:
    """The newest event of a walk through the whole chain that found nothing wrong."""
    wanted = sa.select(AuditEvent).where(
        AuditEvent.object_type == "audit", AuditEvent.object_id == "chain", AuditEvent.action == VERIFIED
    )
    return db.session.scalar(wanted.order_by(AuditEvent.id.desc()).limit(1))


@dataclass(frozen=True)
class Filters:
    """Which events are shown; None and "" leave a thing open. `day` is a day in Taipei."""

    object_id: str = ""
    action: str = ""
    actor_id: int | None = None
    day: date | None = None


@dataclass(frozen=True)
class Shown:
    """One event on the page, and the name of whose act it was."""

    event: AuditEvent
    person: str | None


@dataclass(frozen=True)
class Page:
    """One page of events, newest first, and the ids that lead to its neighbours."""

    rows: list[Shown]
    previous: int | None
    next: int | None


def page(
    filters: Filters,
    protected: Mapping[str, sa.ColumnElement[bool]],
    *,
    after: int | None = None,
    before: int | None = None,
) -> Page:
    """A page by key: older than the event `after`, or newer than `before`.

    Events of protected objects are in the chain and in no page, filtered or not.
    """
    conditions = [*_conditions(filters), sa.not_(sa.or_(sa.false(), *_of_kinds(protected)))]
    if before is not None:
        conditions.append(AuditEvent.id > before)
    elif after is not None:
        conditions.append(AuditEvent.id < after)
    order = AuditEvent.id if before is not None else AuditEvent.id.desc()
    wanted = (
        sa.select(AuditEvent, User.name.label("person"))
        .outerjoin(User, User.id == AuditEvent.actor_id)
        .where(*conditions)
        .order_by(order)
        .limit(PAGE + 1)
    )
    found = [Shown(*row) for row in db.session.execute(wanted)]
    more, found = len(found) > PAGE, found[:PAGE]
    if before is not None:
        found.reverse()
    newer = more if before is not None else after is not None
    older = more if before is None else True
    return Page(
        found,
        found[0].event.id if newer and found else None,
        found[-1].event.id if older and found else None,
    )


def _of_kinds(protected: Mapping[str, sa.ColumnElement[bool]]) -> list[sa.ColumnElement[bool]]:
    return [sa.and_(AuditEvent.object_type == kind, rule) for kind, rule in protected.items()]


def _conditions(filters: Filters) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if filters.object_id:
        conditions.append(AuditEvent.object_id == filters.object_id)
    if filters.action:
        conditions.append(AuditEvent.action == filters.action)
    if filters.actor_id is not None:
        conditions.append(AuditEvent.actor_id == (filters.actor_id or None))
    if filters.day is not None:
        conditions.append(AuditEvent.at >= start_of(filters.day))
        conditions.append(AuditEvent.at < start_of(filters.day + timedelta(days=1)))
    return conditions


def people() -> list[tuple[int, str]]:
    """Everybody who has an account, or had one: id and name with user name."""
    rows = db.session.execute(sa.select(User.id, User.name, User.username).order_by(User.username))
    return [(row.id, f"{row.name}（{row.username}）") for row in rows]
