"""The staff's pages of analytics. The rule above all: every figure leads to as many rows as it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from markupsafe import Markup

from analytics.models import Improvement, ImprovementStatus, UnitSummary
from analytics.resources import Resources
from analytics.services import improvements
from analytics.services.summaries import write_summary
from feedback.models import Case
from feedback.services import answering, ratings, routing, sorting
from portal import charts
from portal.access import Actor, Role
from portal.app import profile
from portal.clock import TAIPEI, Period
from portal.db import db, transaction
from surveys.standard import DIMENSIONS, OVERALL
from tests.analytics.reading import quotes, rows, stats, tables
from tests.factories import SITE, answered_case, make_actor, make_case, unit, unsigned
from tests.surveys.factories import make_response, make_responses, publish_standard

SignIn = Callable[[Actor], FlaskClient]
NOV, OCT = Period(2026, 11), Period(2026, 10)
VIEWS = ("analytics.views.summaries", "analytics.views.trends", "analytics.views.improvements",
         "feedback.views.staff", "surveys.views.staff")  # fmt: skip


def taipei(month: int, day: int, hour: int = 10) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=TAIPEI)


NOW = taipei(12, 5)


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    for view in VIEWS:
        monkeypatch.setattr(f"{view}.utcnow", lambda: NOW)


def read(browser: FlaskClient, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200, address
    return answer.text


def letter(received: datetime, topic: str | None = None, due: datetime | None = None, **values: Any) -> Case:
    values = {"unit_code": "standards"} | values
    case = make_case(received=received, due_at=due or received + timedelta(days=40), **values)
    if topic:
        by = make_actor(unit_code=values["unit_code"])
        sorting.confirm_topic(case.id, topic=topic, by=by, profile=profile(), now=received)
    return case


def answer(case: Case, at: datetime, *, rated: int | None = None, closed: datetime | None = None) -> None:
    by = make_actor()
    answering.answer(case.id, body="好", by=by, profile=unsigned(), site_url=SITE, now=at)
    if rated:
        ratings.rate(case.id, score=rated, comment="", profile=profile(), now=at + timedelta(days=1))
    if closed:
        answering.close(case.id, by=by, now=closed)


def a_month() -> None:
    """November of the unit `standards`, with letters of other months and units around it."""
    publish_standard()
    answer(letter(taipei(10, 20), "ST-CNS"), taipei(11, 5), rated=5, closed=taipei(11, 20))
    answer(letter(taipei(10, 21), "ST-MARK"), taipei(10, 30), rated=4, closed=taipei(11, 2))
    answer(letter(taipei(10, 1), "ST-CNS", due=taipei(11, 1)), taipei(11, 8), rated=2)
    answer(letter(taipei(11, 2), "ST-CNS", body="國家標準的網頁打不開，請盡快修理。"), taipei(11, 9))
    answer(letter(taipei(11, 3), "ST-CNS", body="想買國家標準的影本，要去哪裡？"), taipei(12, 3), rated=1)
    letter(taipei(11, 4), "ST-MARK", due=taipei(11, 25), body="正字標記申請很久沒有消息。")
    letter(taipei(11, 30, 23), body="不知道該問誰的問題，請轉給承辦的單位。")
    letter(taipei(12, 2), "ST-CNS")
    letter(taipei(11, 5), "SV-DIGI", unit_code="it")
    letter(taipei(11, 5), unit_code="ethics", restricted=True)
    make_responses(3, day=date(2026, 11, 9))
    make_response({OVERALL: "na"}, day=date(2026, 11, 9))  # type: ignore[dict-item]  # as the form sends it
    make_responses(2, day=date(2026, 12, 1))
    make_responses(2, day=date(2026, 11, 9), unit_code="it")


def written(period: Period = NOV, *, now: datetime = NOW, code: str = "standards") -> UnitSummary:
    summary = write_summary(unit(code), period, profile=profile(), now=now)
    assert summary is not None
    return summary


def address(summary: UnitSummary) -> str:
    return f"/staff/summaries/{summary.id}"


@pytest.fixture
def summary(resources: Resources) -> UnitSummary:
    a_month()
    return written()


# --- Summaries -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "code"), [
    (Role.HANDLER, "standards"), (Role.HEAD, "standards"), (Role.SECRETARIAT, "secretariat"),
])  # fmt: skip
def test_every_figure_leads_to_as_many_rows_as_it_says(
    role: Role, code: str, summary: UnitSummary, sign_in: SignIn
) -> None:
    browser = sign_in(make_actor(role, code))
    text = read(browser, address(summary))
    shown = stats(text)
    expected = {"收到": 4, "答復": 3, "其中逾期答復": 1, "結案": 2, "期末待辦": 3, "其中逾期": 1}
    assert {label: int(shown[label].value) for label in expected} == expected
    for label in ("收到", "答復", "結案"):
        assert rows(read(browser, shown[label].href)) == expected[label], label
    lists = tables(text)
    assert (shown["期末待辦"].href, shown["其中逾期"].href, shown["其中逾期答復"].href) == (
        "#open", "#open", "#late",
    )  # fmt: skip
    assert 'id="open"' in text
    assert 'id="late"' in text
    assert len(lists["期末待辦的信"].rows) == 3
    assert [row[3].text for row in lists["期末待辦的信"].rows].count("逾期") == 1
    assert len(lists["本月逾期答復的信"].rows) == 1
    for row in lists["期末待辦的信"].rows + lists["本月逾期答復的信"].rows:
        assert row[0].text in read(browser, row[0].href)


def test_every_topic_leads_to_its_letters_of_this_month_and_of_the_one_before(
    summary: UnitSummary, sign_in: SignIn
) -> None:
    browser = sign_in(make_actor())
    topics = tables(read(browser, address(summary)))["本月來信主題與上月比較"]
    assert topics.texts == [
        ["國家標準與標準資料", "2", "2", "0"],
        ["正字標記", "1", "1", "0"],
        ["未分類", "1", "0", "+1"],
    ]
    for name, count, before, _ in topics.rows:
        assert rows(read(browser, name.href)) == int(count.text), name.text
        assert rows(read(browser, before.href)) == int(before.text), name.text


@pytest.mark.parametrize(("role", "code"), [(Role.HANDLER, "standards"), (Role.SECRETARIAT, "secretariat")])
def test_satisfaction_has_its_n_and_leads_to_as_many_answers(
    role: Role, code: str, summary: UnitSummary, sign_in: SignIn
) -> None:
    browser = sign_in(make_actor(role, code))
    shown = stats(read(browser, address(summary)))
    survey, rated = shown["服務滿意度（整體）"], shown["信件答復評分（滿意以上）"]
    assert (survey.n, rated.n) == (3, 2)
    assert survey.value == rated.value == "樣本過少，不顯示"
    results = read(browser, survey.href)
    assert stats(results)["整體滿意"].n == survey.n
    assert "115年11月" in results
    assert rows(read(browser, rated.href)) == rated.n


def test_few_answers_are_flagged_and_enough_are_plain(resources: Resources, sign_in: SignIn) -> None:
    publish_standard()
    browser = sign_in(make_actor())
    told = []
    for more in (4, 1, 25):
        make_responses(more, day=date(2026, 11, 9))
        found = stats(read(browser, address(written())))["服務滿意度（整體）"]
        told.append((found.n, found.value, found.note))
    assert told == [
        (4, "樣本過少，不顯示", ""),
        (5, "100.0%", "樣本較少，僅供參考"),
        (30, "100.0%", ""),
    ]


def test_a_sentence_leads_to_the_letter_it_is_from(summary: UnitSummary, sign_in: SignIn) -> None:
    browser = sign_in(make_actor())
    found = quotes(read(browser, address(summary)))
    assert found
    for words, href in found:
        assert words in read(browser, href)


def test_a_letter_that_became_restricted_is_quoted_no_more(summary: UnitSummary, sign_in: SignIn) -> None:
    case_id = next(item["case_id"] for item in summary.figures["sentences"] if "正字標記申請" in item["text"])
    with transaction() as session:
        session.execute(sa.update(Case).where(Case.id == case_id).values(restricted=True, subject="密告內容"))
    for person in (make_actor(), make_actor(Role.SECRETARIAT, "secretariat")):
        text = read(sign_in(person), address(summary))
        assert "正字標記申請" not in text
        assert f"/staff/cases/{case_id}" not in text
        listed = tables(text)["期末待辦的信"]
        assert listed.rows[0][0].text == "限閱"
        assert len(listed.rows) == int(stats(text)["期末待辦"].value)


def test_a_letter_that_went_to_another_unit_is_linked_only_for_those_who_may_open_it(
    summary: UnitSummary, sign_in: SignIn
) -> None:
    handler = make_actor()
    case_id = summary.figures["open"][0]["case_id"]
    sorter = make_actor(Role.SECRETARIAT, "secretariat")
    routing.dispatch(case_id, unit_id=unit("it").id, reason="資訊室主辦", by=sorter, now=NOW)
    link = f'href="/staff/cases/{case_id}"'
    assert link not in read(sign_in(handler), address(summary))
    assert link in read(sign_in(sorter), address(summary))


def test_another_units_summary_is_absent_and_the_secretariats_to_read(
    summary: UnitSummary, sign_in: SignIn
) -> None:
    for role in (Role.HANDLER, Role.HEAD):
        assert sign_in(make_actor(role, "it")).get(address(summary)).status_code == 404
    assert sign_in(make_actor(Role.ADMIN, "standards")).get(address(summary)).status_code == 403
    assert "標準組" in read(sign_in(make_actor(Role.SECRETARIAT, "secretariat")), address(summary))


def test_the_list_shows_a_unit_its_months_and_the_secretariat_a_months_units(
    summary: UnitSummary, sign_in: SignIn
) -> None:
    written(OCT)
    written(code="it")
    own = tables(read(sign_in(make_actor()), "/staff/summaries/"))["標準組各月摘要"]
    assert [row[0] for row in own.texts] == ["115-11", "115-10"]
    assert [cell.text for cell in own.row("115-11")[:5]] == ["4", "3", "1", "3", "3"]
    secretary = sign_in(make_actor(Role.SECRETARIAT, "secretariat"))
    november = tables(read(secretary, "/staff/summaries/"))["115年11月各單位摘要"]
    assert [row[0] for row in november.texts] == ["標準組", "資訊室"]
    assert november.rows[0][0].href == address(summary)
    october = read(secretary, "/staff/summaries/?period=115-10")
    assert [row[0] for row in tables(october)["115年10月各單位摘要"].texts] == ["標準組"]
    assert 'value="115-10" selected' in october


@pytest.mark.parametrize("period", ["115-13", "x", "2026-11", "", "%00"])
def test_a_month_that_cannot_be_read_is_the_last_whole_one(
    period: str, summary: UnitSummary, sign_in: SignIn
) -> None:
    secretary = sign_in(make_actor(Role.SECRETARIAT, "secretariat"))
    assert "115年11月各單位摘要" in tables(read(secretary, f"/staff/summaries/?period={period}"))


def test_a_unit_without_summaries_is_told_when_one_comes(sign_in: SignIn) -> None:
    assert "還沒有摘要" in read(sign_in(make_actor()), "/staff/summaries/")


def test_an_earlier_version_stays_to_read_as_it_was(summary: UnitSummary, sign_in: SignIn) -> None:
    letter(taipei(11, 12))
    second = written(now=NOW + timedelta(hours=1))
    browser = sign_in(make_actor())
    newest = read(browser, address(second))
    assert (stats(newest)["收到"].value, "第 2 版，" in newest) == ("5", True)
    assert f'<a href="{address(summary)}">第 1 版</a>' in newest
    assert stats(read(browser, address(summary)))["收到"].value == "4"
    assert [row[1] for row in tables(read(browser, "/staff/summaries/"))["標準組各月摘要"].texts] == ["5"]


def test_a_page_says_of_when_it_is_and_can_be_printed(summary: UnitSummary, sign_in: SignIn) -> None:
    text = read(sign_in(make_actor()), address(summary))
    assert "標準組　115年11月摘要" in text
    assert "統計至 115年12月1日 00:00" in text
    assert "第 1 版，115年12月5日 10:00 由系統產生" in text
    assert "data-print" in text
    assert "本月尚未結束" not in text
    early = written(now=taipei(11, 30), code="it")
    assert "本月尚未結束" in read(sign_in(make_actor(unit_code="it")), address(early))


@pytest.mark.parametrize("number", [0, 2**31, 2**63, 10**30])
@pytest.mark.parametrize("page", ["/staff/summaries/{}", "/staff/improvements/{}/done"])
def test_a_number_that_no_row_can_have_is_not_found(page: str, number: int, sign_in: SignIn) -> None:
    assert sign_in(make_actor(Role.HEAD)).get(page.format(number)).status_code == 404


# --- Trends ----------------------------------------------------------------------------------------


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[dict[str, Any]]]:
    """What each chart of the page was drawn from, by heading."""
    seen: dict[str, list[dict[str, Any]]] = {}

    def keep(specs: list[dict[str, Any]], *, label: str) -> list[Markup]:
        heading = label.split("，")[0]
        for spec in specs:
            values = spec["data"]["values"]
            assert seen.setdefault(heading, values) == values, "desk and phone"
        return [Markup("<svg></svg>") for _ in specs]

    monkeypatch.setattr(charts, "render_all", keep)
    return seen


@pytest.fixture
def answers(ctx: Flask) -> None:
    publish_standard()
    for count, score, month, code, line in (
        (31, 5, 9, "standards", "standards"),
        (9, 4, 10, "it", "metrology"),
        (2, 2, 10, "it", "other"),
        (3, 5, 11, "taichung", "inspection"),
    ):
        for place in range(count):
            make_response(
                {OVERALL: score, "C": 1 if place % 2 else 5}, day=date(2026, month, 9), unit_code=code,
                service_line=line,
            )  # fmt: skip
    make_response({OVERALL: "na"}, day=date(2026, 9, 9))  # type: ignore[dict-item]  # as the form sends it
    make_responses(40, day=date(2025, 11, 30))  # before the thirteen months


def trends(browser: FlaskClient, dimension: str = "") -> str:
    return read(browser, f"/staff/trends/?dimension={dimension}")


@pytest.fixture
def secretary(sign_in: SignIn) -> FlaskClient:
    return sign_in(make_actor(Role.SECRETARIAT, "secretariat"))


def test_each_number_has_its_n_and_few_are_hidden_or_flagged(
    answers: None, drawn: dict[str, list[dict[str, Any]]], secretary: FlaskClient
) -> None:
    text = trends(secretary)
    found = tables(text)
    assert found["各月滿意度：數據表"].texts == [
        ["115-09", "100.0%", "31", ""],
        ["115-10", "81.8%", "11", "樣本較少，僅供參考"],
        ["115-11", "樣本過少，不顯示", "3", ""],
    ]
    assert found["各單位的滿意度：數據表"].texts == [
        ["標準組", "100.0%", "31", ""],
        ["資訊室", "81.8%", "11", "樣本較少，僅供參考"],
        ["臺中分局", "樣本過少，不顯示", "3", ""],
    ]
    lines = found["各服務別的滿意度：數據表"]
    assert lines.headers[1:] == [line.name for line in profile().satisfaction.service_lines]
    told = {row[0].text: [cell.text for cell in row[1:] if cell.text != "—"] for row in lines.rows}
    assert told["115-09"] == ["100.0%（n＝31）"]
    assert told["115-10"] == ["100.0%＊（n＝9）", "樣本過少，不顯示（n＝2）"]
    assert told["115-11"] == ["樣本過少，不顯示（n＝3）"]
    assert "＊樣本較少，僅供參考" in text
    assert "共 45 個有效答案" in text


def test_the_table_says_what_the_chart_shows(
    answers: None, drawn: dict[str, list[dict[str, Any]]], secretary: FlaskClient
) -> None:
    found = tables(trends(secretary))
    for heading in ("各月滿意度", "各單位的滿意度"):
        table = found[f"{heading}：數據表"]
        shown = {row[0]: f"{row[1]}（n＝{row[2]}）" for row in table.texts if "%" in row[1]}
        assert {item["place"]: item["label"] for item in drawn[heading]} == shown
        assert {item["place"]: f"{item['value']:.1f}%" for item in drawn[heading]} == {
            row[0]: row[1] for row in table.texts if "%" in row[1]
        }
    lines = found["各服務別的滿意度：數據表"]
    cells = {
        (name, row[0]): cell.replace("＊", "")
        for row in lines.texts
        for name, cell in zip(lines.headers[1:], row[1:], strict=True)
        if "%" in cell
    }
    assert {(item["series"], item["place"]): item["label"] for item in drawn["各服務別的滿意度"]} == cells


def test_every_number_of_the_survey_leads_to_as_many_answers(
    answers: None, drawn: dict[str, list[dict[str, Any]]], secretary: FlaskClient
) -> None:
    found = tables(trends(secretary))
    linked = [
        (row[1].href, int(row[2].text))
        for heading in ("各月滿意度", "各單位的滿意度")
        for row in found[f"{heading}：數據表"].rows
    ]
    for row in found["各服務別的滿意度：數據表"].rows:
        for cell in row[1:]:
            if count := re.search(r"n＝(\d+)", cell.text):
                linked.append((cell.href, int(count[1])))
    assert len(linked) == 10
    for href, n in linked:
        assert stats(read(secretary, href))["整體滿意"].n == n, href


def test_another_dimension_has_its_own_answers(
    answers: None, drawn: dict[str, list[dict[str, Any]]], secretary: FlaskClient
) -> None:
    text = trends(secretary, "C")
    assert tables(text)["各月滿意度：數據表"].row("115-09")[0].text == "51.6%"
    assert 'value="C" selected' in text
    assert "「處理時效」" in text


@pytest.mark.parametrize("dimension", ["", "Z", "best", "I' OR 1=1", "%00"])
def test_an_unknown_dimension_is_the_overall_one(
    dimension: str, answers: None, drawn: dict[str, list[dict[str, Any]]], secretary: FlaskClient
) -> None:
    assert f"「{DIMENSIONS[OVERALL]}」" in trends(secretary, dimension)


def test_ratings_of_answers_stand_apart_and_lead_to_the_letters(
    drawn: dict[str, list[dict[str, Any]]], secretary: FlaskClient
) -> None:
    publish_standard()
    for score in (5, 4, 4, 2, 1, 5):
        answer(letter(taipei(10, 1)), taipei(11, 5), rated=score)
    hidden = make_actor(Role.ETHICS, "ethics")
    restricted = answered_case(hidden, at=taipei(11, 5), received=taipei(10, 1), restricted=True)
    ratings.rate(restricted.id, score=1, comment="", profile=profile(), now=taipei(11, 6))
    text = trends(secretary)
    found = tables(text)["信件答復的評分：數據表"]
    assert found.texts == [["115-11", "66.7%", "6", "樣本較少，僅供參考"]]
    assert rows(read(secretary, found.rows[0][1].href)) == 6
    assert [item["label"] for item in drawn["信件答復的評分"]] == ["66.7%（n＝6）"]
    assert "共 0 個有效答案" in text, "never added to the survey"


def test_without_answers_the_page_says_so(secretary: FlaskClient) -> None:
    text = trends(secretary)
    assert text.count("這段期間還沒有答案") == 3
    assert "還沒有人評分" in text


@pytest.mark.parametrize("role", [Role.HANDLER, Role.HEAD, Role.ETHICS, Role.ADMIN])
def test_trends_are_the_secretariats(role: Role, sign_in: SignIn) -> None:
    assert sign_in(make_actor(role)).get("/staff/trends/").status_code == 403


def test_the_charts_are_really_drawn_into_the_page(answers: None, secretary: FlaskClient) -> None:
    text = trends(secretary)
    assert text.count('<svg role="img" aria-label="各月滿意度') == 2
    assert not re.search(r"\sstyle\s*=|<style", text)


# --- Improvements ----------------------------------------------------------------------------------


PLAN = {"topic": "ST-CNS", "opinion": "標準很難找", "measure": "加上清單", "due_on": "2026-12-31"}


def planned(by: Actor) -> Improvement:
    return improvements.plan(
        topic=None, opinion="排隊太久", measure="線上預約", due_on=date(2026, 12, 1), by=by, now=taipei(11, 1)
    )


def improvement() -> Improvement:
    return db.session.scalars(sa.select(Improvement).execution_options(populate_existing=True)).one()


def test_a_head_writes_down_an_improvement_and_reports_it_done(sign_in: SignIn) -> None:
    head = make_actor(Role.HEAD)
    browser = sign_in(head)
    sent = browser.post("/staff/improvements/new", data=PLAN)
    assert (sent.status_code, sent.location) == (303, "/staff/improvements/")
    kept = improvement()
    assert (kept.unit_id, kept.topic, kept.due_on, kept.created_by, kept.created_at) == (
        head.unit_id, "ST-CNS", date(2026, 12, 31), head.id, NOW,
    )  # fmt: skip
    listed = read(browser, "/staff/improvements/")
    assert "標準很難找" in listed
    link = f"/staff/improvements/{kept.id}/done"
    assert link in listed
    done = browser.post(link, data={"done_on": "2026-12-04", "effect": "來電少了三成"})
    assert done.status_code == 303
    kept = improvement()
    assert (kept.status, kept.done_on, kept.effect) == (
        ImprovementStatus.DONE, date(2026, 12, 4), "來電少了三成",
    )  # fmt: skip
    listed = read(browser, "/staff/improvements/")
    assert "來電少了三成" in listed
    assert link not in listed


def test_an_improvement_need_not_be_about_one_topic(sign_in: SignIn) -> None:
    assert (
        sign_in(make_actor(Role.HEAD)).post("/staff/improvements/new", data=PLAN | {"topic": ""}).status_code
        == 303
    )
    assert improvement().topic is None


@pytest.mark.parametrize(
    "fault",
    [{"measure": " "}, {"due_on": "明天"}, {"due_on": ""}, {"topic": "IN-ETHIC"}, {"opinion": "長" * 1001}],
)
def test_an_improvement_with_a_fault_comes_back_with_what_was_typed(
    fault: dict[str, str], sign_in: SignIn
) -> None:
    sent = sign_in(make_actor(Role.HEAD)).post("/staff/improvements/new", data=PLAN | fault)
    assert sent.status_code == 422
    kept = (PLAN | fault)["opinion"]
    assert kept in sent.text
    assert re.search(r"請修正以下", sent.text)
    assert not re.search(r"Not a valid|This field", sent.text)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Improvement)) == 0


def test_a_report_with_a_fault_comes_back_with_what_was_typed(sign_in: SignIn) -> None:
    head = make_actor(Role.HEAD)
    kept = planned(head)
    sent = sign_in(head).post(
        f"/staff/improvements/{kept.id}/done", data={"done_on": "昨天", "effect": "少了三成"}
    )
    assert sent.status_code == 422
    assert "少了三成" in sent.text
    assert improvement().status is ImprovementStatus.PLANNED


def test_another_units_improvement_is_absent(sign_in: SignIn) -> None:
    kept = planned(make_actor(Role.HEAD))
    for person in (make_actor(Role.HEAD, "it"), make_actor(Role.SECRETARIAT, "secretariat")):
        browser = sign_in(person)
        link = f"/staff/improvements/{kept.id}/done"
        assert browser.get(link).status_code == 404
        assert browser.post(link, data={"done_on": "2026-12-04", "effect": "x"}).status_code == 404
    assert "排隊太久" not in read(sign_in(make_actor(Role.HEAD, "it")), "/staff/improvements/")
    assert "排隊太久" in read(sign_in(make_actor(Role.SECRETARIAT, "secretariat")), "/staff/improvements/")
    assert improvement().status is ImprovementStatus.PLANNED


def test_a_handler_reads_improvements_and_makes_none(sign_in: SignIn) -> None:
    kept = planned(make_actor(Role.HEAD))
    browser = sign_in(make_actor())
    listed = read(browser, "/staff/improvements/")
    assert "排隊太久" in listed
    assert "登記改善措施" not in listed
    assert "填報完成" not in listed
    assert browser.get("/staff/improvements/new").status_code == 403
    assert browser.post("/staff/improvements/new", data=PLAN).status_code == 403
    assert browser.post(f"/staff/improvements/{kept.id}/done", data={"effect": "x"}).status_code == 403


def test_what_is_done_is_not_reported_again(sign_in: SignIn) -> None:
    head = make_actor(Role.HEAD)
    kept = planned(head)
    improvements.complete(kept.id, effect="第一次", done_on=date(2026, 12, 2), by=head, now=NOW)
    with pytest.raises(improvements.AlreadyDone):
        improvements.complete(kept.id, effect="第二次", done_on=date(2026, 12, 3), by=head, now=NOW)
    again = sign_in(head).post(
        f"/staff/improvements/{kept.id}/done", data={"done_on": "2026-12-04", "effect": "第三次"}
    )
    assert "已在 115年12月2日 填報完成" in again.text
    assert improvement().effect == "第一次"
