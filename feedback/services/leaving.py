"""Ways out of the inbox without an answer of one's own: not handled, referred, merged, withdrawn."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback import mails
from feedback.models import Case, Draft, DraftState, EventKind, MessageKind, Outcome, Referral, Transfer
from feedback.queries import visible_to
from feedback.services.acting import advance, keep, load, load_for_citizen
from feedback.services.answering import CURRENT
from feedback.services.deadlines import end_pause, say
from feedback.services.routing import drop_all_consultations
from feedback.states import Act, Ground
from portal.access import Actor
from portal.db import transaction
from portal.errors import BadInput
from portal.profile import Profile

FIELDS = {"name": "姓名", "email": "電子郵件", "phone": "電話", "county": "縣市"}
"""What may travel with a letter to another agency besides its words."""


def decline(
    case_id: int, *, ground: Ground, notice: str, by: Actor, profile: Profile, site_url: str, now: datetime
) -> Case:
    """Do not handle a letter, on one of the three grounds of 行政程序法 §173, and tell its sender why.

    It stays registered and counted.
    """
    with transaction() as session:
        case = load(session, case_id, by, Act.DECLINE)
        _leave(session, case, Act.DECLINE, profile=profile, now=now, ground=ground)
        keep(session, case, EventKind.DECLINED, by=by, now=now, note=ground.label, ground=ground.value)
        say(session, case, MessageKind.DECLINED, notice, by=by, profile=profile, site_url=site_url, now=now)
    return case


def refer(
    case_id: int,
    *,
    agency: str,
    email: str,
    reason: str,
    fields: list[str],
    notice: str,
    by: Actor,
    profile: Profile,
    site_url: str,
    now: datetime,
) -> Case:
    """Send a letter to the agency that is competent for it, with the fields it needs, and tell its sender
    (行政程序法 §172). Without `email` the letter travels on paper; the referral is kept all the same."""
    if not set(fields) <= FIELDS.keys():
        raise BadInput("請從清單選擇要一併移轉的資料。")
    with transaction() as session:
        case = load(session, case_id, by, Act.REFER)
        if case.restricted:
            raise BadInput("限閱的信不能由系統移轉其他機關，請以密件公文辦理。")
        referral = Referral(
            case_id=case.id, agency=agency, email=email, reason=reason, fields=sorted(fields),
            referred_by=by.id, referred_at=now,
        )  # fmt: skip
        session.add(referral)
        _leave(session, case, Act.REFER, profile=profile, now=now)
        keep(session, case, EventKind.REFERRED, by=by, now=now, note=agency, fields=sorted(fields))
        mails.refer_to_agency(session, case, referral, profile=profile, now=now)
        say(session, case, MessageKind.REFERRED, notice, by=by, profile=profile, site_url=site_url, now=now)
    return case


def merge(case_id: int, *, into_id: int, by: Actor, profile: Profile, now: datetime) -> Case:
    """Handle a letter together with another about the same matter (併案); both stay counted as letters.

    Whoever wrote it gets the answer of the other letter when that is sent. Raises BadInput when the
    other letter is not an open letter of the same unit.
    """
    with transaction() as session:
        both = sa.select(Case.id).where(Case.id.in_((case_id, into_id))).order_by(Case.id)
        session.execute(both.with_for_update()).all()  # in one order, so that two merges never wait in a ring
        case = load(session, case_id, by, Act.MERGE)
        main = session.scalar(
            visible_to(by).where(Case.id == into_id, Case.id != case_id).with_for_update(of=Case)
        )
        fits = main is not None and main.unit_id == case.unit_id and main.answered_at is None
        if main is None or not fits or not main.status.is_open or main.restricted != case.restricted:
            raise BadInput("只能併入本單位還沒有答復、同樣限閱或不限閱的信。")
        if session.scalar(sa.select(sa.exists().where(Case.merged_into_id == case.id))):
            raise BadInput("已經有其他信併入這一封，請改把另一封併到這裡。")
        main.urgent = main.urgent or case.urgent
        _leave(session, case, Act.MERGE, profile=profile, now=now, merged_into_id=main.id)
        keep(session, case, EventKind.MERGED, by=by, now=now, note=main.number, into=main.number)
        keep(session, main, EventKind.MERGED, by=by, now=now, note=case.number, merged=case.number)
    return case


def separate(case_id: int, *, by: Actor, now: datetime) -> Case:
    """Handle a merged letter on its own again."""
    with transaction() as session:
        case = load(session, case_id, by, Act.SEPARATE)
        main = session.get_one(Case, case.merged_into_id)
        if main.answered_at is not None:
            raise BadInput("併入的信已經答復，不能再分開。")
        advance(case, Act.SEPARATE, now=now)
        case.merged_into_id = None
        keep(session, case, EventKind.SEPARATED, by=by, now=now, note=main.number, main=main.number)
    return case


def withdraw(case_id: int, *, profile: Profile, now: datetime) -> Case:
    """The citizen takes the letter back. The caller has checked the secret.

    What was reported stays on record: the agency may look into it of its own accord.
    """
    with transaction() as session:
        case = load_for_citizen(session, case_id, Act.WITHDRAW)
        _leave(session, case, Act.WITHDRAW, profile=profile, now=now)
        keep(session, case, EventKind.WITHDRAWN, by=None, now=now)
    return case


def _leave(session: Session, case: Case, act: Act, *, profile: Profile, now: datetime, **facts: Any) -> None:
    """Nothing waits any more: no pause, no draft, no transfer, no question to other units. `facts` are
    columns that belong to the state that the letter comes to."""
    end_pause(session, case, profile=profile, now=now)
    session.execute(
        sa.update(Draft)
        .where(Draft.case_id == case.id, Draft.state.in_(CURRENT))
        .values(state=DraftState.DROPPED)
    )
    session.execute(
        sa.update(Transfer)
        .where(Transfer.case_id == case.id, Transfer.outcome == Outcome.PENDING)
        .values(outcome=Outcome.CANCELLED, decided_at=now)
    )
    drop_all_consultations(session, case, now=now)
    advance(case, act, now=now)
    for name, value in facts.items():
        setattr(case, name, value)
