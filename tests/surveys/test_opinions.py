"""What the classifier made of open answers: kept, counted, and shown to those who may read them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.access import Actor, Role
from portal.clock import Period, local_date, utcnow
from surveys import queries, services
from surveys.queries import Opinion, Scope
from tests.factories import make_actor
from tests.surveys.factories import make_response, publish_standard

MONTH = Period(2026, 11)
VERSION = "20261101T000000.000Z-abc"


@pytest.fixture(autouse=True)
def _survey(ctx: Flask) -> None:
    publish_standard()


def read_as(sentiment: str, dimension: str | None, version: str = VERSION) -> int:
    """Give every comment not yet read by the version this reading; how many there were."""
    waiting = queries.unread_comments(version, 100)
    services.record_readings(
        [(response, question, sentiment, dimension) for response, question, _ in waiting],
        model_version=version,
    )
    return len(waiting)


def scope() -> Scope:
    return Scope(first=MONTH, last=MONTH)


def secretary() -> Actor:
    return make_actor(Role.SECRETARIAT, "secretariat")


def test_a_comment_is_read_once_by_each_version_of_the_classifier() -> None:
    make_response(best="很親切")
    assert read_as("正面", "A") == 1
    assert read_as("負面", "C") == 0
    assert read_as("中性", None, version="later") == 1
    assert queries.opinions(secretary(), scope()) == {None: {"中性": 1}}


def test_answers_without_words_are_not_read() -> None:
    make_response()
    assert queries.unread_comments(VERSION, 100) == []


def test_opinions_are_counted_for_those_who_may_read_the_comments() -> None:
    make_response(best="很親切")
    read_as("正面", "A")
    make_response(best="太慢", unit_code="it")
    read_as("負面", "C")
    assert queries.opinions(secretary(), scope()) == {"A": {"正面": 1}, "C": {"負面": 1}}
    assert queries.opinions(make_actor(unit_code="it"), scope()) == {"C": {"負面": 1}}


def test_comments_can_be_narrowed_to_one_opinion() -> None:
    make_response(best="很親切")
    read_as("正面", "A")
    make_response(best="太慢")
    read_as("負面", "C")
    page = queries.comment_page(secretary(), scope(), Opinion(sentiment="負面", dimension="C"))
    assert [comment.texts["best"] for comment in page.comments] == ["太慢"]
    assert page.comments[0].readings["best"].sentiment == "負面"
    assert len(queries.comment_page(secretary(), scope(), Opinion(dimension="A")).comments) == 1
    assert len(queries.comment_page(secretary(), scope()).comments) == 2


def test_the_page_shows_readings_and_says_that_nobody_checked_them(
    sign_in: Callable[[Actor], FlaskClient],
) -> None:
    make_response(best="很親切", day=local_date(utcnow()))
    read_as("正面", "A")
    browser = sign_in(secretary())
    page = browser.get("/staff/surveys/service/comments").text
    assert "服務態度" in page
    assert "未經人工確認" in page
    narrowed = browser.get("/staff/surveys/service/comments?sentiment=負面&dimension=A").text
    assert "很親切" not in narrowed
    assert "很親切" in browser.get("/staff/surveys/service/comments?sentiment=x&dimension=Z").text
