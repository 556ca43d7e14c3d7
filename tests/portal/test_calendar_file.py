"""The official file: read in either encoding, refused as a whole, each bad line named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.calendars.official import BadTable, read_table
from tests.portal.calendar_files import HEADING, MADE_UP, NAMED, content, lines

Rows = list[str]


def faults(file: bytes) -> list[str]:
    with pytest.raises(BadTable) as caught:
        read_table(file)
    return caught.value.faults


def changed(change: Callable[[Rows], object]) -> list[str]:
    rows = lines()
    change(rows)
    return faults(content(rows))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "cp950"])
def test_a_year_is_read_in_each_encoding_it_is_published_in(encoding: str) -> None:
    table = read_table(content(encoding=encoding))
    special = {item.day: (item.is_working, item.name) for item in table.days if item.is_special}
    assert table.years == [2028]
    assert len(table.days) == 366
    assert special == {day: (False, name) for day, name in NAMED.items()} | {
        day: (True, name) for day, name in MADE_UP.items()
    }


def test_a_weekday_off_without_a_name_is_kept_and_an_ordinary_weekend_is_not() -> None:
    rows = [row.replace("20280501,一,2,勞動節", "20280501,一,2,") for row in lines()]
    special = {item.day for item in read_table(content(rows)).days if item.is_special}
    assert date(2028, 5, 1) in special
    assert date(2028, 5, 6) not in special


def test_order_and_empty_lines_do_not_matter_and_further_columns_are_passed_over() -> None:
    heading, *rows = lines()
    assert read_table(
        content([heading + ",版次", *(f"{row},1" for row in reversed(rows)), ",,,"])
    ) == read_table(content())


def test_a_file_may_hold_several_whole_years() -> None:
    _, *later = lines(2029, {date(2029, 1, 1): "開國紀念日", date(2029, 10, 10): "國慶日"})
    assert read_table(content([*lines(), *later])).years == [2028, 2029]


@pytest.mark.parametrize(
    ("was", "becomes", "fault"),
    [
        (
            "20280103,一,0,",
            "2028/1/3,一,0,",
            "第 4 行：日期「2028/1/3」不存在，請寫成八位數字，例如 20260101。",
        ),
        (
            "20280103,一,0,",
            "20281301,一,0,",
            "第 4 行：日期「20281301」不存在，請寫成八位數字，例如 20260101。",
        ),
        (
            "20280103,一,0,",
            "01170103,一,0,",
            "第 4 行：日期「01170103」的年份不對，請寫西元年，例如 20260101。",
        ),
        ("20280103,一,0,", "20280103,二,0,", "第 4 行：117年1月3日是星期一，檔案寫「二」。"),
        ("20280103,一,0,", "20280103,一,1,", "第 4 行：是否放假只能是 0（上班）或 2（放假），檔案寫「1」。"),
        ("20280103,一,0,", "20280103,一", "第 4 行：是否放假只能是 0（上班）或 2（放假），檔案寫「」。"),
        ("20280103,一,0,", "20280104,二,0,", "第 5 行：117年1月4日重複了。"),
        ("20280103,一,0,", f"20280103,一,0,{'長' * 61}", "第 4 行：備註最長 60 個字，而且不能含有控制字元。"),
        ("20280103,一,0,", "20280103,一,0,響\x07鈴", "第 4 行：備註最長 60 個字，而且不能含有控制字元。"),
    ],
)
def test_a_bad_line_is_named_by_its_number(was: str, becomes: str, fault: str) -> None:
    found = changed(lambda rows: rows.__setitem__(rows.index(was), becomes))
    assert found == [fault]


def test_every_bad_line_is_named_but_not_hundreds_of_them() -> None:
    def spoil(rows: Rows) -> None:
        rows[1:31] = [row.replace(",2,", ",是,").replace(",0,", ",否,") for row in rows[1:31]]

    found = changed(spoil)
    assert [line.partition("：")[0] for line in found[:3]] == ["第 2 行", "第 3 行", "第 4 行"]
    assert len(found) == 21
    assert found[-1] == "另外還有 10 個地方要改。"


def test_a_year_with_days_missing_is_no_year() -> None:
    assert changed(lambda rows: rows.__delitem__(slice(33, 43))) == [
        "117年少了 10 天，例如117年2月2日；要整年的檔案才能匯入。"
    ]


def test_a_year_with_a_strange_number_of_days_off_is_refused() -> None:
    worked = [row.replace(",2,", ",0,") for row in lines()]
    assert faults(content(worked))[0].startswith("117年有 0 天放假，不像辦公日曆表")
    weekends = [row.split(",春")[0] for row in lines(named={})]
    assert "不像辦公日曆表" in faults(content([row.replace("六,0,補行上班", "六,2,") for row in weekends]))[0]


@pytest.mark.parametrize(
    ("file", "fault"),
    [
        (b"", "第 1 行要有這四個欄名：西元日期、星期、是否放假、備註。"),
        (HEADING.encode(), "檔案裡沒有任何日期。"),
        (b"date,week,off,name\r\n20280101,6,2,\r\n", "第 1 行要有這四個欄名"),
        (b"\x00\x01\x02", "看不懂文字編碼"),
        (b"\xff\xfe" + HEADING.encode("utf-16-le"), "看不懂文字編碼"),
        (b"\x89PNG\r\n\x1a\n\xff\xff", "看不懂文字編碼"),
        (b"a" * (1 << 20) + b"b", "檔案太大"),
        (content([HEADING, '20280101,六,2,"開國']), "引號沒有成對"),
    ],
)
def test_a_file_that_is_no_calendar_is_refused_in_one_line(file: bytes, fault: str) -> None:
    found = faults(file)
    assert len(found) == 1
    assert fault in found[0]


@given(
    st.binary(max_size=200)
    | st.text(max_size=80).map(lambda text: f"{HEADING}\n{text}".encode("utf-8", "replace"))
)
def test_whatever_the_bytes_they_are_refused_and_nothing_worse(file: bytes) -> None:
    assert faults(file)
