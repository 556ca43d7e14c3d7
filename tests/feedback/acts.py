"""Every act on a letter through its public service, and the people who try it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from feedback.models import Case, Consultation, Method
from feedback.services import answering, deadlines, leaving, ratings, routing, sorting
from feedback.states import TRANSITIONS, Act, Ground, Party
from portal.access import PERMISSIONS, Actor, Role
from portal.app import profile
from portal.db import db
from tests.factories import NOW, SITE, make_actor, make_case, unit

ROLES = {
    "handler": (Role.HANDLER, "standards"),
    "head": (Role.HEAD, "standards"),
    "other handler": (Role.HANDLER, "it"),
    "other head": (Role.HEAD, "it"),
    "stranger": (Role.HEAD, "taichung"),
    "secretariat": (Role.SECRETARIAT, "secretariat"),
    "ethics": (Role.ETHICS, "ethics"),
    "admin": (Role.ADMIN, "standards"),
}
# The letter lies with the unit "standards"; "it" is offered it when it is being transferred, and asked when
# it is being consulted about.
PARTIES: dict[Party, set[str]] = {
    Party.OWNER: {"handler", "head"},
    Party.SORTER: {"handler", "head", "secretariat"},
    Party.DISPATCHER: {"secretariat"},
    Party.RECEIVER: {"other handler", "other head"},
    Party.CONSULTED: {"other handler", "other head"},
}
TEXT = "寫了很久的文字"


def do(act: Act, case: Case, by: Actor, now: datetime = NOW) -> object:
    """The act through its public service. What the citizen does asks for nobody: `by` is passed over."""
    common: dict[str, Any] = {"by": by, "now": now}
    known = common | {"profile": profile()}
    to_citizen = known | {"site_url": SITE}
    asked = db.session.scalar(sa.select(Consultation.id).where(Consultation.case_id == case.id)) or 0
    calls: dict[Act, Callable[[], object]] = {
        Act.CONFIRM_TOPIC: lambda: sorting.confirm_topic(case.id, topic="ST-CNS", **known),
        Act.DECLINE_SUGGESTION: lambda: sorting.decline_suggestion(case.id, **common),
        Act.SET_VOICE: lambda: sorting.set_voice(case.id, voice="question", **known),
        Act.JUDGE_URGENCY: lambda: sorting.judge_urgency(case.id, urgent=True, **known),
        Act.DISPATCH: lambda: routing.dispatch(case.id, unit_id=unit("legal").id, reason=TEXT, **common),
        Act.TRANSFER: lambda: routing.transfer(case.id, unit_id=unit("it").id, reason=TEXT, **common),
        Act.ACCEPT_TRANSFER: lambda: routing.accept(case.id, **common),
        Act.REFUSE_TRANSFER: lambda: routing.refuse(case.id, reason=TEXT, **common),
        Act.CANCEL_TRANSFER: lambda: routing.cancel(case.id, **common),
        Act.ASSIGN: lambda: routing.assign(case.id, handler_id=make_actor().id, **common),
        Act.CONSULT: lambda: routing.consult(case.id, unit_id=unit("it").id, question=TEXT, **known),
        Act.DROP_CONSULTATION: lambda: routing.drop_consultation(asked, **common),
        Act.GIVE_OPINION: lambda: routing.give_opinion(asked, opinion=TEXT, **common),
        Act.ASK_CITIZEN: lambda: deadlines.ask_citizen(case.id, question=TEXT, **to_citizen),
        Act.STOP_WAITING: lambda: deadlines.stop_waiting(case.id, **known),
        Act.INTERIM: lambda: deadlines.interim(case.id, body=TEXT, **to_citizen),
        Act.EXTEND: lambda: deadlines.extend(case.id, days=5, reason=TEXT, **to_citizen),
        Act.SAVE_DRAFT: lambda: answering.save_draft(case.id, body=TEXT, method=Method.WRITTEN, **common),
        Act.SUBMIT: lambda: answering.submit(case.id, body=TEXT, method=Method.WRITTEN, **common),
        Act.RECALL: lambda: answering.recall(case.id, **common),
        Act.RETURN: lambda: answering.send_back(case.id, comment=TEXT, **common),
        Act.APPROVE: lambda: answering.approve(case.id, **common),
        Act.SEND: lambda: answering.send(case.id, **to_citizen),
        Act.REPLY: lambda: answering.answer(case.id, body=TEXT, **to_citizen),
        Act.CLOSE: lambda: answering.close(case.id, **common),
        Act.DECLINE: lambda: leaving.decline(case.id, ground=Ground.NO_SUBSTANCE, notice=TEXT, **to_citizen),
        Act.REFER: lambda: leaving.refer(
            case.id, agency="國家通訊傳播委員會", email="", reason=TEXT, fields=[], notice=TEXT, **to_citizen
        ),
        Act.MERGE: lambda: leaving.merge(case.id, into_id=make_case(unit_code="standards").id, **known),
        Act.SEPARATE: lambda: leaving.separate(case.id, **common),
        Act.SUPPLEMENT: lambda: deadlines.supplement(case.id, body=TEXT, profile=profile(), now=now),
        Act.WITHDRAW: lambda: leaving.withdraw(case.id, profile=profile(), now=now),
        Act.REOPEN: lambda: ratings.rate(case.id, score=1, comment=TEXT, profile=profile(), now=now),
    }
    return calls[act]()


def allowed(act: Act, role: Role, who: str) -> bool:
    transition = TRANSITIONS[act]
    if act is Act.REPLY and role is Role.HANDLER:
        return False  # a handler's answer is signed off
    held = transition.permission in PERMISSIONS[role]
    return held and who in PARTIES[transition.party]
