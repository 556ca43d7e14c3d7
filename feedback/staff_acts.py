"""What a press of a button on a letter's page does: for each act the service that is called."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from feedback.act_forms import YES, ReferForm
from feedback.models import Method
from feedback.services import answering, deadlines, leaving, routing, sorting
from feedback.states import TRANSITIONS, Act, Ground, Petition
from portal.access import Actor, Permission
from portal.forms import BaseForm
from portal.profile import Profile


@dataclass(frozen=True)
class Press:
    """Who pressed the button, when, and what services need to know of the agency."""

    by: Actor
    now: datetime
    profile: Profile
    site_url: str


@dataclass(frozen=True)
class Deed:
    """One act: the end of its address, what it does, and what is said when it is done."""

    path: str
    do: Callable[[int, Press, BaseForm], object]
    done: str


def permission(act: Act) -> Permission:
    """What a person must hold to do the act."""
    held = TRANSITIONS[act].permission
    if held is None:
        raise ValueError(f"nobody on the staff does {act.value}")
    return held


Reader = Callable[[BaseForm], Any]


def _text(name: str) -> Reader:
    return lambda form: form[name].data


def _whole(name: str) -> Reader:
    return lambda form: int(form[name].data)


def _calling(service: Callable[..., object], **readers: Reader) -> Callable[[int, Press, BaseForm], object]:
    """Call a service with what it asks for of the press, and with what is read from the form."""
    wanted = inspect.signature(service).parameters

    def do(case_id: int, press: Press, form: BaseForm) -> object:
        given = {name: value for name, value in vars(press).items() if name in wanted}
        return service(case_id, **given, **{name: read(form) for name, read in readers.items()})

    return do


def _refer(case_id: int, press: Press, form: BaseForm) -> object:
    if not isinstance(form, ReferForm):
        raise TypeError(type(form).__name__)
    return leaving.refer(
        case_id, agency=form.agency_name, email=form.email_of(press.profile), reason=form.reason.data,
        fields=form.fields.data, notice=form.notice.data, **vars(press),
    )  # fmt: skip


_moved = {"unit_id": _whole("unit"), "reason": _text("reason")}
_written = {"body": _text("body"), "method": lambda form: Method(form["method"].data)}
_drafted = _written | {"version": _text("version")}

DEEDS: dict[Act, Deed] = {
    Act.CONFIRM_TOPIC: Deed("topic", _calling(sorting.confirm_topic, topic=_text("topic")), "已確認主題。"),
    Act.DECLINE_SUGGESTION: Deed(
        "decline-suggestion",
        _calling(sorting.decline_suggestion),
        "已記下：建議的主題不對，留在分文台等同仁判斷。",
    ),
    Act.SET_VOICE: Deed(
        "voice",
        _calling(
            sorting.set_voice,
            voice=_text("voice"),
            petition=lambda form: Petition(form["petition"].data) if form["petition"].data else None,
        ),
        "已記下來信的性質。",
    ),
    Act.JUDGE_URGENCY: Deed(
        "urgency",
        _calling(sorting.judge_urgency, urgent=lambda form: form["urgent"].data == YES),
        "已記下是否緊急。",
    ),
    Act.DISPATCH: Deed("dispatch", _calling(routing.dispatch, **_moved), "已分文。"),
    Act.TRANSFER: Deed(
        "transfer",
        _calling(routing.transfer, **_moved),
        "已送請對方收件；對方同意前，信仍由本單位負責。",
    ),
    Act.ACCEPT_TRANSFER: Deed("accept", _calling(routing.accept), "已收下這封信。"),
    Act.REFUSE_TRANSFER: Deed("refuse", _calling(routing.refuse, reason=_text("reason")), "已退回原單位。"),
    Act.CANCEL_TRANSFER: Deed("cancel-transfer", _calling(routing.cancel), "已取消移轉。"),
    Act.ASSIGN: Deed("assign", _calling(routing.assign, handler_id=_text("handler")), "已指派承辦人。"),
    Act.CONSULT: Deed(
        "consult",
        _calling(
            routing.consult,
            unit_id=_whole("unit"),
            question=_text("question"),
            shown=lambda form: form["shown"].data if "shown" in form else None,
        ),
        "已送請會辦。",
    ),
    Act.ASK_CITIZEN: Deed(
        "ask",
        _calling(deadlines.ask_citizen, question=_text("question")),
        "已請來信人補充，處理期限暫停計算。",
    ),
    Act.STOP_WAITING: Deed(
        "stop-waiting", _calling(deadlines.stop_waiting), "不再等候補充，處理期限繼續計算。"
    ),
    Act.INTERIM: Deed("interim", _calling(deadlines.interim, body=_text("body")), "已送出初步回復。"),
    Act.EXTEND: Deed(
        "extend",
        _calling(deadlines.extend, days=_text("days"), reason=_text("reason")),
        "已展延，並通知來信人。",
    ),
    Act.SAVE_DRAFT: Deed("draft", _calling(answering.save_draft, **_drafted), "已存成草稿，還沒有送出。"),
    Act.SUBMIT: Deed("submit", _calling(answering.submit, **_drafted), "已送主管核判。"),
    Act.RECALL: Deed("recall", _calling(answering.recall), "已抽回，可以修改後再送。"),
    Act.RETURN: Deed("return", _calling(answering.send_back, comment=_text("reason")), "已退回承辦人修改。"),
    Act.APPROVE: Deed("approve", _calling(answering.approve, comment=_text("comment")), "已核可，等候發文。"),
    Act.SEND: Deed("send", _calling(answering.send), "答復已發文。"),
    Act.REPLY: Deed("reply", _calling(answering.answer, **_written), "答復已送出。"),
    Act.CLOSE: Deed("close", _calling(answering.close), "已結案。"),
    Act.DECLINE: Deed(
        "decline",
        _calling(leaving.decline, ground=lambda form: Ground(form["ground"].data), notice=_text("notice")),
        "已登記為不予處理，並通知來信人。",
    ),
    Act.REFER: Deed("refer", _refer, "已移轉其他機關，並通知來信人。"),
    Act.MERGE: Deed(
        "merge",
        _calling(leaving.merge, into_id=_text("into")),
        "已併案；兩封信都保留件數，答復時一併通知。",
    ),
    Act.SEPARATE: Deed("separate", _calling(leaving.separate), "已取消併案。"),
}
