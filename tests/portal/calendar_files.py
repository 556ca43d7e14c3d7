"""Official calendar files as the 人事行政總處 publishes them, made for tests."""

from __future__ import annotations

from datetime import date, timedelta

from portal.clock import SATURDAY

HEADING = "西元日期,星期,是否放假,備註"
NAMED = {
    date(2028, 1, 1): "開國紀念日",
    date(2028, 1, 25): "小年夜",
    date(2028, 1, 26): "農曆除夕",
    date(2028, 1, 27): "春節",
    date(2028, 1, 28): "春節",
    date(2028, 2, 28): "和平紀念日",
    date(2028, 4, 4): "兒童節及清明節",
    date(2028, 5, 1): "勞動節",
    date(2028, 9, 28): "教師節",
    date(2028, 10, 10): "國慶日",
}
MADE_UP = {date(2028, 2, 12): "補行上班"}


def lines(year: int = 2028, named: dict[date, str] | None = None) -> list[str]:
    """A whole year, heading first; line n of the file is lines(...)[n - 1]."""
    off = NAMED if named is None else named
    found, day = [HEADING], date(year, 1, 1)
    while day.year == year:
        closed = day in off or (day.weekday() >= SATURDAY and day not in MADE_UP)
        name = off.get(day) or MADE_UP.get(day, "")
        found.append(f"{day:%Y%m%d},{'一二三四五六日'[day.weekday()]},{2 if closed else 0},{name}")
        day += timedelta(days=1)
    return found


def content(rows: list[str] | None = None, encoding: str = "utf-8-sig") -> bytes:
    return ("\r\n".join(rows or lines()) + "\r\n").encode(encoding)
