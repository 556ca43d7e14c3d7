"""The shortest way of a letter to each state, through the public services."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from feedback.models import Case, Consultation, Method
from feedback.services import answering, deadlines, leaving, ratings, routing, suggesting
from feedback.states import Ground, Status
from portal.access import Role
from portal.app import profile
from portal.db import transaction
from tests.factories import NOW, SITE, get_case, guess, make_actor, make_case, unit, unsigned

EARLIER = NOW - timedelta(hours=1)


def _dispatched(case: Case) -> None:
    with transaction() as session:
        session.get_one(Case, case.id).status = Status.DISPATCHED


def _transferring(case: Case) -> None:
    routing.transfer(case.id, unit_id=unit("it").id, reason="屬貴單位", by=make_actor(), now=EARLIER)


def _in_progress(case: Case) -> None:
    head, handler = make_actor(Role.HEAD), make_actor()
    routing.assign(case.id, handler_id=handler.id, by=head, now=EARLIER)


def _awaiting_citizen(case: Case) -> None:
    deadlines.ask_citizen(
        case.id, question="請補充", by=make_actor(), profile=profile(), site_url=SITE, now=EARLIER
    )


def _in_review(case: Case) -> None:
    answering.submit(case.id, body="答復稿", method=Method.WRITTEN, by=make_actor(), now=EARLIER)


def _approved(case: Case) -> None:
    _in_review(case)
    answering.approve(case.id, by=make_actor(Role.HEAD), now=EARLIER)


def _answered(case: Case) -> None:
    answering.answer(case.id, body="答復", by=make_actor(), profile=unsigned(), site_url=SITE, now=EARLIER)


def _closed(case: Case) -> None:
    _answered(case)
    answering.close(case.id, by=make_actor(), now=EARLIER)


def _reopened(case: Case) -> None:
    _answered(case)
    ratings.rate(case.id, score=1, comment="", profile=profile(), now=EARLIER)


def _declined(case: Case) -> None:
    leaving.decline(
        case.id, ground=Ground.NO_SUBSTANCE, notice="沒有具體內容", by=make_actor(Role.HEAD),
        profile=profile(), site_url=SITE, now=EARLIER,
    )  # fmt: skip


def _referred(case: Case) -> None:
    leaving.refer(
        case.id, agency="內政部消防署", email="", reason="屬消防", fields=[], notice="已移轉",
        by=make_actor(), profile=profile(), site_url=SITE, now=EARLIER,
    )  # fmt: skip


def _merged(case: Case) -> None:
    main = make_case(unit_code="standards")
    leaving.merge(case.id, into_id=main.id, by=make_actor(), profile=profile(), now=EARLIER)


def _withdrawn(case: Case) -> None:
    leaving.withdraw(case.id, profile=profile(), now=EARLIER)


ROUTES: dict[Status, Callable[[Case], None]] = {
    Status.RECEIVED: lambda case: None,
    Status.DISPATCHED: _dispatched,
    Status.TRANSFERRING: _transferring,
    Status.IN_PROGRESS: _in_progress,
    Status.AWAITING_CITIZEN: _awaiting_citizen,
    Status.IN_REVIEW: _in_review,
    Status.APPROVED: _approved,
    Status.ANSWERED: _answered,
    Status.CLOSED: _closed,
    Status.REOPENED: _reopened,
    Status.DECLINED: _declined,
    Status.REFERRED: _referred,
    Status.MERGED: _merged,
    Status.WITHDRAWN: _withdrawn,
}


def bring_to(status: Status, *, consulting: bool = False) -> Case:
    """A letter of the unit "standards" in this state, which the model thinks may be urgent.

    `consulting`: the unit "it" has been asked about it.
    """
    case = make_case(unit_code="standards", name="陳大文", email="chen@example.com")
    suggesting.record_suggestion(case.id, guess(alarm=True), profile=profile(), now=EARLIER)
    ROUTES[status](case)
    if consulting:
        asked = _question(case)
        with transaction() as session:
            session.add(asked)
    return get_case(case.id)


def _question(case: Case) -> Consultation:
    return Consultation(
        case_id=case.id, unit_id=unit("it").id, question="請表示意見", asked_by=make_actor().id,
        asked_at=EARLIER, due_at=NOW,
    )  # fmt: skip
