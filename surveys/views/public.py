"""What everybody does with a survey: answer it, and print its poster."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError

from portal.abuse import limited
from portal.access import public
from portal.app import profile
from portal.clock import utcnow
from portal.errors import expired_form
from portal.qr import qr_code
from portal.urls import site_url
from surveys import queries, services
from surveys.forms import QuestionnaireForm, questionnaire_form
from surveys.models import Survey, SurveyVersion
from surveys.tickets import number_for

surveys = Blueprint("surveys", "surveys", url_prefix="/surveys", template_folder="templates")

SENT_BEFORE = "這份問卷先前已經送出，只會計算一次。要另外填一份，請按「再填一份」。"
NO_COOKIE = (
    "這一頁開太久了，或瀏覽器不接受 Cookie，所以問卷還沒有送出；您填的內容都還在。請再按一次「送出問卷」。"
    "如果又看到這段話，請允許本站使用 Cookie，或向櫃台索取紙本問卷。"
)


@surveys.get("/")
@public
def index() -> ResponseReturnValue:
    return render_template("surveys/index.html", surveys=queries.open_surveys())


@surveys.route("/<slug>", methods=["GET", "POST"])
@public
@limited("answers")
def show(slug: str) -> ResponseReturnValue:
    version = _open_version(slug)
    form = questionnaire_form(version, _chosen(version))
    if form.validate_on_submit():
        receipt = services.submit(
            slug, form.answers, source="web", profile=profile(), now=utcnow(),
            response_id=number_for(form.key.data, current_app.config["QINGTING"].secret_key),
        )  # fmt: skip
        if receipt.repeated:
            flash(SENT_BEFORE, "info")
        return redirect(url_for(".thanks", slug=slug), 303)
    return _questionnaire(form, 422 if form.errors else 200)


def _questionnaire(form: QuestionnaireForm, status: int) -> ResponseReturnValue:
    return render_template("surveys/questionnaire.html", form=form, survey=form.version.survey), status


@surveys.errorhandler(CSRFError)
def _without_token(_error: CSRFError) -> ResponseReturnValue:
    """The questionnaire comes back as it was filled in."""
    if request.endpoint != "surveys.show":
        return expired_form()
    form = questionnaire_form(_open_version((request.view_args or {})["slug"]))
    form.refuse(NO_COOKIE)
    return _questionnaire(form, 400)


@surveys.get("/<slug>/thanks")
@public
def thanks(slug: str) -> ResponseReturnValue:
    return render_template("surveys/thanks.html", survey=_survey(slug))


@surveys.get("/<slug>/poster")
@public
def poster(slug: str) -> ResponseReturnValue:
    """A sheet for a counter. A unit in the address is chosen beforehand for those who scan it."""
    version = _open_version(slug)
    chosen = _chosen(version)
    page = site_url() + url_for(".show", slug=slug)
    offered = {question.role: question.options for question in version.questions}
    return render_template(
        "surveys/poster.html",
        survey=version.survey,
        address=page,
        code=qr_code(f"{page}?{urlencode(chosen)}" if chosen else page),
        chosen=chosen,
        units=offered.get("unit", []),
        channels=offered.get("channel", []),
    )


def _open_version(slug: str) -> SurveyVersion:
    return queries.open_version(slug) or abort(404)


def _survey(slug: str) -> Survey:
    return queries.survey(slug) or abort(404)


def _chosen(version: SurveyVersion) -> dict[str, str]:
    """What the address answers beforehand: unit, service line and channel, when they are offered."""
    offered = {question.code: question.options for question in version.questions if question.role}
    return {
        code: request.args[code]
        for code in ("unit", "service_line", "channel")
        if request.args.get(code) in {option["code"] for option in offered.get(code, [])}
    }
