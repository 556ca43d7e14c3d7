"""Whatever is tried on a letter, by whomever and in whatever order: its parts fit together throughout."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedback.models import Case, CaseEvent, Draft, DraftState, Outcome, Pause, Rating, Reply, Transfer
from feedback.services import answering, deadlines
from feedback.states import OPEN, REGISTERED, TRANSITIONS, Act, Status, acts_from
from portal.access import Actor
from portal.app import profile
from portal.clock import local_date
from portal.db import db
from portal.errors import DomainError
from tests.factories import NOW, get_case, make_actor, make_case
from tests.feedback.acts import ROLES, allowed, do

ACTS = sorted(set(TRANSITIONS) - {Act.REGISTER, Act.CONFIRM_EMAIL}, key=lambda act: act.value)
STEPS = 20


@pytest.mark.usefixtures("ctx")
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # the database is undone after the test; every example has a letter of its own
@given(data=st.data())
def test_a_letter_holds_together_whatever_is_tried(data: st.DataObject) -> None:
    people = {who: make_actor(role, unit_code) for who, (role, unit_code) in ROLES.items()}
    case_id, now = make_case(unit_code="standards", email="chen@example.com").id, NOW
    seen = 0
    for _ in range(data.draw(st.integers(0, STEPS), "how many steps")):
        act, who = data.draw(_step(get_case(case_id)), "what is tried")
        now += timedelta(minutes=data.draw(st.integers(0, 72 * 60), "minutes later"))
        seen = _try(act, case_id, people[who], now, seen)
        _holds_together(get_case(case_id), now)
    later = now + timedelta(days=400)
    deadlines.end_lapsed_pauses(later, profile=profile())
    answering.close_answered(later, profile=profile())
    case = get_case(case_id)
    _holds_together(case, later)
    assert case.status not in {Status.AWAITING_CITIZEN, Status.ANSWERED}


def _step(case: Case) -> st.SearchStrategy[tuple[Act, str]]:
    """Three times out of four what somebody may do now, otherwise anything by anybody."""
    anything = st.tuples(st.sampled_from(ACTS), st.sampled_from(sorted(ROLES)))
    possible = acts_from(case.status, answered=case.answered_at is not None)
    fitting = {
        act: [who for who, (role, _) in ROLES.items() if allowed(act, role, who)] or sorted(ROLES)
        for act in ACTS
        if act in possible and act is not Act.WITHDRAW
    }
    if not fitting:
        return anything
    chosen = st.sampled_from(list(fitting))
    sensible = chosen.flatmap(lambda act: st.tuples(st.just(act), st.sampled_from(fitting[act])))
    return st.one_of(sensible, sensible, sensible, anything)


def _try(act: Act, case_id: int, by: Actor, now: datetime, seen: int) -> int:
    """Do it or have it refused; return how many events the letter has. A refusal leaves no trace."""
    try:
        do(act, get_case(case_id), by, now)
    except DomainError:
        assert _count(CaseEvent, case_id) == seen or seen == 0
        return _count(CaseEvent, case_id)
    events = _count(CaseEvent, case_id)
    assert events >= seen
    return events


def _holds_together(case: Case, now: datetime) -> None:
    drafts = db.session.scalars(sa.select(Draft.state).where(Draft.case_id == case.id)).all()
    open_pauses = _count(Pause, case.id, Pause.ended_at.is_(None))
    pending = _count(Transfer, case.id, Transfer.outcome == Outcome.PENDING)
    replies, rated = _count(Reply, case.id), _count(Rating, case.id)
    assert case.status in REGISTERED
    assert (case.settled_at is None) == (case.status in OPEN)
    assert open_pauses == (case.status is Status.AWAITING_CITIZEN)
    assert pending == (case.status is Status.TRANSFERRING)
    assert drafts.count(DraftState.SUBMITTED) == (case.status is Status.IN_REVIEW)
    assert drafts.count(DraftState.APPROVED) == (case.status is Status.APPROVED)
    assert replies == (case.answered_at is not None)
    assert rated <= replies
    assert (case.closed_at is not None) == (case.status is Status.CLOSED)
    assert (case.merged_into_id is not None) == (case.status is Status.MERGED)
    assert (case.ground is not None) == (case.status is Status.DECLINED)
    assert (case.answered_late is not None) == (case.answered_at is not None)
    assert case.received_at < case.due_at
    assert profile().office_calendar.is_working_day(local_date(case.due_at - timedelta(microseconds=1)))
    assert case.settled_at is None or case.settled_at <= now


def _count(model: type[CaseEvent | Pause | Transfer | Reply | Rating], case_id: int, *where: object) -> int:
    wanted = sa.select(sa.func.count()).select_from(model).where(model.case_id == case_id, *where)
    return db.session.scalar(wanted) or 0
