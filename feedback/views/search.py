"""Staff find letters by their words."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from feedback import search as letters
from feedback import staff_words
from feedback.search_forms import SearchForm
from portal.access import Permission, requires
from portal.clock import utcnow

search = Blueprint("search", "feedback", url_prefix="/staff/search", template_folder="templates")


@search.get("/")
@requires(Permission.CASE_READ)
def results() -> ResponseReturnValue:
    form = SearchForm(request.args)
    if not request.args.get("q"):
        return _page(form)
    case_id = letters.number(g.user, form.q.data or "")
    if case_id is not None:
        return redirect(url_for("cases.show", case_id=case_id), 303)
    query = form.query()
    if query is None:
        return _page(form), 422
    before, after = (request.args.get(name, 0, int) for name in ("before", "after"))
    return _page(form, letters.find(g.user, query, state=form.state.data, before=before, after=after))


def _page(form: SearchForm, found: letters.Found | None = None) -> str:
    return render_template(
        "feedback/search.html",
        form=form,
        found=found,
        behind=letters.is_behind(g.user),
        words=staff_words,
        now=utcnow(),
    )
