"""What may be read, by whom, and paging that neither loses nor repeats a letter."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from feedback import queries
from feedback.models import Case
from feedback.queries import Filters
from feedback.services import sorting, suggesting
from portal.access import Actor, Role
from portal.app import profile
from portal.db import db, transaction
from tests.factories import NOW, answered_case, guess, make_actor, make_case


@pytest.fixture(autouse=True)
def _database(ctx: Flask) -> None:
    pass


def readable(actor: Actor) -> set[str]:
    return {case.subject for case in db.session.scalars(queries.visible_to(actor))}


def waiting(count: int, *, due_apart: timedelta = timedelta(hours=1)) -> list[int]:
    return [
        make_case(unit_code="standards", subject=f"信{index}", due_at=NOW + index * due_apart).id
        for index in range(count)
    ]


def walk(actor: Actor, by: str = "due") -> list[list[int]]:
    """Ids of every page, from the first to the last."""
    pages, key = [], ""
    while True:
        found = queries.page(queries.inbox(actor, Filters(state="all"), NOW), by=by, after=key)
        pages.append([case.id for case in found.cases])
        if found.next is None:
            return pages
        key = found.next


def walk_back(actor: Actor, by: str = "due") -> list[list[int]]:
    query = queries.inbox(actor, Filters(state="all"), NOW)
    key = ""
    while (found := queries.page(query, by=by, after=key)).next:
        key = found.next
    pages = [[case.id for case in found.cases]]
    while found.previous:
        found = queries.page(query, by=by, before=found.previous)
        pages.append([case.id for case in found.cases])
    return pages[::-1]


def test_each_role_reads_what_it_answers_for() -> None:
    make_case(unit_code="standards", subject="標準組的")
    make_case(unit_code="it", subject="資訊室的")
    make_case(unit_code="ethics", subject="政風室一般的")
    make_case(hint="IN-ETHIC", subject="廉政的")
    ordinary = {"標準組的", "資訊室的", "政風室一般的"}
    assert readable(make_actor(Role.HANDLER)) == {"標準組的"}
    assert readable(make_actor(Role.HEAD, "it")) == {"資訊室的"}
    assert readable(make_actor(Role.SECRETARIAT, "secretariat")) == ordinary
    assert readable(make_actor(Role.ETHICS, "ethics")) == {"政風室一般的", "廉政的"}
    assert readable(make_actor(Role.HANDLER, "ethics")) == {"政風室一般的"}
    assert readable(make_actor(Role.ADMIN, "ethics")) == set()


def test_an_ethics_officer_of_another_unit_reads_only_that_units_letters() -> None:
    make_case(hint="IN-ETHIC", subject="廉政的")
    assert readable(make_actor(Role.ETHICS, "it")) == set()


def test_the_effective_topic_is_the_confirmed_one_then_a_sure_guess() -> None:
    handler = make_actor(unit_code="it")
    cases = {name: make_case(unit_code="it", subject=name) for name in ("確認", "有把握", "不確定", "沒看過")}
    for name, values in (("確認", {}), ("有把握", {}), ("不確定", {"abstained": True, "probability": 0.2})):
        suggesting.record_suggestion(cases[name].id, guess(**values), profile=profile(), now=NOW)
    with transaction() as session:
        session.execute(sa.update(Case).values(unit_id=handler.unit_id))
    sorting.confirm_topic(cases["確認"].id, topic="SV-DIGI", by=handler, profile=profile(), now=NOW)

    def found(topic: str) -> set[str]:
        query = queries.inbox(handler, Filters(state="all", topic=topic), NOW)
        return {case.subject for case in db.session.scalars(query)}

    assert found("SV-DIGI") == {"確認"}
    assert found("ST-CNS") == {"有把握"}
    assert found("none") == {"不確定", "沒看過"}


@pytest.mark.parametrize("by", ["due", "received"])
@pytest.mark.parametrize("count", [0, 1, 4, 5, 8, 9])
def test_pages_are_complete_forwards_and_backwards(
    by: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "PAGE", 4)
    ids, handler = waiting(count), make_actor()
    forwards = walk(handler, by)
    expected = ids if by == "due" else sorted(ids, reverse=True)
    assert [case_id for page in forwards for case_id in page] == expected
    assert walk_back(handler, by) == forwards


def test_letters_of_one_moment_are_still_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "PAGE", 3)
    ids = waiting(10, due_apart=timedelta())
    assert [case_id for page in walk(make_actor()) for case_id in page] == ids


def test_letters_that_come_or_go_meanwhile_shift_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "PAGE", 3)
    ids, handler = waiting(9), make_actor()
    query = queries.inbox(handler, Filters(), NOW)
    first = queries.page(query)
    make_case(unit_code="standards", subject="插隊", due_at=NOW - timedelta(days=1))
    second = queries.page(query, after=first.next or "")
    assert [case.id for case in second.cases] == ids[3:6]
    with transaction() as session:
        session.execute(sa.update(Case).where(Case.id == ids[2]).values(due_at=NOW + timedelta(days=90)))
    back = queries.page(query, before=second.previous or "")
    assert [case.id for case in back.cases][-2:] == ids[:2]


def test_a_page_past_the_end_is_empty_and_a_strange_key_starts_over() -> None:
    ids, handler = waiting(2), make_actor()
    query = queries.inbox(handler, Filters(), NOW)
    assert queries.page(query, after="2100-01-01T00:00:00+00:00_1").cases == []
    assert [case.id for case in queries.page(query, after="nonsense").cases] == ids


def test_the_inbox_of_open_letters_walks_an_index_made_for_it() -> None:
    waiting(3)
    if db.engine.dialect.name != "sqlite":
        pytest.skip("the plan of a tiny table on PostgreSQL says nothing")
    for person, index in (
        (make_actor(), "ix_cases_unit_open_due"),
        (make_actor(Role.SECRETARIAT, "secretariat"), "ix_cases_open_due"),
    ):
        query = queries.inbox(person, Filters(), NOW).order_by(Case.due_at, Case.id)
        compiled = query.compile(db.engine, compile_kwargs={"literal_binds": True})
        plan = str(db.session.execute(sa.text(f"EXPLAIN QUERY PLAN {compiled}")).all())
        assert index in plan
        assert "TEMP B-TREE" not in plan


def test_counters_count_the_open_letters_one_may_read() -> None:
    handler = make_actor()
    waiting(2)
    make_case(unit_code="standards", due_at=NOW - timedelta(days=1), urgent=True)
    make_case(unit_code="it", urgent=True)
    answered_case(handler)
    assert queries.counters(handler, NOW) == queries.Counters(3, 1, 3, 1)
    assert queries.counters(make_actor(Role.ADMIN), NOW) == queries.Counters(0, 0, 0, 0)
