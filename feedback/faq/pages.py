"""The public side: every published answer, and those that a letter may not need to be sent for."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue

from feedback.faq import queries
from feedback.faq.forms import FindForm
from feedback.letters import Letter
from feedback.queries import MAX_ID
from portal.abuse import limited
from portal.access import public
from portal.app import profile
from portal.forms import clean

faq = Blueprint("faq", "feedback", url_prefix="/faq", template_folder="templates")


@faq.get("/")
@public
@limited("lookups", "GET")
def index() -> ResponseReturnValue:
    form = FindForm(request.args)
    if not form.validate():
        return render_template("feedback/faq/index.html", form=form, groups=[]), 422
    found = queries.published(form.q.data or "")
    return render_template("feedback/faq/index.html", form=form, groups=queries.by_topic(found, profile()))


@faq.get(f"/<int(max={MAX_ID}):entry_id>")
@public
def show(entry_id: int) -> ResponseReturnValue:
    entry = queries.one_published(entry_id)
    if entry is None:
        abort(404)
    return render_template("feedback/faq/show.html", entry=entry)


@faq.post("/offers")
@public
@limited("lookups")
def offers() -> ResponseReturnValue:
    """A part of a page: answers to the letter that is being written. Nothing of it is kept."""
    letter = Letter(subject=clean(request.form.get("subject")), body=clean(request.form.get("body")))
    return render_template("feedback/faq/_offers.html", offers=queries.offered(letter))
