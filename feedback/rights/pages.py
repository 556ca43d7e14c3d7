"""What a requester does: ask about their data, keep the receipt, follow it, take what is disclosed."""

from __future__ import annotations

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    json,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from feedback import queries as letters
from feedback.act_forms import ActForm
from feedback.models import Case
from feedback.rights import disclosure, mails, queries, services, words
from feedback.rights.forms import DataRequestForm, FollowForm
from feedback.rights.models import DataRequest
from feedback.secrets import tidy_number
from feedback.views import memory
from feedback.views.public import NO_MATCH
from portal.abuse import limited
from portal.access import public
from portal.app import profile
from portal.clock import roc_date, roc_deadline, utcnow
from portal.errors import NotFound
from portal.qr import qr_code
from portal.urls import site_url

rights = Blueprint("rights", "feedback", url_prefix="/privacy/request")

SHELF, RECEIPT = memory.OPENED_REQUESTS, memory.REQUEST_RECEIPT
NO_REQUEST = "請求編號與查詢密碼對不起來。請對照送出請求時的畫面，或您印下、抄下的資料再試一次。"


@rights.before_request
def _forget_expired() -> None:
    memory.forget_expired(utcnow())


@rights.after_request
def _keep_off_disk(response: Response) -> Response:
    """Pages that show a secret or personal data are not kept by the browser."""
    if request.endpoint not in {"rights.new", "rights.follow"}:
        response.headers["Cache-Control"] = "no-store"
    return response


def sections() -> list[disclosure.Section]:
    """What a disclosure can hold in this application."""
    found: list[disclosure.Section] = current_app.extensions["disclosure"]
    return found


@rights.route("", methods=["GET", "POST"])
@public
@limited("letters")
def new() -> ResponseReturnValue:
    form = DataRequestForm(number=tidy_number(request.args.get("number", "")))
    if form.validate_on_submit():
        proven = _proven(form)
        if not form.form_errors:
            receipt = services.open_request(
                form.ask,
                proven=proven,
                profile=profile(),
                signing_key=current_app.config["QINGTING"].secret_key,
                key=form.submission_key.data,
                site_url=site_url(),
                now=utcnow(),
            )
            memory.keep_receipt(memory.Shown(receipt.number, receipt.secret), now=utcnow(), shelf=RECEIPT)
            return redirect(url_for(".receipt"), 303)
    page = render_template("feedback/rights/new.html", form=form, rights=profile().data_rights)
    return page, 422 if form.errors else 200


def _proven(form: DataRequestForm) -> Case | None:
    """The letter whose secret was shown; a wrong secret is said in the form."""
    if not form.secret.data:
        return None
    case = letters.opened_with(form.number.data, form.secret.data)
    if case is None:
        form.form_errors.append(NO_MATCH)
    return case


@rights.get("/receipt")
@public
def receipt() -> ResponseReturnValue:
    shown = memory.receipt(RECEIPT)
    found = queries.for_requester(shown.number) if shown else None
    if shown is None or found is None:
        return render_template("feedback/rights/receipt.html", shown=None)
    address = mails.follow_url(site_url(), found)
    return render_template(
        "feedback/rights/receipt.html",
        shown=shown,
        found=found,
        due=roc_deadline(found.due_at),
        address=address,
        qr_code=qr_code(f"{address}#s={shown.secret}"),
    )


@rights.post("/receipt/clear")
@public
def clear_receipt() -> ResponseReturnValue:
    memory.drop_receipt(RECEIPT)
    return redirect(url_for(".receipt"), 303)


@rights.route("/follow", methods=["GET", "POST"])
@public
@limited("lookups")
def follow() -> ResponseReturnValue:
    form = FollowForm(number=words.tidy_number(request.args.get("number", "")))
    if form.validate_on_submit():
        found = queries.opened_with(form.number.data, form.secret.data)
        if found is not None:
            memory.open_letter(found.number, now=utcnow(), shelf=SHELF)
            return redirect(url_for(".show", number=found.serial), 303)
        form.form_errors.append(NO_REQUEST)
    return render_template("feedback/rights/follow.html", form=form), 422 if form.errors else 200


@rights.get("/<number>")
@public
def show(number: str) -> ResponseReturnValue:
    found, now = _opened(number), utcnow()
    if found is None:
        return redirect(url_for(".follow", number=words.tidy_number(number) or None))
    return render_template(
        "feedback/rights/show.html",
        found=found,
        due=roc_deadline(found.due_at),
        explanation=words.explain(found, profile(), now),
        state=words.state(found),
        decision=mails.decision_lines(found, profile()),
        until=roc_date(found.disclosed_until) if found.discloses(now) and found.disclosed_until else "",
    )


@rights.post("/<number>/disclosure")
@public
def disclose(number: str) -> ResponseReturnValue:
    found = _taken(number, "page")
    if found is None:
        return _back(number)
    return render_template(
        "feedback/rights/disclosure.html", found=found, made=_made(found), made_at=utcnow(), staff=False
    )


@rights.post("/<number>/disclosure.json")
@public
def download(number: str) -> ResponseReturnValue:
    found = _taken(number, "json")
    if found is None:
        return _back(number)
    document = disclosure.as_document(found, _made(found), profile(), utcnow())
    answer = Response(json.dumps(document, ensure_ascii=False, indent=2), mimetype="application/json")
    answer.headers["Content-Disposition"] = f"attachment; filename=data-request-{found.serial}.json"
    return answer


def _back(number: str) -> ResponseReturnValue:
    return redirect(url_for(".show", number=number), 303)


def _taken(number: str, form: str) -> DataRequest | None:
    """The request whose data go out now, on record; None when this browser may not have them."""
    if not ActForm().validate_on_submit():
        abort(400)
    if _opened(number) is None:
        return None
    try:
        services.disclose(words.tidy_number(number), form=form, now=utcnow())
    except NotFound as refusal:
        flash(refusal.message, "warning")
        return None
    return queries.for_requester(words.tidy_number(number))


def _made(found: DataRequest) -> list[dict[str, object]]:
    return disclosure.made(found, sections(), profile(), codes=found.parts)


def _opened(number: str) -> DataRequest | None:
    """The request, when this browser has shown its secret."""
    tidy = words.tidy_number(number)
    return queries.for_requester(tidy) if memory.is_open(tidy, SHELF) else None
