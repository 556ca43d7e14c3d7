"""Hot issues: the list, one issue with its letters, and what people decide about it."""

from __future__ import annotations

from flask import Blueprint, abort, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from analytics.forms import ImprovementForm
from analytics.issue_queries import RECENT, Seen, may_settle, open_issues, seen_issue, settled_issues
from analytics.services import issues as service
from analytics.services.improvements import UnlikelyDay
from feedback.queries import MAX_ID
from portal.access import Permission, requires
from portal.app import profile
from portal.clock import roc_date, utcnow
from portal.forms import BaseForm
from portal.masking import mask

issues = Blueprint("issues", __name__, url_prefix="/staff/issues", template_folder="../templates")

ONE = f"/<int(max={MAX_ID}):issue_id>"


@issues.get("/")
@requires(Permission.SUMMARY_READ)
def index() -> ResponseReturnValue:
    now = utcnow()
    return render_template(
        "analytics/issues.html",
        waiting=open_issues(g.user, now),
        settled=settled_issues(g.user, now),
        days=RECENT.days,
        usual=usual_words,
    )


@issues.get(ONE)
@requires(Permission.SUMMARY_READ)
def show(issue_id: int) -> ResponseReturnValue:
    seen = _seen(issue_id)
    return render_template(
        "analytics/issue.html",
        seen=seen,
        issue=seen.issue,
        usual=usual_words,
        mask=mask,
        form=BaseForm(),
        may_settle=not _settled(seen) and may_settle(g.user, issue_id),
    )


@issues.post(f"{ONE}/dismiss")
@requires(Permission.IMPROVE)
def dismiss(issue_id: int) -> ResponseReturnValue:
    if not BaseForm().validate_on_submit():
        abort(400)
    service.dismiss(issue_id, by=g.user, now=utcnow())
    flash("已記下「不是問題」；之後同一件事的來信不再列為熱點。", "success")
    return redirect(url_for(".index"), 303)


@issues.route(f"{ONE}/improve", methods=["GET", "POST"])
@requires(Permission.IMPROVE)
def improve(issue_id: int) -> ResponseReturnValue:
    seen = _seen(issue_id)
    if not may_settle(g.user, issue_id):
        abort(404)
    if _settled(seen):
        raise service.AlreadySettled
    form = ImprovementForm(data={"topic": seen.issue.topic or "", "opinion": opinion_words(seen)})
    form.offer_topics(profile())
    if form.validate_on_submit():
        values = {name: form[name].data for name in ("opinion", "measure", "due_on")}
        try:
            service.improve(issue_id, topic=form.topic.data or None, **values, by=g.user, now=utcnow())
        except UnlikelyDay as fault:
            form.due_on.errors = [fault.message]
        else:
            flash("已登記改善措施；完成後請在改善措施填報成效。", "success")
            return redirect(url_for(".show", issue_id=issue_id), 303)
    return render_template("analytics/improvement_new.html", form=form), 422 if form.errors else 200


def usual_words(seen: Seen) -> str:
    """How many letters the last seven days brought, beside what is usual."""
    week = f"最近七天 {seen.week} 封"
    if not seen.whole:
        return f"{week}（只計您看得到的信）"
    return week if seen.expected is None else f"平常一週約 {seen.expected:.1f} 封，{week}"


def opinion_words(seen: Seen) -> str:
    """The opinion to begin with: what is shared and how many letters; never a sentence of a letter."""
    return (
        f"民眾反映「{seen.issue.label}」：{roc_date(seen.first)}到{roc_date(seen.last)}"
        f"共 {seen.posts} 封來信、{seen.people} 人。"
    )


def _seen(issue_id: int) -> Seen:
    return seen_issue(g.user, issue_id, utcnow()) or abort(404)


def _settled(seen: Seen) -> bool:
    return seen.issue.dismissed_at is not None or seen.issue.improvement_id is not None
