"""The inbox: what it shows, to whom, and that nothing in its address breaks it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from feedback.models import Case
from feedback.services import routing, sorting, suggesting
from portal.access import Actor, Role
from portal.app import profile
from portal.db import db, transaction
from tests.factories import NOW, answered_case, guess, make_actor, make_case, unit

SignIn = Callable[[Actor], FlaskClient]


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedback.views.staff.utcnow", lambda: NOW)


def inbox(browser: FlaskClient, query: str = "") -> str:
    answer = browser.get(f"/staff/cases/{query}")
    assert answer.status_code == 200
    return answer.text


def subjects(text: str) -> list[str]:
    """The letters of the table, without those above it that come first."""
    return re.findall(r'<a href="/staff/cases/\d+">([^<]*)</a>', text.partition("<table")[2])


def tile(text: str, label: str) -> int:
    found = re.search(rf'stat-label">(?:<a [^>]*>)?{label}.*?stat-value">(\d+)', text, re.DOTALL)
    assert found
    return int(found[1])


@contextmanager
def counted() -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_c: object, _u: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE")):
            statements.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)


def test_the_most_urgent_deadline_comes_first(sign_in: SignIn) -> None:
    for days, subject in ((5, "第二"), (-2, "第一"), (20, "第三")):
        make_case(unit_code="standards", subject=subject, due_at=NOW + timedelta(days=days))
    make_case(unit_code="it", subject="別組的信")
    text = inbox(sign_in(make_actor()))
    assert subjects(text) == ["第一", "第二", "第三"]
    assert "逾期 2 天" in text


def test_a_row_says_what_a_handler_needs(sign_in: SignIn) -> None:
    handler, head = make_actor(name="林怡君"), make_actor(Role.HEAD)
    sure = make_case(subject="有把握的信")
    suggesting.record_suggestion(sure.id, guess(), profile=profile(), now=NOW)
    routing.assign(sure.id, handler_id=handler.id, by=head, now=NOW)
    unsure = make_case(subject="不確定的信", body="電暖器起火了")
    suggesting.record_suggestion(
        unsure.id, guess(abstained=True, probability=0.2), profile=profile(), now=NOW
    )
    with transaction() as session:
        session.execute(sa.update(Case).values(unit_id=handler.unit_id))
    text = inbox(sign_in(handler))
    for shown in (sure.number, "林怡君", "系統建議 97%", "系統不確定", "緊急", "115年11月22日收到", "未指派"):
        assert shown in text
    sorting.confirm_topic(sure.id, topic="ST-CNS", by=handler, profile=profile(), now=NOW)
    assert "已確認" in inbox(sign_in(handler))


def test_tiles_count_and_lead_to_what_they_count(sign_in: SignIn) -> None:
    handler = make_actor()
    make_case(unit_code="standards", subject="逾期的", due_at=NOW - timedelta(days=1))
    confirmed = make_case(unit_code="standards", subject="確認過的")
    sorting.confirm_topic(confirmed.id, topic="ST-CNS", by=handler, profile=profile(), now=NOW)
    make_case(unit_code="standards", subject="緊急的", urgent=True)
    answered_case(handler, subject="答復過的")
    browser = sign_in(handler)
    text = inbox(browser)
    assert [tile(text, label) for label in ("待辦", "逾期", "待確認主題", "緊急")] == [3, 1, 2, 1]
    assert subjects(inbox(browser, "?state=overdue")) == ["逾期的"]
    assert set(subjects(inbox(browser, "?state=unconfirmed"))) == {"逾期的", "緊急的"}
    assert subjects(inbox(browser, "?urgent=1")) == ["緊急的"]
    assert subjects(inbox(browser, "?state=answered")) == ["答復過的"]
    assert len(subjects(inbox(browser, "?state=all"))) == 4


def test_letters_are_found_by_topic_and_by_having_none(sign_in: SignIn) -> None:
    handler = make_actor()
    for subject, values in (("有主題", {}), ("不確定", {"abstained": True, "probability": 0.3})):
        case = make_case(subject=subject)
        suggesting.record_suggestion(case.id, guess(**values), profile=profile(), now=NOW)
    make_case(subject="還沒看")
    with transaction() as session:
        session.execute(sa.update(Case).values(unit_id=handler.unit_id))
    browser = sign_in(handler)
    assert subjects(inbox(browser, "?topic=ST-CNS")) == ["有主題"]
    assert set(subjects(inbox(browser, "?topic=none"))) == {"不確定", "還沒看"}


def test_letters_of_a_month_are_found_by_when_they_came_or_were_answered(sign_in: SignIn) -> None:
    handler = make_actor()
    october = NOW - timedelta(days=40)
    answered_case(handler, subject="十月來十一月答", received=october)
    make_case(unit_code="standards", subject="十一月來")
    browser = sign_in(handler)
    assert subjects(inbox(browser, "?state=all&period=115-10")) == ["十月來十一月答"]
    assert subjects(inbox(browser, "?state=all&period=115-11")) == ["十一月來"]
    assert subjects(inbox(browser, "?state=all&period=115-11&moment=answered")) == ["十月來十一月答"]
    assert subjects(inbox(browser, "?state=all&period=115-11&moment=closed")) == []


def test_mine_are_those_i_handle(sign_in: SignIn) -> None:
    handler, head = make_actor(), make_actor(Role.HEAD)
    make_case(unit_code="standards", subject="沒人的")
    mine = make_case(unit_code="standards", subject="我的")
    routing.assign(mine.id, handler_id=handler.id, by=head, now=NOW)
    assert subjects(inbox(sign_in(handler), "?mine=1")) == ["我的"]


def test_the_secretariat_sees_and_chooses_units_but_nothing_restricted(sign_in: SignIn) -> None:
    make_case(unit_code="it", subject="資訊室的")
    make_case(unit_code="standards", subject="標準組的")
    make_case(hint="IN-ETHIC", subject="廉政的")
    browser = sign_in(make_actor(Role.SECRETARIAT, "secretariat"))
    assert set(subjects(inbox(browser))) == {"資訊室的", "標準組的"}
    assert subjects(inbox(browser, f"?unit={unit('it').id}")) == ["資訊室的"]
    assert 'data-label="單位">資訊室' in inbox(browser)


def test_a_handler_does_not_choose_units(sign_in: SignIn) -> None:
    make_case(unit_code="it", subject="資訊室的")
    text = inbox(sign_in(make_actor()), f"?unit={unit('it').id}")
    assert subjects(text) == []
    assert 'name="unit"' not in text


def test_an_administrator_reads_no_letters(sign_in: SignIn) -> None:
    assert sign_in(make_actor(Role.ADMIN)).get("/staff/cases/").status_code == 403


@pytest.mark.parametrize(
    "query",
    [
        "?state=nonsense&topic=x&unit=y&moment=z",
        "?period=115-13",
        "?period=1150-1",
        "?period=前%00後",
        "?state=all&period=999-12&moment=rated",
        "?after=x_1",
        "?after=2026-11-23T00:00:00_1",
        "?after=0001-01-01T00:00:00%2B14:00_1",
        "?after=9999-12-31T23:59:59-14:00_5",
        "?after=2026-11-23T00:00:00%2B00:00_99999999999999999999",
        "?before=%00",
        "?unit=99999999999999999999",
        "?mine=%ff&urgent=x&topic=' OR 1=1 --",
        "?state=open&state=all",
    ],
)
def test_nonsense_in_the_address_is_passed_over(query: str, sign_in: SignIn) -> None:
    make_case(unit_code="standards")
    inbox(sign_in(make_actor(Role.SECRETARIAT, "secretariat")), query)


def test_a_month_that_cannot_be_read_is_said(sign_in: SignIn) -> None:
    assert "例如 115-11；這次先不依月份篩選" in inbox(sign_in(make_actor()), "?period=2026-11")


def test_pages_lead_on_and_back_with_the_filters_kept(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feedback.queries.PAGE", 2)
    for index in range(5):
        make_case(
            unit_code="standards", subject=f"信{index}", urgent=True, due_at=NOW + timedelta(days=index)
        )
    browser = sign_in(make_actor())
    first = inbox(browser, "?urgent=1")
    second = inbox(browser, link(first, "next"))
    third = inbox(browser, link(second, "next"))
    assert [subjects(text) for text in (first, second, third)] == [["信0", "信1"], ["信2", "信3"], ["信4"]]
    assert subjects(inbox(browser, link(third, "prev"))) == ["信2", "信3"]
    assert "urgent=1" in link(third, "prev")
    assert 'rel="next"' not in third
    assert 'rel="prev"' not in first


def link(text: str, way: str) -> str:
    found = re.search(rf'rel="{way}" href="/staff/cases/([^"]*)"', text)
    assert found
    return found[1].replace("&amp;", "&")


@pytest.mark.parametrize("role", [Role.HANDLER, Role.SECRETARIAT])
def test_a_full_page_takes_a_few_queries(role: Role, sign_in: SignIn, ctx: Flask) -> None:
    person = make_actor(role)
    browser = sign_in(person)
    for index in range(12):
        case = make_case(unit_code="standards", subject=f"信{index}")
        suggesting.record_suggestion(case.id, guess(), profile=profile(), now=NOW)
        if role is Role.SECRETARIAT:
            routing.assign(case.id, handler_id=person.id, by=make_actor(Role.HEAD), now=NOW)
    db.session.expire_all()
    with counted() as statements:
        assert len(subjects(inbox(browser))) == 12
    assert len(statements) <= 6, statements  # person, units, letters, tiles, offers, kind of installation
