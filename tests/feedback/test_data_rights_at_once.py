"""Two people at once: one decision, one approval, one destruction."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Flask

from feedback.retention import plans
from feedback.retention.carrying import carry_out
from feedback.retention.models import Outcome
from feedback.rights import services
from feedback.rights.models import DataRequest, Result, RightKind
from portal.app import profile
from portal.audit import AuditEvent
from portal.db import db
from tests import test_concurrency
from tests.factories import SIGNING_KEY, SITE
from tests.feedback.data_rights import (
    GRANT,
    REFUSAL,
    asked,
    contact_of,
    decide,
    found,
    letter_of,
    mails,
    secretary,
)
from tests.feedback.test_retention import AFTER, closed, with_rule
from tests.test_concurrency import at_once, count

real = test_concurrency.real


def test_of_people_who_decide_at_once_one_is_first(real: Flask) -> None:
    case = letter_of()
    request = asked(RightKind.DELETE, case, email="ming@example.com")
    people = [secretary() for _ in range(4)]
    ways = [GRANT, REFUSAL, GRANT, REFUSAL]
    ends = at_once(
        real,
        [lambda by=by, way=way: decide(request, way, by=by) for by, way in zip(people, ways, strict=True)],
    )
    assert sum(isinstance(end, services.AlreadyDecided) for end in ends) == 3
    db.session.rollback()
    kept = found(request.number)
    assert (contact_of(case) == {}) == (kept.result is Result.GRANTED)
    assert len(mails("data_request.decided")) == 1


def test_one_form_sent_twice_at_once_is_one_request(real: Flask) -> None:
    ask = services.Ask(kind=RightKind.VIEW, name="王小明", phone="02-1234-5678")
    ends = at_once(
        real,
        [
            lambda: services.open_request(
                ask,
                proven=None,
                profile=profile(),
                signing_key=SIGNING_KEY,
                key="k",
                site_url=SITE,
                now=AFTER,
            )
        ]
        * 4,
    )
    assert len({end.number for end in ends if isinstance(end, services.Receipt)}) == 1
    assert count(DataRequest) == 1


def test_a_plan_approved_and_carried_out_twice_at_once_happens_once(real: Flask) -> None:
    for _ in range(3):
        closed()
    plan = plans.propose(by=secretary(), profile=with_rule(), now=AFTER)
    people = [secretary() for _ in range(3)]
    ends = at_once(
        real,
        [lambda by=by: plans.approve(plan.id, reference="檔徵字第1號", by=by, now=AFTER) for by in people],
    )
    assert sum(isinstance(end, plans.NoLongerProposed) for end in ends) == 2
    holdings = real.extensions["holdings"]
    runs = at_once(
        real, [lambda: carry_out(plan.id, holdings, profile=with_rule(), now=AFTER) for _ in range(3)]
    )
    assert sum(run[Outcome.DESTROYED] for run in runs) == 3  # type: ignore[index]  # counters, or the test fails
    db.session.rollback()
    destroyed = sa.select(sa.func.count()).where(AuditEvent.action == "case.destroyed")
    assert db.session.scalar(destroyed) == 3
