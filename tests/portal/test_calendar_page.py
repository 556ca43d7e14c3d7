"""The calendar page: what every colleague reads, and what those who keep it may change there."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.access import Actor, Role
from portal.calendars import office_calendar
from portal.calendars.models import CalendarDay
from portal.clock import OfficeCalendar
from portal.db import db
from tests.factories import NOW, make_actor
from tests.portal.calendar_files import content, lines
from tests.portal.test_calendars import TYPHOON

SignIn = Callable[[Actor], FlaskClient]
PAGE = "/staff/calendar/"


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.calendars.views.utcnow", lambda: NOW)


@pytest.fixture
def keeper(sign_in: SignIn) -> FlaskClient:
    return sign_in(make_actor(Role.SECRETARIAT, "secretariat"))


def add(browser: FlaskClient, **values: str) -> TestResponse:
    return browser.post(
        f"{PAGE}days", data={"day": "2026-11-26", "state": "closed", "name": "颱風停止上班"} | values
    )


def upload(browser: FlaskClient, file: bytes) -> TestResponse:
    return browser.post(f"{PAGE}table", data={"file": (io.BytesIO(file), "117.csv")})


def calendar(app: Flask) -> OfficeCalendar:
    return office_calendar(db.session(), app.extensions["profile"])


def count() -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(CalendarDay)) or 0


def test_every_colleague_reads_the_year_and_only_keepers_may_change_it(
    sign_in: SignIn, keeper: FlaskClient
) -> None:
    add(keeper)
    read = sign_in(make_actor()).get(PAGE).text
    assert "<h1>115年辦公日曆</h1>" in read
    assert "26日（四）颱風停止上班" in read
    assert "25日（五）行憲紀念日" in read
    assert "/days" not in read
    kept = keeper.get(PAGE).text
    assert "移除" in kept
    assert "匯入辦公日曆表" in kept


@pytest.mark.parametrize(
    ("year", "heading", "warned"),
    [
        ("114", "114年", False),
        ("117", "117年", True),
        ("0", "115年", False),
        ("x", "115年", False),
        ("", "115年", False),
    ],
)
def test_a_year_is_chosen_by_its_roc_number_and_one_without_a_table_says_so(
    year: str, heading: str, warned: bool, keeper: FlaskClient
) -> None:
    page = keeper.get(f"{PAGE}?year={year}").text
    assert f"<h1>{heading}辦公日曆</h1>" in page
    assert ("目前只把週六、週日當放假日" in page) == warned


def test_days_are_marked_by_a_word_and_not_by_colour_alone(keeper: FlaskClient) -> None:
    page = keeper.get(f"{PAGE}?year=114").text
    february = re.search(r"<h3>2月</h3>.*?</section>", page, re.DOTALL)
    assert february is not None
    assert '<td class="is-made-up">8 <small>班</small></td>' in february[0]
    assert '<td class="is-off">28 <small>休</small></td>' in february[0]
    assert '<td class="">3</td>' in february[0]


def test_a_day_is_added_and_removed_again(ctx: Flask, keeper: FlaskClient) -> None:
    answer = add(keeper)
    assert (answer.status_code, answer.location) == (303, "/staff/calendar/?year=115")
    assert "已加入115年11月26日停止上班。" in keeper.get(PAGE).text
    assert not calendar(ctx).is_working_day(TYPHOON)
    answer = keeper.post(f"{PAGE}days/remove", data={"day": "2026-11-26"})
    assert answer.status_code == 303
    assert calendar(ctx).is_working_day(TYPHOON)


def test_those_who_read_may_not_write(sign_in: SignIn) -> None:
    reader = sign_in(make_actor(Role.HEAD))
    for answer in (
        add(reader),
        upload(reader, content()),
        reader.post(f"{PAGE}days/remove", data={"day": "2026-11-26"}),
    ):
        assert answer.status_code == 403
    assert count() == 0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": " "}, "請寫原因"),
        ({"name": "長" * 61}, "原因最長 60 個字"),
        ({"name": "響\x07鈴"}, "控制字元"),
        ({"day": ""}, "請選擇日期"),
        ({"day": "2026-13-01"}, "不是有效的日期"),
        ({"day": "0001-01-01"}, "相差超過三年"),
        ({"state": "maybe"}, "請選擇這一天停止上班或照常上班"),
    ],
)
def test_a_refused_day_keeps_what_was_typed(
    values: dict[str, str], message: str, keeper: FlaskClient
) -> None:
    answer = add(keeper, **values)
    assert answer.status_code == 422
    assert message in answer.text
    assert f'value="{values.get("day", "2026-11-26")}"' in answer.text
    assert count() == 0


def test_a_day_that_somebody_has_added_is_told_so(keeper: FlaskClient) -> None:
    add(keeper)
    answer = add(keeper, state="open", name="照常上班")
    assert answer.status_code == 409
    assert "已經有人加過了" in answer.text
    assert 'value="照常上班"' in answer.text


def test_removing_what_is_not_there_is_a_page_not_found(keeper: FlaskClient) -> None:
    assert keeper.post(f"{PAGE}days/remove", data={"day": "2026-11-26"}).status_code == 404
    assert keeper.post(f"{PAGE}days/remove", data={"day": "yesterday"}).status_code == 400


def test_the_official_table_is_uploaded(ctx: Flask, keeper: FlaskClient) -> None:
    answer = upload(keeper, content())
    assert (answer.status_code, answer.location) == (303, "/staff/calendar/?year=117")
    page = keeper.get("/staff/calendar/?year=117").text
    assert "已匯入117年的辦公日曆表，10 天有變動。" in page
    assert "117年依人事行政總處的辦公日曆表。" in page
    assert calendar(ctx).is_working_day(TYPHOON)


def test_a_bad_file_names_its_lines_and_imports_nothing(keeper: FlaskClient) -> None:
    rows = lines()
    rows[9] = "20280109,六,2,"
    answer = upload(keeper, content(rows))
    assert answer.status_code == 422
    assert "第 10 行：117年1月9日是星期日，檔案寫「六」。" in answer.text
    assert count() == 0


def test_a_file_must_be_chosen(keeper: FlaskClient) -> None:
    answer = keeper.post(f"{PAGE}table", data={})
    assert answer.status_code == 422
    assert "請選擇要匯入的 CSV 檔" in answer.text


def test_a_name_out_of_a_file_is_shown_as_text(keeper: FlaskClient) -> None:
    rows = [row.replace("勞動節", "<script>alert(1)</script>") for row in lines()]
    upload(keeper, content(rows))
    assert "&lt;script&gt;alert(1)" in keeper.get("/staff/calendar/?year=117").text
