"""Reading the official table: 行政院人事行政總處's 政府行政機關辦公日曆表 as a CSV file.

One line for each day of a year: 西元日期 (20260101), 星期 (四), 是否放假 (0 worked, 2 off), 備註. UTF-8, with
or without a byte order mark, or Big5.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from portal.calendars.models import MAX_NAME
from portal.clock import ROC_OFFSET, SATURDAY, roc_date
from portal.errors import BadInput
from portal.forms import clean, has_control

COLUMNS = ("西元日期", "星期", "是否放假", "備註")
WEEKDAYS = "一二三四五六日"
WORKED, OFF = "0", "2"
MAX_BYTES = 1 << 20
SHOWN_FAULTS = 20
YEARS = range(2000, 2100)
USUAL_DAYS_OFF = range(100, 141)


class BadTable(BadInput):
    """The file cannot be imported; `faults` are lines for the person who gave it, one for each fault."""

    def __init__(self, faults: list[str]) -> None:
        more = len(faults) - SHOWN_FAULTS
        self.faults = faults[:SHOWN_FAULTS] + ([f"另外還有 {more} 個地方要改。"] if more > 0 else [])
        super().__init__("\n".join(self.faults))


@dataclass(frozen=True)
class OfficialDay:
    day: date
    is_working: bool
    name: str

    @property
    def is_special(self) -> bool:
        """Whether it must be kept: it has a name, or is no ordinary workday or weekend."""
        return bool(self.name) or self.is_working == (self.day.weekday() >= SATURDAY)


@dataclass(frozen=True)
class OfficialTable:
    """Whole years of the official calendar, each with every day."""

    days: tuple[OfficialDay, ...]

    @property
    def years(self) -> list[int]:
        return sorted({day.day.year for day in self.days})


def read_table(content: bytes) -> OfficialTable:
    """The years in a file. Raises BadTable, which names each line that is wrong."""
    if len(content) > MAX_BYTES:
        raise BadTable(["檔案太大；辦公日曆表一年只有三百多行，請確認選對檔案。"])
    found: dict[date, OfficialDay] = {}
    faults: list[str] = []
    for number, cells in _lines(_decoded(content)):
        try:
            item = _day(cells)
            if item.day in found:
                raise ValueError(f"{roc_date(item.day)}重複了")
            found[item.day] = item
        except ValueError as fault:
            faults.append(f"第 {number} 行：{fault}。")
    if faults or not found:
        raise BadTable(faults or ["檔案裡沒有任何日期。"])
    table = OfficialTable(tuple(found[day] for day in sorted(found)))
    if faults := [fault for year in table.years for fault in _faults_of(year, table)]:
        raise BadTable(faults)
    return table


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "cp950"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise BadTable(["看不懂文字編碼；請用人事行政總處公布的 CSV 檔，或另存成「CSV UTF-8」。"])


def _lines(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """(line number, cells by column) below the heading; empty lines are passed over."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        heading = [cell.strip() for cell in next(reader, [])]
        if any(column not in heading for column in COLUMNS):
            raise BadTable([f"第 1 行要有這四個欄名：{'、'.join(COLUMNS)}。"])
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, dict(zip(heading, cells, strict=False))
    except csv.Error as error:
        raise BadTable([f"第 {reader.line_num} 行附近的引號沒有成對，或欄位太長。"]) from error


def _day(cells: dict[str, str]) -> OfficialDay:
    """One line. Raises ValueError with what is wrong, in Traditional Chinese."""
    day = _date(cells.get("西元日期", "").strip())
    weekday, off = cells.get("星期", "").strip(), cells.get("是否放假", "").strip()
    if weekday != WEEKDAYS[day.weekday()]:
        raise ValueError(f"{roc_date(day)}是星期{WEEKDAYS[day.weekday()]}，檔案寫「{weekday}」")
    if off not in {WORKED, OFF}:
        raise ValueError(f"是否放假只能是 0（上班）或 2（放假），檔案寫「{off}」")
    name = clean(cells.get("備註"))
    if len(name) > MAX_NAME or has_control(name) or "\n" in name:
        raise ValueError(f"備註最長 {MAX_NAME} 個字，而且不能含有控制字元")
    return OfficialDay(day, off == WORKED, name)


def _date(text: str) -> date:
    try:
        if len(text) != 8 or not text.isdecimal():
            raise ValueError
        day = datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007  # a day, not a moment
    except ValueError:
        raise ValueError(f"日期「{text}」不存在，請寫成八位數字，例如 20260101") from None
    if day.year not in YEARS:
        raise ValueError(f"日期「{text}」的年份不對，請寫西元年，例如 20260101")
    return day


def _faults_of(year: int, table: OfficialTable) -> Iterator[str]:
    """What makes a year no calendar: days that are absent, or a strange number of days off."""
    roc = year - ROC_OFFSET
    days = {item.day for item in table.days if item.day.year == year}
    first = date(year, 1, 1)
    every = [first + timedelta(days=step) for step in range((date(year + 1, 1, 1) - first).days)]
    if absent := [day for day in every if day not in days]:
        yield f"{roc}年少了 {len(absent)} 天，例如{roc_date(absent[0])}；要整年的檔案才能匯入。"
        return
    off = sum(not item.is_working for item in table.days if item.day.year == year)
    special = any(item.is_special for item in table.days if item.day.year == year)
    if off not in USUAL_DAYS_OFF or not special:
        yield f"{roc}年有 {off} 天放假，不像辦公日曆表；請確認「是否放假」欄沒有被改過。"
