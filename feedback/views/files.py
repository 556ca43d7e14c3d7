"""Files that come with forms, and letters' files as downloads."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO

from flask import Blueprint, Response, abort, g, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue

from feedback import queries
from feedback.attachments import keeping
from feedback.attachments import queries as attached
from feedback.attachments.models import Attachment
from feedback.forms import FilesForm
from feedback.secrets import tidy_number
from feedback.views import memory
from portal.access import Permission, public, requires
from portal.clock import utcnow
from portal.config import MEBIBYTE
from portal.files.uploads import sent, store

files = Blueprint("files", "feedback")

ONE = f"<int(max={queries.MAX_ID}):attachment_id>"
UNWANTED, HOLDING = "drop_file", "holding"


@files.get(f"/feedback/track/<number>/files/{ONE}")
@public
def mine(number: str, attachment_id: int) -> ResponseReturnValue:
    """To whoever has shown the letter's secret in this browser."""
    if not memory.is_open(number):
        return redirect(url_for("feedback.track", number=tidy_number(number) or None))
    case = queries.for_sender(number)
    row = attached.for_sender(case, attachment_id) if case else None
    return _download(row) if row else abort(404)


@files.get(f"/staff/cases/<int(max={queries.MAX_ID}):case_id>/files/{ONE}")
@requires(Permission.CASE_READ)
def staff(case_id: int, attachment_id: int) -> ResponseReturnValue:
    """To staff who may open the letter. It is kept who downloaded which file."""
    return _download(keeping.open_one(case_id, attachment_id, by=g.user, now=utcnow()))


def _download(row: Attachment) -> Response:
    """The file, to be saved and never shown: nothing in it may act as a page of ours."""
    if row.stored is None or row.spec is None:
        abort(404)
    try:
        data = store().path(row.stored).read_bytes()
    except FileNotFoundError:
        abort(404)
    answer = send_file(BytesIO(data), row.spec.mimetype, as_attachment=True, download_name=row.name)
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def are_held() -> bool:
    """Whether files came with this form, or with an earlier try of it. Most letters have none."""
    return HOLDING in request.form or any(file.filename for file in request.files.values())


def receive(form: FilesForm, holder: str, *, keep: timedelta = keeping.A_DAY) -> None:
    """Hold the files of a form before it is judged: whatever else is wrong with it, they are not lost."""
    if request.method != "POST" or "files" not in form or form.website.data:
        return
    unwanted = [int(number) for number in request.form.getlist(UNWANTED) if number.isdecimal()]
    if unwanted:
        keeping.drop(holder, [number for number in unwanted if number <= queries.MAX_ID])
    longest = form.profile.intake.max_file_mb * MEBIBYTE
    uploads = sent("files", longest=longest)
    form.file_problems = keeping.hold(holder, uploads, profile=form.profile, now=utcnow(), keep=keep)
