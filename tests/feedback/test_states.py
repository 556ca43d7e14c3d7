"""Every act from every state by every role: what is allowed happens, everything else changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from feedback.models import Case
from feedback.services import deadlines, leaving
from feedback.states import (
    OPEN,
    REGISTERED,
    SETTLED,
    TRANSITIONS,
    UNREGISTERED,
    Act,
    NotAllowed,
    Status,
    acts_from,
    move,
)
from portal.app import profile
from portal.errors import DomainError
from tests.factories import NOW, get_case, make_actor
from tests.feedback.acts import PARTIES, ROLES, TEXT, allowed, do
from tests.feedback.ways import ROUTES, bring_to

pytestmark = pytest.mark.usefixtures("ctx")

BEFORE_ANSWER = "received dispatched transferring in_progress awaiting_citizen in_review approved"
# Written down once more, so that a change of the table is a decision: act → states it starts from.
STARTS: dict[Act, str] = {
    Act.REGISTER: "draft",
    Act.CONFIRM_EMAIL: "awaiting_email",
    Act.CONFIRM_TOPIC: "received dispatched in_progress",
    Act.DECLINE_SUGGESTION: "received dispatched",
    Act.SET_VOICE: "received dispatched in_progress awaiting_citizen",
    Act.JUDGE_URGENCY: f"{BEFORE_ANSWER} reopened",
    Act.DISPATCH: "received dispatched in_progress transferring",
    Act.TRANSFER: "received dispatched in_progress",
    Act.ACCEPT_TRANSFER: "transferring",
    Act.REFUSE_TRANSFER: "transferring",
    Act.CANCEL_TRANSFER: "transferring",
    Act.ASSIGN: "received dispatched in_progress awaiting_citizen reopened",
    Act.CONSULT: "received dispatched in_progress reopened",
    Act.DROP_CONSULTATION: "received dispatched transferring in_progress awaiting_citizen reopened",
    Act.GIVE_OPINION: "received dispatched transferring in_progress awaiting_citizen reopened",
    Act.ASK_CITIZEN: "received dispatched in_progress",
    Act.SUPPLEMENT: f"{BEFORE_ANSWER} reopened",
    Act.STOP_WAITING: "awaiting_citizen",
    Act.INTERIM: "received dispatched in_progress",
    Act.EXTEND: "received dispatched in_progress reopened",
    Act.SAVE_DRAFT: "received dispatched in_progress reopened",
    Act.SUBMIT: "received dispatched in_progress reopened",
    Act.RECALL: "in_review approved",
    Act.RETURN: "in_review",
    Act.APPROVE: "in_review",
    Act.SEND: "approved",
    Act.REPLY: "received dispatched in_progress reopened",
    Act.CLOSE: "answered",
    Act.REOPEN: "answered closed",
    Act.DECLINE: "received dispatched in_progress awaiting_citizen",
    Act.REFER: "received dispatched in_progress",
    Act.MERGE: "received dispatched in_progress",
    Act.SEPARATE: "merged",
    Act.WITHDRAW: BEFORE_ANSWER,
}


def test_acts_start_from_the_states_written_here() -> None:
    found = {act: {state.value for state in transition.moves} for act, transition in TRANSITIONS.items()}
    assert found == {act: set(states.split()) for act, states in STARTS.items()}


def test_every_state_is_reached_and_only_final_ones_are_never_left() -> None:
    reached = {target for transition in TRANSITIONS.values() for target in transition.moves.values()}
    assert reached | UNREGISTERED == set(Status)
    final = {state for state in REGISTERED if not acts_from(state)}
    assert final == {Status.DECLINED, Status.REFERRED, Status.WITHDRAWN}
    assert set(Status) == OPEN | SETTLED | UNREGISTERED
    assert not OPEN & SETTLED


def test_what_was_answered_once_never_leaves_without_an_answer() -> None:
    away = {Status.DECLINED, Status.REFERRED, Status.MERGED, Status.WITHDRAWN}
    for status in (Status.REOPENED, Status.IN_REVIEW, Status.APPROVED, Status.ANSWERED, Status.CLOSED):
        assert not {move(status, act, answered=True) for act in acts_from(status, answered=True)} & away


STAFF_ACTS = [
    act for act, transition in TRANSITIONS.items() if transition.party in PARTIES and act is not Act.REGISTER
]


@pytest.mark.parametrize("status", ROUTES, ids=lambda status: status.value)
def test_an_act_is_done_by_those_who_may_from_where_it_starts_and_by_nobody_else(status: Status) -> None:
    people = {who: make_actor(role, unit_code) for who, (role, unit_code) in ROLES.items()}
    left_alone = bring_to(status, consulting=status in CONSULTABLE)
    before = _facts(left_alone)
    answered = left_alone.answered_at is not None
    for act in STAFF_ACTS:
        for who, by in people.items():
            if status in TRANSITIONS[act].leads(answered=answered) and allowed(act, by.role, who):
                consulting = act in (Act.DROP_CONSULTATION, Act.GIVE_OPINION)
                case = bring_to(status, consulting=consulting)
                do(act, case, by)
                assert get_case(case.id).status is move(status, act, answered=answered), (act, who)
            else:
                with pytest.raises(DomainError):
                    do(act, left_alone, by)
    assert _facts(get_case(left_alone.id)) == before


CONSULTABLE = {state for state in ROUTES if state in TRANSITIONS[Act.GIVE_OPINION].moves}


def _facts(case: Case) -> dict[str, Any]:
    return {column.key: getattr(case, column.key) for column in sa.inspect(Case).column_attrs}


@pytest.mark.parametrize("status", ROUTES, ids=lambda status: status.value)
def test_the_citizen_adds_words_to_what_is_open_and_withdraws_what_is_unanswered(status: Status) -> None:
    case = bring_to(status)
    if status in TRANSITIONS[Act.SUPPLEMENT].moves:
        deadlines.supplement(case.id, body=TEXT, profile=profile(), now=NOW)
    else:
        with pytest.raises(NotAllowed):
            deadlines.supplement(case.id, body=TEXT, profile=profile(), now=NOW)
    case = get_case(case.id)
    if case.status in TRANSITIONS[Act.WITHDRAW].moves and case.answered_at is None:
        assert leaving.withdraw(case.id, profile=profile(), now=NOW).status is Status.WITHDRAWN
    else:
        with pytest.raises(NotAllowed):
            leaving.withdraw(case.id, profile=profile(), now=NOW)
