"""What staff read of surveys: figures and comments, each person those of the own unit."""

from __future__ import annotations

from flask import Blueprint, abort, g, render_template, request
from flask.typing import ResponseReturnValue

from portal.access import Permission, requires
from portal.app import profile
from portal.clock import Period, utcnow
from portal.units import Unit, answering_units
from surveys import queries
from surveys.forms import ResultsFilter
from surveys.models import SENTIMENTS, Survey
from surveys.queries import Opinion
from surveys.results_page import ResultsPage
from surveys.standard import COMMENTS, DIMENSIONS, OVERALL

survey_results = Blueprint(
    "survey_results", "surveys", url_prefix="/staff/surveys", template_folder="templates"
)


@survey_results.get("/")
@requires(Permission.SURVEY_READ)
def index() -> ResponseReturnValue:
    return render_template("surveys/results_index.html", surveys=queries.all_surveys())


@survey_results.get("/<slug>")
@requires(Permission.SURVEY_READ)
def show(slug: str) -> ResponseReturnValue:
    survey, units = _survey(slug), _units()
    filters = _filters(units)
    found = queries.results(g.user, filters.scope(slug), overall=OVERALL)
    page = ResultsPage(found, profile(), units)
    return render_template("surveys/results.html", survey=survey, filters=filters, page=page)


@survey_results.get("/<slug>/comments")
@requires(Permission.SURVEY_READ)
def comments(slug: str) -> ResponseReturnValue:
    survey, filters = _survey(slug), _filters(_units())
    scope, opinion = filters.scope(slug), _opinion()
    page = queries.comment_page(
        g.user,
        scope,
        opinion,
        after=request.args.get("after", ""),
        before=request.args.get("before", ""),
    )
    return render_template(
        "surveys/comments.html", survey=survey, filters=filters, page=page, headings=COMMENTS,
        opinion=opinion, narrowed=filters.as_args() | opinion.as_args(),
        opinions=queries.opinions(g.user, scope), sentiments=SENTIMENTS, dimensions=DIMENSIONS,
    )  # fmt: skip


def _opinion() -> Opinion:
    """What the address asks for; a value that does not exist counts as not given."""
    sentiment, dimension = request.args.get("sentiment"), request.args.get("dimension")
    return Opinion(
        sentiment if sentiment in SENTIMENTS else None, dimension if dimension in DIMENSIONS else None
    )


def _survey(slug: str) -> Survey:
    return queries.survey(slug) or abort(404)


def _units() -> list[Unit]:
    """The units a person may choose from and compare: none for who reads the own unit only."""
    return answering_units() if g.user.sees_all_units else []


def _filters(units: list[Unit]) -> ResultsFilter:
    return ResultsFilter(request.args).prepare(profile(), units, Period.of(utcnow()))
