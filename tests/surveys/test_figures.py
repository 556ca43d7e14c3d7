"""What is counted, and what is not shown."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask

from portal.access import Actor, Role
from portal.app import profile
from portal.clock import Period
from surveys import queries
from surveys.figures import Care, care_for, figures_of
from surveys.queries import Cell, Results, Scope
from surveys.results_page import ResultsPage
from surveys.standard import OVERALL
from tests.factories import make_actor, unit
from tests.surveys.factories import TODAY, make_response, make_responses, publish_standard

MONTH = Period(2026, 11)


@pytest.fixture
def survey(ctx: Flask) -> None:
    publish_standard()


def read(actor: Actor, **scope: object) -> Results:
    return queries.results(actor, Scope(first=MONTH, last=MONTH, **scope), overall=OVERALL)  # type: ignore[arg-type]


def secretary() -> Actor:
    return make_actor(Role.SECRETARIAT, "secretariat")


def test_satisfied_is_five_and_four_of_n() -> None:
    figures = figures_of({5: 3, 4: 1, 3: 2, 2: 1, 1: 1})
    assert (figures.n, figures.satisfied, figures.dissatisfied) == (8, 50.0, 25.0)
    assert figures.mean == pytest.approx((15 + 4 + 6 + 2 + 1) / 8)
    assert figures.share(5) == 37.5


def test_without_answers_there_are_no_shares() -> None:
    figures = figures_of({})
    assert (figures.n, figures.satisfied, figures.dissatisfied, figures.mean) == (0, None, None, None)
    assert figures.counts == {5: 0, 4: 0, 3: 0, 2: 0, 1: 0}


@pytest.mark.parametrize(
    ("n", "care"),
    [
        (0, Care.EMPTY),
        (1, Care.HIDDEN),
        (4, Care.HIDDEN),
        (5, Care.FLAGGED),
        (29, Care.FLAGGED),
        (30, Care.PLAIN),
    ],
)
def test_few_answers_are_hidden_and_some_are_flagged(n: int, care: Care) -> None:
    assert care_for(n, hide_below=5, flag_below=30) is care


@pytest.mark.usefixtures("survey")
def test_no_opinion_never_counts_in_n() -> None:
    make_response({"A": 5})
    make_response({"A": None})
    make_response({})
    found = read(secretary())
    assert found.responses == 3
    assert found.dimensions["A"] == {5: 1}
    assert [cell for cell in queries.counts_between(MONTH, MONTH) if cell.code == "A"] == [
        Cell(MONTH, unit("standards").id, "standards", "A", 5, 1)
    ]


@pytest.mark.usefixtures("survey")
def test_counts_are_grouped_by_month_unit_line_question_and_score() -> None:
    make_responses(2, {OVERALL: 5}, day=date(2026, 11, 1))
    make_response({OVERALL: 5}, day=date(2026, 10, 31))
    make_response({OVERALL: 1}, unit_code=None, service_line="other", day=date(2026, 11, 30))
    make_response({OVERALL: 3}, unit_code="it", day=date(2026, 12, 1))
    standards = unit("standards").id
    assert sorted(
        queries.counts_between(MONTH.previous(), MONTH), key=lambda cell: cell.count + cell.score
    ) == [
        Cell(MONTH, None, "other", OVERALL, 1, 1),
        Cell(MONTH.previous(), standards, "standards", OVERALL, 5, 1),
        Cell(MONTH, standards, "standards", OVERALL, 5, 2),
    ]


@pytest.mark.usefixtures("survey")
def test_counts_can_be_narrowed_to_a_question_and_a_unit() -> None:
    make_response({"A": 2})
    make_response({"A": 3}, unit_code="it")
    found = queries.counts_between(MONTH, MONTH, code="A", unit_id=unit("it").id)
    assert [(cell.code, cell.score) for cell in found] == [("A", 3)]
    assert queries.responses_between(MONTH, MONTH) == 2
    assert queries.responses_between(MONTH, MONTH, unit_id=unit("it").id) == 1


@pytest.mark.usefixtures("survey")
def test_comments_are_those_of_the_unit_and_month() -> None:
    make_response(best="很好", improve="太慢")
    make_response(best="別的單位", unit_code="it")
    make_response(best="上個月", day=date(2026, 10, 31))
    make_response()
    assert sorted(queries.comments_between(unit("standards").id, MONTH)) == ["太慢", "很好"]
    assert len(queries.comments_between(None, MONTH)) == 3


@pytest.mark.usefixtures("survey")
def test_a_person_reads_answers_about_the_own_unit_only() -> None:
    make_response({"A": 1})
    make_response({"A": 2}, unit_code="it")
    make_response({"A": 3}, unit_code=None)
    assert read(make_actor(Role.HANDLER, "it")).dimensions["A"] == {2: 1}
    assert read(make_actor(Role.HEAD, "standards")).dimensions["A"] == {1: 1}
    assert read(secretary()).dimensions["A"] == {1: 1, 2: 1, 3: 1}
    assert read(make_actor(Role.ADMIN, "it")).responses == 0


@pytest.mark.usefixtures("survey")
def test_naming_another_unit_shows_a_handler_nothing() -> None:
    make_response(unit_code="it")
    assert read(make_actor(Role.HANDLER, "standards"), unit_id=unit("it").id).responses == 0


@pytest.mark.usefixtures("survey")
def test_results_are_broken_down_by_service_line_and_unit() -> None:
    make_responses(2, {OVERALL: 5})
    make_response({OVERALL: 1}, unit_code="it", service_line="other")
    make_response({OVERALL: 2}, unit_code=None, service_line="other")
    found = read(secretary())
    assert found.lines == {"standards": {5: 2}, "other": {1: 1, 2: 1}}
    assert found.units == {unit("standards").id: {5: 2}, unit("it").id: {1: 1}, None: {2: 1}}
    assert read(secretary(), service_line="other").responses == 2


@pytest.mark.usefixtures("survey")
def test_a_group_of_fewer_than_five_shows_its_n_and_nothing_else() -> None:
    make_responses(4, {OVERALL: 5, "A": 1})
    row = ResultsPage(read(secretary()), profile(), []).overall
    assert (row.figures.n, row.satisfied, row.dissatisfied, row.mean) == (4, "—", "—", "—")
    assert set(row.counts) == {"—"}
    make_response({OVERALL: 1})
    row = ResultsPage(read(secretary()), profile(), []).overall
    assert (row.figures.n, row.satisfied, row.dissatisfied, row.mean) == (5, "80.0%", "20.0%", "4.20")
    assert row.care is Care.FLAGGED


@pytest.mark.usefixtures("survey")
def test_answers_that_name_no_known_group_are_one_row() -> None:
    make_responses(5, unit_code=None)
    make_responses(5, unit_code="it")
    page = ResultsPage(read(secretary()), profile(), [unit("it")])
    assert [(row.name, row.figures.n) for row in page.units] == [("資訊室", 5), ("未填", 5)]


@pytest.mark.usefixtures("survey")
def test_comments_are_paged_forth_and_back_without_loss() -> None:
    total = queries.PAGE * 2 + 5
    for serial in range(total):
        make_response(best=f"第{serial}則", day=TODAY.replace(day=1 + serial % 20))
    scope, actor = Scope(first=MONTH, last=MONTH), make_actor(Role.HANDLER, "standards")
    first = queries.comment_page(actor, scope)
    second = queries.comment_page(actor, scope, after=first.next or "")
    third = queries.comment_page(actor, scope, after=second.next or "")
    pages = [first, second, third]
    texts = [comment.texts["best"] for page in pages for comment in page.comments]
    days = [comment.response.day for page in pages for comment in page.comments]
    assert (len(texts), len(set(texts))) == (total, total)
    assert days == sorted(days, reverse=True)
    assert (first.previous, third.next) == (None, None)
    back = queries.comment_page(actor, scope, before=second.previous or "")
    assert back.comments == first.comments


@pytest.mark.usefixtures("survey")
@pytest.mark.parametrize(
    "key", ["x", "2026-11-23", "2026-11-23_x", "2026-11-23_99999999999999999999", "_1", "9999-99-99_1"]
)
def test_an_unreadable_page_key_starts_from_the_beginning(key: str) -> None:
    make_response(best="很好")
    page = queries.comment_page(secretary(), Scope(first=MONTH, last=MONTH), after=key)
    assert [comment.texts for comment in page.comments] == [{"best": "很好"}]
