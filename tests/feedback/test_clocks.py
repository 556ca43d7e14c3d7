"""The clock of a letter: it stands still while the citizen is asked, and moves with the office calendar."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa

from feedback.models import CaseEvent, EventKind
from feedback.services import deadlines
from feedback.services.deadlines import NoMoreTime
from feedback.states import Status
from portal.access import Actor, Role
from portal.app import profile
from portal.calendars import services as calendars
from portal.clock import TAIPEI, last_day
from portal.db import db
from tests.factories import NOW, SITE, get_case, make_actor, make_case
from tests.feedback.ways import bring_to

pytestmark = pytest.mark.usefixtures("ctx")


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=TAIPEI)


def close_on(day: date, by: Actor) -> int:
    return calendars.enter_day(
        day, is_working=False, name="颱風停止上班", by=by, profile=profile(), now=NOW
    ).deadlines


def rescheduled(case_id: int) -> int:
    kept = sa.select(sa.func.count()).where(
        CaseEvent.case_id == case_id, CaseEvent.kind == EventKind.RESCHEDULED
    )
    return db.session.scalar(kept) or 0


def test_a_typhoon_day_moves_the_letters_that_wait_on_it_and_taking_it_back_moves_them_back() -> None:
    keeper = make_actor(Role.SECRETARIAT, "secretariat")
    waiting, before = make_case(), get_case(make_case().id).due_at
    last = last_day(before)
    assert close_on(last, keeper) == 2
    moved = get_case(waiting.id).due_at
    assert moved > before
    assert rescheduled(waiting.id) == 1
    assert calendars.remove_day(last, by=keeper, profile=profile(), now=NOW).deadlines == 2
    assert get_case(waiting.id).due_at == before


def test_a_typhoon_day_leaves_letters_that_do_not_wait_on_it() -> None:
    keeper = make_actor(Role.SECRETARIAT, "secretariat")
    answered, long_over = bring_to(Status.ANSWERED), make_case(due_at=NOW - timedelta(days=9))
    kept = {case.id: get_case(case.id).due_at for case in (answered, long_over)}
    assert close_on(last_day(kept[answered.id]), keeper) == 0
    assert {number: get_case(number).due_at for number in kept} == kept


def test_the_clock_stands_still_while_the_citizen_is_asked() -> None:
    case = make_case(unit_code="standards", received=moment("2026-11-16 10:00"))
    handler, due = make_actor(), get_case(case.id).due_at
    deadlines.ask_citizen(
        case.id, question="請問是哪一台磅秤？", by=handler, profile=profile(), site_url=SITE,
        now=moment("2026-11-18 10:00"),
    )  # fmt: skip
    assert get_case(case.id).due_at == due
    deadlines.supplement(case.id, body="市場入口第一攤。", profile=profile(), now=moment("2026-11-23 10:00"))
    assert profile().deadlines.for_answer(None).basis == "calendar"
    assert last_day(get_case(case.id).due_at) == last_day(due) + timedelta(days=5)


def test_a_deadline_is_extended_once_with_a_reason_that_is_sent() -> None:
    case, head = make_case(unit_code="standards"), make_actor(Role.HEAD)
    due = get_case(case.id).due_at

    def extend() -> None:
        deadlines.extend(
            case.id,
            reason="要等實驗室的檢驗結果。",
            days=5,
            by=head,
            profile=profile(),
            site_url=SITE,
            now=NOW,
        )

    extend()
    assert get_case(case.id).due_at > due
    with pytest.raises(NoMoreTime):
        extend()
