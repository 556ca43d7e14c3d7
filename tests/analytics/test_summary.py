"""A unit's month, counted by hand and by `analytics.summary`; and when a version of it is written."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from analytics.models import UnitSummary
from analytics.resources import Resources
from analytics.services import improvements
from analytics.services.summaries import MONTHS_BACK, write_summaries, write_summary
from analytics.summary import summarise, tells_something
from feedback.models import Case
from feedback.services import answering, ratings, routing, sorting, suggesting
from portal import jobs
from portal.access import Actor, Role
from portal.app import profile
from portal.audit import AuditEvent
from portal.clock import TAIPEI, Period
from portal.db import db
from portal.masking import mask
from portal.units import answering_units
from surveys.standard import IMPROVE, NO_OPINION, OVERALL
from tests.analytics.learning import resources_in
from tests.factories import SITE, answered_case, get_case, guess, make_actor, make_case, unit, unsigned
from tests.surveys.factories import make_response, make_responses, publish_standard

NOV, DEC, JAN = Period(2026, 11), Period(2026, 12), Period(2027, 1)


def taipei(month: int, day: int, hour: int = 10, minute: int = 0, *, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=TAIPEI)


ON_TIME = taipei(12, 1, 6)


@pytest.fixture(autouse=True)
def words(ctx: Flask, tmp_path: Path, jieba: Path) -> Resources:
    resources = resources_in(tmp_path, jieba)
    resources.prepare_text()
    return resources


@pytest.fixture
def two_units(monkeypatch: pytest.MonkeyPatch) -> None:
    """The job looks at two units only: all eighteen take seconds."""
    some = [item for item in answering_units() if item.code in {"standards", "it"}]
    monkeypatch.setattr("analytics.services.summaries.answering_units", lambda: some)


def figures(period: Period = NOV, *, now: datetime = ON_TIME, code: str = "standards") -> dict[str, Any]:
    return summarise(unit(code), period, now, profile=profile())


def write(resources: Resources, now: datetime = ON_TIME) -> int:
    return write_summaries(profile=profile(), resources=resources, now=now)


def written(code: str = "standards") -> list[UnitSummary]:
    wanted = sa.select(UnitSummary).where(UnitSummary.unit_id == unit(code).id)
    return list(db.session.scalars(wanted.order_by(UnitSummary.period, UnitSummary.version)))


def waiting(received: datetime, due: datetime, **values: Any) -> Case:
    return make_case(unit_code="standards", received=received, due_at=due, **values)


def answered(by: Actor, received: datetime, at: datetime, due: datetime | None = None, **values: Any) -> Case:
    return answered_case(by, at=at, received=received, due_at=due or at + timedelta(days=9), **values)


def close(case: Case, by: Actor, at: datetime) -> None:
    answering.close(case.id, by=by, now=at)


def rate(case: Case, score: int, at: datetime) -> None:
    ratings.rate(case.id, score=score, comment="", profile=profile(), now=at)


def received_about(topic: str, moment: datetime, **values: Any) -> Case:
    """A letter whose topic a person confirmed."""
    case = waiting(moment, moment + timedelta(days=30), **values)
    sorting.confirm_topic(case.id, topic=topic, by=make_actor(), profile=profile(), now=moment)
    return case


# --- Figures ---------------------------------------------------------------------------------------


def test_letters_are_counted_as_they_stood_at_the_end_of_the_month() -> None:
    handler = make_actor()
    answered(handler, taipei(10, 20), taipei(11, 5))
    close(answered(handler, taipei(11, 2), taipei(11, 10)), handler, taipei(11, 25))
    answered(handler, taipei(10, 1), taipei(11, 12), due=taipei(11, 1), subject="遲了")
    waiting(taipei(11, 20), taipei(11, 28), subject="逾期")
    waiting(taipei(11, 21), taipei(12, 20))
    answered(handler, taipei(11, 5), taipei(12, 3))
    close(answered(handler, taipei(10, 2), taipei(10, 30)), handler, taipei(11, 3))
    close(answered(handler, taipei(10, 2), taipei(10, 30)), handler, taipei(12, 2))
    waiting(taipei(12, 2), taipei(12, 30))
    make_case(unit_code="it", received=taipei(11, 6))
    assert figures(now=taipei(12, 15))["letters"] == {
        "received": 4,
        "answered": 3,
        "answered_late": 1,
        "closed": 2,
        "open": 3,
        "overdue": 1,
        "confirmed": 0,
        "merged": 0,
        "left": 0,
    }
    assert [item["subject"] for item in figures(now=taipei(12, 15))["late"]] == ["遲了"]


def test_an_answer_in_the_last_moment_is_in_time() -> None:
    handler, due = make_actor(), taipei(11, 20, 0)
    answered(handler, taipei(11, 2), due, due=due)
    answered(handler, taipei(11, 2), due + timedelta(seconds=1), due=due)
    assert figures()["letters"]["answered_late"] == 1


@pytest.mark.parametrize(
    ("moment", "month"),
    [
        (taipei(10, 31, 23, 59), "115-10"),
        (taipei(11, 1, 0, 1), "115-11"),
        (taipei(11, 30, 23, 59), "115-11"),
        (taipei(12, 1, 0, 1), "115-12"),
        (taipei(12, 31, 23, 59), "115-12"),
    ],
)
def test_a_month_begins_and_ends_at_midnight_in_taipei(moment: datetime, month: str) -> None:
    handler = make_actor()
    case = answered(handler, moment, moment)
    close(case, handler, moment)
    rate(answered(handler, taipei(9, 1), taipei(9, 2)), 4, moment)
    for period in (NOV.previous(), NOV, DEC):
        found, here = figures(period, now=taipei(1, 5, year=2027)), int(str(period) == month)
        counts = found["letters"]
        told = (counts["received"], counts["answered"], counts["closed"], found["ratings"]["n"])
        assert told == (here, here, here, here), period


def test_a_month_that_lasts_is_counted_up_to_now() -> None:
    waiting(taipei(11, 10), taipei(11, 20))
    before, after = figures(now=taipei(11, 15)), figures(now=taipei(11, 25))
    assert (before["letters"]["overdue"], after["letters"]["overdue"]) == (0, 1)
    assert before["complete"] is False
    assert figures(now=NOV.end)["complete"] is True


def test_topics_stand_beside_the_month_before_over_the_turn_of_the_year() -> None:
    for topic, december, january in (("ST-CNS", 1, 3), ("ST-MARK", 2, 0)):
        for number in range(december):
            received_about(topic, taipei(12, 30, number))
        for number in range(january):
            received_about(topic, taipei(1, 2, number, year=2027))
    waiting(taipei(1, 3, year=2027), taipei(2, 3, year=2027))
    rows = figures(JAN, now=taipei(2, 1, 6, year=2027))["topics"]
    assert [(row["code"], row["count"], row["before"], row["change"]) for row in rows] == [
        ("ST-CNS", 3, 1, 2),
        (None, 1, 0, 1),
        ("ST-MARK", 0, 2, -2),
    ]
    assert [row["name"] for row in rows] == ["國家標準與標準資料", "未分類", "正字標記"]
    assert str(JAN.previous()) == "115-12"


def test_a_sure_guess_counts_as_topic_until_a_person_decides_and_an_unsure_one_does_not() -> None:
    for values in ({}, {"abstained": True, "probability": 0.3}):
        case = make_case(received=taipei(11, 3))
        suggesting.record_suggestion(case.id, guess(**values), profile=profile(), now=taipei(11, 3))
    unsure = figures(code=profile().default_owner)["topics"]
    assert [(row["code"], row["count"]) for row in unsure] == [(None, 1)]
    assert [(row["code"], row["count"]) for row in figures()["topics"]] == [("ST-CNS", 1)]
    assert figures()["letters"]["confirmed"] == 0
    received_about("ST-CNS", taipei(11, 4))
    assert figures()["letters"]["confirmed"] == 1


def test_ratings_count_in_the_month_they_came_with_their_n() -> None:
    handler = make_actor()
    for score, moment in ((5, taipei(11, 8)), (4, taipei(11, 9)), (2, taipei(11, 9)), (5, taipei(12, 2))):
        rate(answered(handler, taipei(10, 20), taipei(11, 5)), score, moment)
    found = figures(now=taipei(12, 15))["ratings"]
    assert (found["n"], round(found["satisfied"], 1), round(found["dissatisfied"], 1)) == (3, 66.7, 33.3)
    assert found["mean"] == pytest.approx(11 / 3)


def test_the_surveys_n_leaves_out_those_without_an_opinion() -> None:
    publish_standard()
    day = date(2026, 11, 30)
    for score in (5, 4, 3, NO_OPINION):
        make_response({OVERALL: score}, day=day)  # type: ignore[dict-item]  # as the form sends it
    make_response({OVERALL: 1}, day=date(2026, 12, 1))
    make_response({OVERALL: 1}, unit_code="it", day=day)
    make_response({OVERALL: 1}, unit_code=None, day=day)
    found = figures(now=taipei(12, 15))["survey"]
    assert (found["n"], found["responses"], round(found["satisfied"], 1)) == (3, 4, 66.7)


def test_sentences_are_the_letters_own_with_personal_data_masked() -> None:
    bodies = [
        "我是王小明。我住在臺北市中正區濟南路一段4號，電話是0912-345-678，請告訴我國家標準要怎麼購買。",
        "國家標準的網頁一直打不開。請問是不是只能臨櫃購買標準？我的信箱是citizen@example.com。",
        "上個月申請的標準影本還沒收到！身分證A123456789，請盡快回覆。",
    ]
    cases = [
        waiting(taipei(11, day + 1), taipei(12, 20), subject="購買國家標準", body=body)
        for day, body in enumerate(bodies)
    ]
    texts = {case.id: mask(f"{case.subject}\n{case.body}") for case in cases}
    found = figures()["sentences"]
    assert found
    assert len({item["case_id"] for item in found}) == len(found), "each from another letter"
    for item in found:
        assert item["text"] in texts[item["case_id"]]
    told = " ".join(item["text"] for item in found)
    for private in ("王小明", "濟南路", "0912", "citizen@", "A123456789"):
        assert private not in told


def test_comments_of_the_survey_are_masked_too() -> None:
    publish_standard()
    make_response(day=date(2026, 11, 9), **{IMPROVE: "請回電0912-345-678給我，網站上的標準清單很難找。"})
    make_response(day=date(2026, 11, 9), unit_code="it", **{IMPROVE: "別的單位的意見寫在這裡。"})
    assert figures()["comments"] == ["請回電〔電話〕給我，網站上的標準清單很難找。"]


def test_a_restricted_letter_is_in_no_figure_and_no_sentence() -> None:
    ethics = make_actor(Role.ETHICS, "ethics")
    case = answered_case(
        ethics, received=taipei(11, 2), at=taipei(11, 20), due_at=taipei(11, 10), restricted=True,
        body="答復", subject="檢舉收賄",
    )  # fmt: skip
    close(case, ethics, taipei(11, 21))
    rate(case, 1, taipei(11, 22))
    make_case(unit_code="ethics", received=taipei(11, 3), restricted=True, due_at=taipei(11, 9))
    found = figures(code="ethics")
    assert not any(found["letters"].values())
    assert found["ratings"]["n"] == 0
    assert [found[key] for key in ("topics", "sentences", "open", "late")] == [[], [], [], []]
    assert not tells_something(found)


def test_what_is_still_open_is_listed_most_urgent_first_with_masked_subjects() -> None:
    later = waiting(taipei(11, 20), taipei(12, 30), subject="請回電0912-345-678")
    overdue = waiting(taipei(10, 1), taipei(11, 1), subject="等很久了")
    handler = make_actor()
    answered(handler, taipei(11, 2), taipei(11, 3), subject="答復過的")
    after = answered(handler, taipei(11, 2), taipei(12, 3), due=taipei(12, 5), subject="下個月才答復")
    found = figures(now=taipei(12, 15))["open"]
    assert [(item["number"], item["overdue"]) for item in found] == [
        (overdue.number, True),
        (after.number, False),
        (later.number, False),
    ]
    assert [item["subject"] for item in found] == ["等很久了", "下個月才答復", "請回電〔電話〕"]


def test_improvements_are_told_from_the_month_they_were_planned_to_the_month_they_were_done() -> None:
    head = make_actor(Role.HEAD)
    planned = improvements.plan(
        topic=None, opinion="排隊太久", measure="線上預約", due_on=date(2026, 12, 31), by=head,
        now=taipei(11, 5),
    )  # fmt: skip
    improvements.complete(
        planned.id, effect="縮短一半", done_on=date(2026, 12, 20), by=head, now=taipei(12, 20)
    )
    now = taipei(2, 1, year=2027)
    told = {
        str(period): [(item["done_on"], item["effect"]) for item in figures(period, now=now)["improvements"]]
        for period in (NOV.previous(), NOV, DEC, JAN)
    }
    assert told == {
        "115-10": [],
        "115-11": [(None, "")],
        "115-12": [("2026-12-20", "縮短一半")],
        "116-01": [],
    }


def test_a_summary_written_late_says_what_one_on_time_would_have_said(words: Resources) -> None:
    publish_standard()
    handler, head = make_actor(), make_actor(Role.HEAD)
    pending = waiting(taipei(11, 20), taipei(11, 28), body="國家標準的查詢網頁打不開，請修理。")
    done = answered(handler, taipei(11, 2), taipei(11, 20), due=taipei(11, 10))
    make_responses(2, day=date(2026, 11, 30))
    planned = improvements.plan(
        topic=None, opinion="意見", measure="措施", due_on=date(2026, 12, 1), by=head, now=taipei(11, 9)
    )
    on_time = figures(now=ON_TIME)
    answering.answer(pending.id, body="好", by=handler, profile=unsigned(), site_url=SITE, now=taipei(12, 4))
    close(get_case(pending.id), handler, taipei(12, 5))
    close(done, handler, taipei(12, 5))
    rate(done, 5, taipei(12, 6))
    waiting(taipei(12, 3), taipei(12, 20))
    make_responses(1, day=date(2026, 12, 1))
    improvements.complete(planned.id, effect="好", done_on=date(2026, 12, 3), by=head, now=taipei(12, 3))
    assert figures(now=taipei(3, 1, year=2027)) == on_time
    assert on_time["letters"]["overdue"] == 1


# --- Versions --------------------------------------------------------------------------------------


def test_unchanged_figures_give_no_new_version(words: Resources, two_units: None) -> None:
    waiting(taipei(11, 20), taipei(12, 28))
    assert write(words) == 2, "last month, and the month that has just begun with a letter waiting"
    assert write(words, ON_TIME + timedelta(hours=1)) == 0
    assert [(item.period, item.version) for item in written()] == [("115-11", 1), ("115-12", 1)]


def test_changed_figures_give_the_next_version_and_the_first_is_kept(
    words: Resources, two_units: None
) -> None:
    waiting(taipei(11, 20), taipei(12, 28))
    write(words)
    waiting(taipei(11, 22), taipei(12, 28))
    write(words, taipei(12, 5))
    first, second = (item for item in written() if item.period == "115-11")
    assert (first.version, first.figures["letters"]["received"], first.created_at) == (1, 1, ON_TIME)
    assert (second.version, second.figures["letters"]["received"]) == (2, 2)
    audited = sa.select(AuditEvent.detail).where(AuditEvent.action == "summary.written")
    assert {"unit": "standards", "period": "115-11", "version": 2} in db.session.scalars(audited).all()


def test_the_month_so_far_is_provisional_until_it_ends(words: Resources, two_units: None) -> None:
    waiting(taipei(11, 20), taipei(12, 28))

    def told() -> list[tuple[int, bool, int]]:
        november = [item for item in written() if item.period == "115-11"]
        return [
            (item.version, item.figures["complete"], item.figures["letters"]["received"]) for item in november
        ]

    write(words, taipei(11, 21))
    assert told() == [(1, False, 1)]
    waiting(taipei(11, 22), taipei(12, 28))
    write(words, taipei(11, 30, 23))
    assert told() == [(1, False, 2)]
    write(words)
    assert told() == [(1, True, 2)]


def test_figures_that_vanish_are_not_left_standing(words: Resources) -> None:
    case, it = waiting(taipei(11, 20), taipei(12, 28)), unit("it")
    assert write_summary(unit("standards"), NOV, profile=profile(), now=ON_TIME) is not None
    secretary = make_actor(Role.SECRETARIAT, "secretariat")
    routing.dispatch(case.id, unit_id=it.id, reason="不是標準組的", by=secretary, now=ON_TIME)
    second = write_summary(unit("standards"), NOV, profile=profile(), now=ON_TIME + timedelta(hours=1))
    assert second is not None
    assert (second.version, second.figures["letters"]["received"]) == (2, 0)


def test_missed_months_of_the_past_year_are_made_good(words: Resources, two_units: None) -> None:
    now = taipei(12, 5)
    first = Period.of(now).shift(-MONTHS_BACK)
    handler = make_actor()
    for moment in (first.start + timedelta(days=2), taipei(8, 3)):
        answered(handler, moment, moment + timedelta(days=1))
    early = first.previous().start + timedelta(days=2)
    answered(handler, early, early + timedelta(days=1))
    assert write(words, now) == 2
    assert [item.period for item in written()] == [str(first), "115-08"]
    assert all(item.figures["complete"] for item in written())


def test_a_written_month_long_past_is_not_written_again(words: Resources, two_units: None) -> None:
    waiting(taipei(8, 3), taipei(9, 3))
    write(words, taipei(9, 1, 6))
    waiting(taipei(8, 4), taipei(9, 4))
    write(words, taipei(11, 1, 6))
    assert [item.version for item in written() if item.period == "115-08"] == [1]


def test_a_month_with_nothing_to_tell_has_no_summary(words: Resources, two_units: None) -> None:
    make_case(unit_code="it", received=taipei(11, 3))
    write(words)
    assert written() == []
    assert [item.period for item in written("it")] == ["115-11", "115-12"]


def test_a_rating_an_answer_or_a_finished_improvement_alone_is_something_to_tell() -> None:
    publish_standard()
    handler, head = make_actor(), make_actor(Role.HEAD)
    case = answered(handler, taipei(9, 1), taipei(9, 2))
    now = taipei(1, 5, year=2027)
    assert not tells_something(figures(NOV.previous(), now=now))
    rate(case, 5, taipei(10, 2))
    assert tells_something(figures(NOV.previous(), now=now))
    assert not tells_something(figures(NOV, now=now))
    make_response({OVERALL: NO_OPINION}, day=date(2026, 11, 2))  # type: ignore[dict-item]  # as the form sends it
    assert tells_something(figures(NOV, now=now))
    planned = improvements.plan(
        topic=None, opinion="意見", measure="措施", due_on=date(2026, 12, 1), by=head, now=taipei(9, 9)
    )
    assert not tells_something(figures(DEC, now=now))
    improvements.complete(planned.id, effect="好", done_on=date(2026, 12, 3), by=head, now=taipei(12, 3))
    assert tells_something(figures(DEC, now=now))


def test_every_unit_that_answers_letters_gets_its_own(words: Resources) -> None:
    for item in answering_units():
        make_case(unit_code=item.code, received=taipei(11, 3))
    write(words)
    with_november = sa.select(UnitSummary.unit_id).where(UnitSummary.period == "115-11")
    assert set(db.session.scalars(with_november)) == {item.id for item in answering_units()}


def test_the_job_runs_every_morning_so_that_the_month_so_far_is_never_old(
    resources: Resources, two_units: None
) -> None:
    job = jobs.registered()["unit-summary"]
    assert job.last_due(ON_TIME) == ON_TIME
    assert job.last_due(ON_TIME - timedelta(minutes=1)) == ON_TIME - timedelta(days=1)
    waiting(taipei(11, 20), taipei(12, 28))
    assert jobs.run_due(job, taipei(12, 17), runner="one") == 2, "missed since the first, made good"
    assert jobs.run_due(job, taipei(12, 17, 9), runner="two") is None
