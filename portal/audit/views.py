"""The page of events: what a system administrator may see of who did what."""

from __future__ import annotations

from flask import Blueprint, current_app, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from portal.access import Permission, requires
from portal.audit import queries, words
from portal.audit.forms import EventsForm

PROTECTED = "audit_protected"
trail = Blueprint("audit", __name__, url_prefix="/staff/audit")


@trail.get("/")
@requires(Permission.SYSTEM)
def index() -> ResponseReturnValue:
    people = queries.people()
    form = EventsForm(request.args).prepare(people)
    head = queries.head()
    return render_template(
        "audit/index.html",
        filters=form,
        page=queries.page(
            form.filters(),
            current_app.extensions.get(PROTECTED, {}),
            after=_key("after"),
            before=_key("before"),
        ),
        head=head,
        head_hash=_spaced(head.hash),
        end_matches=queries.end_matches(),
        verified=queries.last_verified(),
        people={str(number): name for number, name in people},
        words=words,
    )


def _key(name: str) -> int | None:
    """An event's id out of the address; one that cannot be read starts from the beginning."""
    number = request.args.get(name, type=int)
    return number if number is not None and 0 < number <= queries.MAX_ID else None


def _spaced(digits: str) -> Markup:
    """A hash that a narrow screen may break after every eighth digit; a copied one holds no blanks."""
    groups = (digits[start : start + 8] for start in range(0, len(digits), 8))
    return Markup('<span class="code-inline">{}</span>').format(Markup("<wbr>").join(groups))
