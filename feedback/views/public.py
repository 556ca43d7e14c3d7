"""What a citizen does: write a letter, keep its receipt, follow it, rate the answer."""

from __future__ import annotations

from functools import partial

from flask import Blueprint, Response, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import RateLimitExceeded
from flask_wtf.csrf import CSRFError

from feedback import citizen, mails, queries
from feedback.act_forms import ActForm
from feedback.attachments import keeping
from feedback.attachments import queries as attached
from feedback.faq import queries as answers
from feedback.forms import LetterForm, RatingForm, SupplementForm, TrackForm
from feedback.models import Case
from feedback.secrets import derive_secret, tidy_number
from feedback.services import deadlines, intake, leaving, ratings, secret_links
from feedback.states import Act, acts_from
from feedback.views import files, memory
from portal.abuse import limited
from portal.access import public
from portal.app import profile
from portal.clock import roc_deadline, utcnow
from portal.errors import Conflict, NotFound, expired_form, too_often
from portal.forms import BaseForm
from portal.qr import qr_code
from portal.urls import site_url

feedback = Blueprint("feedback", "feedback", url_prefix="/feedback", template_folder="templates")

NO_MATCH = "案件編號與查詢密碼對不起來。請對照送出來信時的畫面，或您印下、抄下的資料再試一次。"
NO_COOKIE = (
    "這一頁開太久了，或瀏覽器不接受 Cookie，所以信還沒有送出；您寫的內容都還在。請再按一次「送出」。"
    "如果又看到這段話，請允許本站使用 Cookie，或先複製內容，再改用電話聯絡我們。"
)
TOO_OFTEN = (
    "這個網路位址在短時間內送出太多次，所以信還沒有送出；您寫的內容都還在。"
    "請過幾分鐘再按一次「送出」，急的話請打電話。"
)
TOO_LATE = "這封信剛有新的進度，現在不能補充；您寫的內容還在下面。需要的話請另寫一封信，寫上案件編號。"
SENT_BEFORE = "剛才那封信已經送出，不會遺失。這次的內容和它不同，如果要當作另一封信，請再按一次「送出」。"


@feedback.before_request
def _forget_expired() -> None:
    memory.forget_expired(utcnow())


@feedback.after_request
def _keep_off_disk(response: Response) -> Response:
    """Pages that show a letter or its secret are not kept by the browser."""
    if request.endpoint in {"feedback.receipt", "feedback.secret", "feedback.show"}:
        response.headers["Cache-Control"] = "no-store"
    return response


@feedback.route("/new", methods=["GET", "POST"])
@public
@limited("letters")
def new() -> ResponseReturnValue:
    form = LetterForm(profile())
    holder = _holder(form)
    files.receive(form, holder)
    if request.form.get("action") == "look":
        return _letter_page(form, 200)
    if form.validate_on_submit():
        try:
            receipt = _take_in(form, holder)
        except intake.KeyReused:
            form.refuse(SENT_BEFORE, new_letter=True)
            keeping.hold_for(_holder(form), holder)
        else:
            memory.keep_receipt(receipt, now=utcnow())
            return redirect(url_for(".receipt"), 303)
    return _letter_page(form, 422 if form.errors else 200)


def _holder(form: LetterForm) -> str:
    return keeping.holder_of("letter", form.submission_key.data)


def _take_in(form: LetterForm, holder: str) -> intake.Receipt:
    key = form.submission_key.data
    return intake.open_case(
        form.letter,
        profile=profile(),
        secret=derive_secret(current_app.config["QINGTING"].secret_key, key),
        now=utcnow(),
        key=key,
        site_url=site_url(),
        also=partial(keeping.claim, holders=[holder]) if files.are_held() else None,
    )


def _letter_page(form: LetterForm, status: int) -> ResponseReturnValue:
    held = keeping.held(_holder(form)) if request.method == "POST" else []
    offers = answers.offered(form.letter) if request.method == "POST" else []
    return render_template("feedback/new.html", form=form, held=held, offers=offers), status


@feedback.errorhandler(RateLimitExceeded)
def _too_often(_error: RateLimitExceeded) -> ResponseReturnValue:
    """A letter comes back as it was typed; it can be sent a little later."""
    if request.endpoint != "feedback.new":
        return too_often()
    form = LetterForm(profile())
    form.refuse(TOO_OFTEN)
    return _letter_page(form, 429)


@feedback.errorhandler(CSRFError)
def _without_token(_error: CSRFError) -> ResponseReturnValue:
    """A long letter must not be lost because a cookie was: the form comes back as it was typed."""
    if request.endpoint != "feedback.new":
        return expired_form()
    form = LetterForm(profile())
    form.refuse(NO_COOKIE)
    return _letter_page(form, 400)


@feedback.get("/receipt")
@public
def receipt() -> ResponseReturnValue:
    shown = memory.receipt()
    case = queries.for_sender(shown.number) if shown else None
    if shown is None or case is None:
        return render_template("feedback/receipt.html", shown=None)
    address = mails.track_url(site_url(), shown.number)
    code = qr_code(f"{address}#s={shown.secret}")
    topic = profile().topic(case.hint)
    return render_template(
        "feedback/receipt.html",
        shown=shown,
        due=roc_deadline(case.due_at),
        address=address,
        qr_code=code,
        pointer=topic.pointer if topic else None,
    )


@feedback.post("/receipt/clear")
@public
def clear_receipt() -> ResponseReturnValue:
    memory.drop_receipt()
    return redirect(url_for(".receipt"), 303)


@feedback.route("/secret/<token>", methods=["GET", "POST"])
@public
@limited("lookups")
def secret(token: str) -> ResponseReturnValue:
    """From a mail's link. Only the button uses it up: mail scanners open links, they press nothing."""
    if not ActForm().validate_on_submit():
        return render_template("feedback/secret.html")
    memory.keep_receipt(secret_links.redeem(token, now=utcnow()), now=utcnow())
    return redirect(url_for(".receipt"), 303)


@feedback.route("/track", methods=["GET", "POST"])
@public
@limited("lookups")
def track() -> ResponseReturnValue:
    form = TrackForm(number=tidy_number(request.args.get("number", "")))
    if form.validate_on_submit():
        case = queries.opened_with(form.number.data, form.secret.data)
        if case is not None:
            memory.open_letter(case.number, now=utcnow())
            return redirect(url_for(".show", number=case.number), 303)
        form.form_errors.append(NO_MATCH)
    opened = memory.opened_letters()
    return render_template("feedback/track.html", form=form, opened=opened), 422 if form.errors else 200


@feedback.post("/track/leave")
@public
def leave() -> ResponseReturnValue:
    memory.leave()
    flash("已清除這台電腦上的查詢紀錄。", "success")
    return redirect(url_for(".track"), 303)


@feedback.get("/track/<number>")
@public
def show(number: str) -> ResponseReturnValue:
    case = _opened(number)
    if case is None:
        return redirect(url_for(".track", number=tidy_number(number) or None))
    return _case_page(case, RatingForm(formdata=None), 200)


@feedback.post("/track/<number>/rating")
@public
@limited("answers")
def rate(number: str) -> ResponseReturnValue:
    case = _opened(number)
    if case is None:
        return redirect(url_for(".track", number=tidy_number(number) or None), 303)
    form = RatingForm()
    if not form.validate_on_submit():
        return _case_page(case, form, 422)
    try:
        ratings.rate(
            case.id, score=form.score.data, comment=form.comment.data, profile=profile(), now=utcnow()
        )
    except (Conflict, NotFound) as refusal:
        flash(refusal.message, "warning")
    else:
        flash("謝謝您的評分，我們會用來改善服務。", "success")
    return redirect(url_for(".show", number=number), 303)


@feedback.post("/track/<number>/supplement")
@public
@limited("letters")
def supplement(number: str) -> ResponseReturnValue:
    case = _opened(number)
    if case is None:
        return redirect(url_for(".track", number=tidy_number(number) or None), 303)
    more, holder = SupplementForm(profile()), _supplement_holder(case)
    files.receive(more, holder)
    if not more.validate_on_submit():
        return _case_page(case, RatingForm(formdata=None), 422, more)
    try:
        deadlines.supplement(
            case.id, body=more.words.data, profile=profile(), now=utcnow(),
            also=partial(keeping.claim, holders=[holder]),
        )  # fmt: skip
    except Conflict:
        more.form_errors.append(TOO_LATE)
        return _case_page(_opened(number) or case, RatingForm(formdata=None), 409, more)
    flash("已收到您的補充，承辦同仁看得到。", "success")
    return redirect(url_for(".show", number=number), 303)


@feedback.post("/track/<number>/withdraw")
@public
def withdraw(number: str) -> ResponseReturnValue:
    case = _opened(number)
    if case is None or not BaseForm().validate_on_submit():
        return redirect(url_for(".track", number=tidy_number(number) or None), 303)
    try:
        leaving.withdraw(case.id, profile=profile(), now=utcnow())
    except Conflict as refusal:
        flash(refusal.message, "warning")
    else:
        flash("已撤回這封信。", "success")
    return redirect(url_for(".show", number=number), 303)


def _supplement_holder(case: Case) -> str:
    return keeping.holder_of("supplement", case.number)


def _opened(number: str) -> Case | None:
    """The letter, when this browser has shown its secret."""
    return queries.for_sender(number) if memory.is_open(number) else None


def _case_page(
    case: Case, form: RatingForm, status: int, more: SupplementForm | None = None
) -> ResponseReturnValue:
    now = utcnow()
    possible = acts_from(case.status, answered=case.answered_at is not None)
    steps = citizen.timeline(case, profile())
    page = render_template(
        "feedback/case_public.html",
        case=case,
        stage=citizen.stage(case),
        form=form,
        more=more or SupplementForm(profile(), formdata=None),
        files=attached.of(case),
        held=keeping.held(_supplement_holder(case)),
        may_add=Act.SUPPLEMENT in possible or (more is not None and bool(more.errors)),
        may_withdraw=Act.WITHDRAW in possible,
        steps=steps,
        due=roc_deadline(case.due_at),
        explanation=citizen.explain(case, now),
        tone="warning" if case.is_overdue(now) else citizen.TONES.get(case.status, "info"),
    )
    return page, status
