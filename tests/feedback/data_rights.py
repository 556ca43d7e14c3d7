"""What the tests of personal-data requests share."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from feedback.models import Case, Contact
from feedback.rights import services
from feedback.rights.disclosure import SECTIONS
from feedback.rights.models import DataRequest, Result, RightKind
from feedback.rights.services import Ask, Decision
from feedback.secrets import new_key
from portal.access import Actor, Role
from portal.app import profile
from portal.db import db
from portal.outbox import OutboxMessage
from tests.factories import NOW, SIGNING_KEY, SITE, make_actor, make_case

WHO = {"name": "王小明", "email": "ming@example.com", "phone": "0912-345-678"}
CODES = [section.code for section in SECTIONS]
REFUSAL = Decision(result=Result.REFUSED, ground="identity", reason="無法確認身分。")
GRANT = Decision(result=Result.GRANTED)


def secretary() -> Actor:
    return make_actor(Role.SECRETARIAT, "secretariat", name="李文書")


def letter_of(**values: Any) -> Case:
    """A letter whose sender left every kind of contact data."""
    return make_case(**(WHO | values))


def asked(
    kind: RightKind = RightKind.VIEW, case: Case | None = None, *, now: datetime = NOW, **values: Any
) -> DataRequest:
    """A request about a letter, proven by its secret; without a letter, one that staff must verify."""
    receipt = services.open_request(
        Ask(kind=kind, **values),
        proven=case,
        profile=profile(),
        signing_key=SIGNING_KEY,
        key=new_key(),
        site_url=SITE,
        now=now,
    )
    return found(receipt.number)


def found(number: str) -> DataRequest:
    """The request as the database has it now."""
    wanted = sa.select(DataRequest).where(DataRequest.number == number)
    return db.session.scalars(wanted.execution_options(populate_existing=True)).one()


def decide(
    request: DataRequest, decision: Decision = GRANT, *, by: Actor | None = None, now: datetime = NOW
) -> DataRequest:
    return services.decide(
        request.id,
        decision,
        by=by or secretary(),
        sections=CODES,
        profile=profile(),
        site_url=SITE,
        now=now,
    )


def contact_of(case: Case) -> dict[str, str]:
    """The contact data in use; empty when there are none."""
    row = db.session.scalar(
        sa.select(Contact).where(Contact.case_id == case.id).execution_options(populate_existing=True)
    )
    return {field: getattr(row, field) for field in WHO} if row else {}


def mails(kind: str) -> list[OutboxMessage]:
    wanted = sa.select(OutboxMessage).where(OutboxMessage.kind == kind).order_by(OutboxMessage.id)
    return list(db.session.scalars(wanted))
