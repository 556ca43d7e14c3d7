"""The triage desk: one press says what a letter is about."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from feedback import casefile, queries, staff_words
from feedback import triage as waiting
from feedback.act_forms import NO_CHOICE, TopicForm
from feedback.sampling import in_random_share
from feedback.services import sorting
from portal.access import Permission, requires
from portal.app import profile
from portal.clock import utcnow
from portal.errors import BadInput, Conflict, NotFound

triage = Blueprint("triage", "feedback", url_prefix="/staff/triage", template_folder="templates")

ORDERS = {waiting.UNSURE: "最不確定優先", waiting.RECEIVED: "收件時間"}
GONE = "這封信已經不在您的分文台：可能剛由同仁移到別的單位。您的選擇沒有送出。"


@triage.get("/")
@requires(Permission.CASE_REPLY)
def desk() -> ResponseReturnValue:
    return _page()


@triage.post(f"/<int(max={queries.MAX_ID}):case_id>/topic")
@requires(Permission.CASE_REPLY)
def confirm(case_id: int) -> ResponseReturnValue:
    form = TopicForm().offer(profile(), None)
    if not form.validate_on_submit():
        return _page(422, late=NO_CHOICE)
    try:
        case = sorting.confirm_topic(
            case_id, topic=form.topic.data, by=g.user, profile=profile(), now=utcnow(), first=True
        )
    except NotFound:
        return _page(404, late=GONE)
    except (BadInput, Conflict) as fault:
        return _page(fault.status, late=fault.message)
    offered = casefile.pending_transfer(case)
    goes = f"已請{offered.to_unit.name}收件" if offered else f"由{case.unit.name}辦理"
    flash(f"{case.number} 已確認為「{profile().topic_name(case.topic)}」，{goes}。", "success")
    # To the main part, where the message is read first and the next letter comes after it.
    return redirect(url_for(".desk", order=_chosen_order(), _anchor="main"), 303)


def _chosen_order() -> str | None:
    """The order asked for, None for the usual one."""
    return waiting.RECEIVED if request.args.get("order") == waiting.RECEIVED else None


def _page(status: int = 200, *, late: str = "") -> ResponseReturnValue:
    order = _chosen_order() or waiting.UNSURE
    page = render_template(
        "feedback/triage.html",
        cases=waiting.desk(g.user, order),
        count=queries.count(waiting.waiting(g.user)),
        late=late,
        now=utcnow(),
        order=order,
        orders=ORDERS,
        sampled=in_random_share,
        words=staff_words,
    )
    return page, status
