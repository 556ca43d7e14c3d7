"""What the secretariat's page shows: the past thirteen months of one dimension."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from typing import Any

from flask import url_for
from markupsafe import Markup

from analytics.presenting import past_year
from analytics.queries import channel_counts, rating_counts
from analytics.trends import Point, bar_chart, line_chart, satisfied, shares_by, total
from portal import charts
from portal.clock import Period
from portal.profile import Profile
from portal.units import answering_units
from surveys.figures import Care
from surveys.queries import Cell, counts_between
from surveys.standard import DIMENSIONS, OVERALL

Table = dict[str, Any]
Drawing = Callable[..., dict[str, Any]]

FIGURES = ["滿意度", "n", "說明"]
FEW = "＊"
MARKED = f"{FEW}{Care.FLAGGED.value}。"

WIDE_CHART, PHONE_CHART = 720, 300
"""Pixels; the page shows the one that fits, so that text is never scaled down."""


@dataclass(frozen=True)
class Section:
    """One chart and its table; a section without answers says so instead."""

    heading: str
    definition: str
    chart: Markup | None
    narrow: Markup | None
    table: Table


class TrendsPage:
    """Built once a request; the survey is read with one query."""

    def __init__(self, profile: Profile, *, now: datetime, dimension: str) -> None:
        self.profile = profile
        self.dimensions = DIMENSIONS
        self.dimension = dimension if dimension in DIMENSIONS else OVERALL
        self.months = past_year(now)[::-1]
        self.span = f"{self.months[0].label}至{self.months[-1].label}"

    @cached_property
    def cells(self) -> list[Cell]:
        return counts_between(self.months[0], self.months[-1], code=self.dimension)

    @property
    def n(self) -> int:
        return sum(total(self.cells).values())

    @cached_property
    def by_month(self) -> Section:
        shares = shares_by(self.cells, "period", self.profile)
        points = [
            Point("全部", str(month), shares[month], self._answers_url(month, month))
            for month in self.months
            if month in shares
        ]
        table = _table("月份", FIGURES, _rows(points))
        return self._section("各月滿意度", points, table, self._lines(points))

    @cached_property
    def by_line(self) -> Section:
        lines = [(line.code, line.name) for line in self.profile.satisfaction.service_lines]
        points: dict[tuple[str, Period], Point] = {}
        for code, name in lines:
            shares = shares_by([c for c in self.cells if c.service_line == code], "period", self.profile)
            for month in (month for month in self.months if month in shares):
                url = self._answers_url(month, month, line=code)
                points[code, month] = Point(name, str(month), shares[month], url)
        rows = [
            (str(month), [_with_n(points.get((code, month))) for code, _ in lines]) for month in self.months
        ]
        table = _table("月份", [name for _, name in lines], rows)
        drawn = list(points.values())
        return self._section("各服務別的滿意度", drawn, table, self._lines(drawn), note=MARKED)

    @cached_property
    def by_unit(self) -> Section:
        shares = shares_by(self.cells, "unit_id", self.profile)
        first, last = self.months[0], self.months[-1]
        points = [
            Point("單位", unit.name, shares[unit.id], self._answers_url(first, last, unit=unit.id))
            for unit in answering_units()
            if unit.id in shares
        ]
        table = _table("單位", FIGURES, _rows(points))
        return self._section("各單位的滿意度", points, table, partial(bar_chart, points))

    @cached_property
    def replies(self) -> Section:
        """Ratings of answered letters: another instrument, never added to the survey."""
        shares = {month: satisfied(rating_counts(month), self.profile) for month in self.months}
        points = [
            Point("信件答復", str(month), shares[month], self._letters_url(month))
            for month in self.months
            if shares[month].n
        ]
        table = _table("月份", FIGURES, _rows(points))
        return self._section("信件答復的評分", points, table, self._lines(points))

    @cached_property
    def by_channel(self) -> Table:
        """Letters received each month by channel: channels that any letter came by, and all together."""
        counts = {month: channel_counts(month) for month in self.months}
        used = {code for month in counts.values() for code in month}
        names = {item.code: item.name for item in self.profile.channels if item.code in used}
        names |= {code: code for code in sorted(used - names.keys())}
        rows = [
            (
                str(month),
                [
                    *(self._letters(month, counts[month].get(code, 0), channel=code) for code in names),
                    self._letters(month, sum(counts[month].values())),
                ],
            )
            for month in self.months
        ]
        return _table("月份", [*names.values(), "合計 n"], rows if used else [])

    def _letters(self, month: Period, count: int, **filters: Any) -> Any:
        """A count, linked to the letters that it counts."""
        if not count:
            return 0
        return count, url_for("cases.inbox", state="all", period=str(month), moment="received", **filters)

    def _lines(self, points: Sequence[Point]) -> Drawing:
        return partial(line_chart, points, self.months)

    def _section(
        self, heading: str, points: Sequence[Point], table: Table, drawing: Drawing, note: str = ""
    ) -> Section:
        definition = (
            f"期間：{self.span}。滿意度＝（非常滿意＋滿意）÷有效答案數 n；「無意見／未使用」不計入 n。{note}"
        )
        if not points:
            return Section(heading, definition, None, None, table)
        label = f"{heading}，{self.span}，數字見下方數據表"
        specs = [drawing(width=width) for width in (WIDE_CHART, PHONE_CHART)]
        wide, narrow = charts.render_all(specs, label=label)
        return Section(heading, definition, wide, narrow, table)

    def _answers_url(self, first: Period, last: Period, **filters: Any) -> str:
        slug = self.profile.satisfaction.slug
        return url_for("survey_results.show", slug=slug, since=str(first), until=str(last), **filters)

    def _letters_url(self, month: Period) -> str:
        return url_for("cases.inbox", state="all", period=str(month), moment="rated")


def _rows(points: Sequence[Point]) -> list[tuple[str, list[Any]]]:
    """A row for each place: the figure, linked to the answers behind it, its n, and the care it needs."""
    return [(p.place, [(p.share.text, p.url), p.share.n, p.share.note]) for p in points]


def _with_n(point: Point | None) -> Any:
    if point is None:
        return "—"
    mark = FEW if point.share.note else ""
    return f"{point.share.text}{mark}（n＝{point.share.n}）", point.url


def _table(first: str, others: list[str], rows: Sequence[tuple[str, list[Any]]]) -> Table:
    return {"headers": [first, *others], "rows": [{"label": label, "cells": cells} for label, cells in rows]}
