"""What may be read: every select of letters starts from `visible_to`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager, defer, joinedload, selectinload

from feedback.models import (
    Case,
    CaseNeighbour,
    Consultation,
    Outcome,
    Rating,
    Reply,
    Transfer,
)
from feedback.secrets import matches, tidy_number
from feedback.states import Status
from portal.access import Actor, Permission, Role
from portal.audit import AuditEvent
from portal.clock import Period
from portal.db import db
from portal.units import Unit

PAGE = 30
MOST_CONSULTATIONS = 200
LEFT = (Status.DECLINED, Status.REFERRED, Status.MERGED, Status.WITHDRAWN)
MAX_ID = 2**31 - 1  # what a primary key holds on PostgreSQL
URGENCY_JUDGED = "case.urgency_judged"


def visible_to(actor: Actor) -> sa.Select[Case]:
    """The letters a person may read.

    The own unit's; every unit's for the secretariat; restricted ones only for the ethics role of the
    owning unit; none without the permission to read letters.
    """
    return sa.select(Case).where(visibility(actor))


def visibility(actor: Actor) -> sa.ColumnElement[bool]:
    if not actor.may(Permission.CASE_READ):
        return sa.false()
    own = Case.unit_id == actor.unit_id
    if actor.role is Role.ETHICS:
        return own
    ordinary = Case.restricted.is_(sa.false())
    return ordinary if actor.sees_all_units else sa.and_(own, ordinary)


def reachable_by(actor: Actor) -> sa.Select[Case]:
    """The letters that a person may open: those they see in lists, those that another unit asks theirs to
    take over, and those that theirs is asked about. Restricted ones are never reached in these ways."""
    return sa.select(Case).where(reach(actor))


def reach(actor: Actor) -> sa.ColumnElement[bool]:
    if not actor.may(Permission.CASE_READ):
        return sa.false()
    asked = sa.or_(Case.id.in_(incoming(actor)), Case.id.in_(consulted(actor)))
    return sa.or_(visibility(actor), sa.and_(Case.restricted.is_(sa.false()), asked))


def incoming(actor: Actor) -> sa.Select[int]:
    """Ids of letters that other units ask a person's unit to take over."""
    return sa.select(Transfer.case_id).where(
        Transfer.to_unit_id == actor.unit_id, Transfer.outcome == Outcome.PENDING
    )


def consulted(actor: Actor) -> sa.Select[int]:
    """Ids of letters about which a person's unit is or was asked."""
    return sa.select(Consultation.case_id).where(
        Consultation.unit_id == actor.unit_id, Consultation.dropped_at.is_(None)
    )


@dataclass(frozen=True)
class Filters:
    """What an inbox shows. Periods select by month; None leaves a thing open.

    `state`: a key of `staff_forms.STATES`; "all" and what is not known leave it open.
    `topic`: a code, or "none" for letters without a known topic.
    `moment`: whether `period` counts letters received, answered, closed or rated in that month.
    """

    state: str = "open"
    topic: str | None = None
    unit_id: int | None = None
    handler_id: int | None = None
    period: Period | None = None
    moment: str = "received"
    urgent: bool = False
    channel: str | None = None


def inbox(actor: Actor, filters: Filters, now: datetime) -> sa.Select[Case]:
    """The filtered letters a person may read, without order."""
    query = visible_to(actor)
    conditions: list[sa.ColumnElement[bool]] = list(_by_state(filters.state, now))
    if filters.topic == "none":
        conditions.append(Case.likely_topic.is_(None))
    elif filters.topic:
        conditions.append(Case.likely_topic == filters.topic)
    if filters.unit_id is not None:
        conditions.append(Case.unit_id == filters.unit_id)
    if filters.handler_id is not None:
        conditions.append(Case.handler_id == filters.handler_id)
    if filters.urgent:
        conditions.append(Case.urgent.is_(sa.true()))
    if filters.channel:
        conditions.append(Case.channel == filters.channel)
    if filters.period is not None:
        query, column = _moment(query, filters.moment)
        conditions += [column >= filters.period.start, column < filters.period.end]
    return query.where(*conditions)


def _by_state(state: str, now: datetime) -> list[sa.ColumnElement[bool]]:
    # "Open" is said by settled_at, which a CHECK ties to the status and the indexes are made for.
    is_open = Case.settled_at.is_(None)
    found: dict[str, list[sa.ColumnElement[bool]]] = {
        "open": [is_open],
        "overdue": [is_open, Case.due_at < now],
        "unconfirmed": [is_open, Case.topic.is_(None)],
        "asked": [is_open, Case.status == Status.AWAITING_CITIZEN],
        "review": [is_open, Case.status == Status.IN_REVIEW],
        "approved": [is_open, Case.status == Status.APPROVED],
        "answered": [Case.status == Status.ANSWERED],
        "closed": [Case.status == Status.CLOSED],
        "left": [Case.status.in_(LEFT)],
    }
    return found.get(state, [])


def _moment(query: sa.Select[Case], moment: str) -> tuple[sa.Select[Case], Any]:
    if moment in {"answered", "closed"}:
        return query, Case.answered_at if moment == "answered" else Case.closed_at
    if moment == "rated":
        return query.join(Rating, Rating.case_id == Case.id), Rating.rated_at
    return query, Case.received_at


@dataclass(frozen=True)
class Counters:
    """How many letters wait for a person's units, and how many of them in which way."""

    open: int
    overdue: int
    unconfirmed: int
    urgent: int


def counters(actor: Actor, now: datetime) -> Counters:
    """All four figures in one look at the open letters."""
    row = db.session.execute(
        visible_to(actor)
        .where(Case.settled_at.is_(None))
        .with_only_columns(
            sa.func.count(),
            _how_many(Case.due_at < now),
            _how_many(Case.topic.is_(None)),
            _how_many(Case.urgent.is_(sa.true())),
        )
    ).one()
    return Counters(*row)


def _how_many(condition: Any) -> sa.ColumnElement[int]:
    return sa.func.count(sa.case((condition, 1)))


@dataclass(frozen=True)
class Page:
    """One page of letters and the keys of its neighbours (None at either end)."""

    cases: list[Case]
    previous: str | None
    next: str | None


def page(query: sa.Select[Case], *, by: str = "due", after: str = "", before: str = "") -> Page:
    """A page by key: as fast on the last page as on the first, whatever arrives meanwhile.

    `by` is due (soonest first) or received (newest first). A key is "timestamp_id"; one that cannot
    be read starts from the beginning.
    """
    column: Any = Case.due_at if by == "due" else Case.received_at
    newest_first = by != "due"
    key, backwards = _read_key(before or after), bool(before)
    descending = newest_first != backwards
    if key is not None:
        place = sa.tuple_(column, Case.id)
        mark = sa.tuple_(sa.literal(key[0], column.type), sa.literal(key[1]))
        query = query.where(place < mark if descending else place > mark)
    order = (column.desc(), Case.id.desc()) if descending else (column, Case.id)
    query = query.order_by(*order).limit(PAGE + 1)
    loaded = (
        defer(Case.body), joinedload(Case.suggestion), joinedload(Case.unit), joinedload(Case.handler)
    )  # fmt: skip
    found = list(db.session.scalars(query.options(*loaded)))
    more, found = len(found) > PAGE, found[:PAGE]
    if backwards:
        found.reverse()
    earlier = more if backwards else key is not None
    later = key is not None if backwards else more
    return Page(
        found,
        _write_key(found[0], by) if earlier and found else None,
        _write_key(found[-1], by) if later and found else None,
    )


def _write_key(case: Case, by: str) -> str:
    moment = case.due_at if by == "due" else case.received_at
    return f"{moment.isoformat()}_{case.id}"


def _read_key(text: str) -> tuple[datetime, int] | None:
    stamp, _, number = text.rpartition("_")
    try:
        moment, case_id = datetime.fromisoformat(stamp), int(number)
        known = moment.tzinfo is not None and 0 < case_id <= MAX_ID
        return (moment.astimezone(UTC), case_id) if known else None
    except (ValueError, OverflowError):
        return None


def count(query: sa.Select[Any]) -> int:
    ids = query.with_only_columns(Case.id).subquery()
    return db.session.scalar(sa.select(sa.func.count()).select_from(ids)) or 0


def full(actor: Actor, case_id: int) -> Case | None:
    """One letter with all that its page shows, if the person may read it."""
    return db.session.scalar(
        reachable_by(actor)
        .where(Case.id == case_id)
        .options(
            joinedload(Case.unit),
            joinedload(Case.handler),
            joinedload(Case.merged_into),
            selectinload(Case.messages),
            joinedload(Case.contact),
            joinedload(Case.suggestion),
            joinedload(Case.reply).joinedload(Reply.rating),
            selectinload(Case.events),
        )
        .execution_options(populate_existing=True)
    )


def judgements(case: Case) -> list[AuditEvent]:
    """Who said that a letter is urgent or not, oldest first. The audit trail is the one record of it."""
    return list(
        db.session.scalars(
            sa.select(AuditEvent)
            .where(
                AuditEvent.object_type == "case",
                AuditEvent.object_id == case.number,
                AuditEvent.action == URGENCY_JUDGED,
            )
            .order_by(AuditEvent.id)
        )
    )


def neighbours(actor: Actor, case_id: int) -> list[CaseNeighbour]:
    """Earlier letters that read alike, the most alike first: only those that the person may read."""
    return list(
        db.session.scalars(
            sa.select(CaseNeighbour)
            .join(CaseNeighbour.earlier)
            .where(CaseNeighbour.case_id == case_id, visibility(actor))
            .order_by(CaseNeighbour.likeness.desc(), CaseNeighbour.earlier_id.desc())
            .options(contains_eager(CaseNeighbour.earlier).defer(Case.body))
        )
    )


def units_named() -> dict[int, str]:
    """Every unit's name by id, also of those that no longer answer letters."""
    return {row.id: row.name for row in db.session.execute(sa.select(Unit.id, Unit.name))}


def consultations(actor: Actor) -> list[Consultation]:
    """What other units ask a person's unit, unanswered first, then the newest."""
    wanted = _asked_of(actor).order_by(
        Consultation.answered_at.is_not(None), Consultation.due_at, Consultation.id.desc()
    )
    return list(db.session.scalars(wanted.limit(MOST_CONSULTATIONS)))


def consultation(actor: Actor, consultation_id: int) -> Consultation | None:
    """One question to a person's unit."""
    return db.session.scalar(_asked_of(actor).where(Consultation.id == consultation_id))


def _asked_of(actor: Actor) -> sa.Select[Consultation]:
    return (
        sa.select(Consultation)
        .where(Consultation.unit_id == actor.unit_id, Consultation.dropped_at.is_(None))
        .options(joinedload(Consultation.case).joinedload(Case.unit))
    )


def whereabouts(case_id: int) -> tuple[str, str]:
    """A letter's number and the name of the unit that has it, for whoever just sent it there."""
    wanted = sa.select(Case.number, Unit.name).join(Unit, Unit.id == Case.unit_id).where(Case.id == case_id)
    row = db.session.execute(wanted).one()
    return row.number, row.name


def opened_with(number: str, secret: str) -> Case | None:
    """The letter that a number and its secret open, both as typed."""
    case = for_sender(tidy_number(number))
    return case if case is not None and matches(case.number, secret, case.secret_hash) else None


def for_sender(number: str) -> Case | None:
    """One letter with all that its sender is shown. The caller has checked the secret."""
    return db.session.scalar(
        sa.select(Case)
        .where(Case.number == number)
        .options(
            joinedload(Case.unit),
            joinedload(Case.reply).joinedload(Reply.rating),
            selectinload(Case.events),
            selectinload(Case.messages),
        )
        .execution_options(populate_existing=True)
    )  # fmt: skip


def unclassified(limit: int) -> list[Case]:
    """Letters that the classifier has not seen, oldest first. For the job only: no person's view."""
    waiting = sa.select(Case).where(Case.classified_at.is_(None)).order_by(Case.id).limit(limit)
    return list(db.session.scalars(waiting))


def has_unclassified() -> bool:
    return db.session.scalar(sa.select(sa.exists().where(Case.classified_at.is_(None)))) or False
