"""Satisfaction over months, units and service lines: tables first, charts drawn from the same rows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from analytics.presenting import Share, share
from portal.clock import Period
from portal.profile import Profile
from surveys.figures import figures_of
from surveys.queries import Cell

COLOURS = ("#12507b", "#b4490e", "#2f6b3c", "#6b3f8f", "#7a5b00")
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross")

WIDE = 500
"""Pixels from which month labels fit side by side."""

LABELS = 140
"""Pixels left of the bars for the units' names."""

Scores = dict[int, int]


@dataclass(frozen=True)
class Point:
    """One satisfaction share in its place, and the address of the answers behind it."""

    series: str
    place: str
    share: Share
    url: str = ""


def total(cells: Iterable[Cell]) -> Scores:
    """Answers by score."""
    counts: Counter[int] = Counter()
    for cell in cells:
        counts[cell.score] += cell.count
    return dict(counts)


def shares_by(cells: Iterable[Cell], key: str, profile: Profile) -> dict[Any, Share]:
    """The satisfied share for each value of one property of the cells (`period`, `unit_id` …)."""
    groups: dict[Any, list[Cell]] = defaultdict(list)
    for cell in cells:
        groups[getattr(cell, key)].append(cell)
    return {value: satisfied(total(members), profile) for value, members in groups.items()}


def satisfied(scores: Scores, profile: Profile) -> Share:
    figures = figures_of(scores)
    return share(figures.satisfied, figures.n, profile)


def line_chart(points: Sequence[Point], months: Sequence[Period], *, width: int) -> dict[str, Any]:
    """Shares in percent over months; one line a series, told apart by shape as well as colour."""
    names = list(dict.fromkeys(point.series for point in points))
    colour = {"range": list(COLOURS[: len(names)]), "domain": names}
    shape = {"range": list(SHAPES[: len(names)]), "domain": names}
    legend = {"orient": "top", "title": None} if len(names) > 1 else None
    return {
        "data": {"values": [_datum(point) for point in points if point.share.shown]},
        "width": width,
        "height": 260,
        "mark": {"type": "line", "point": {"size": 60, "filled": True}, "strokeWidth": 2.5},
        "encoding": {
            "x": {
                "field": "place",
                "type": "ordinal",
                "sort": [str(month) for month in months],
                "scale": {"domain": [str(month) for month in months]},
                "axis": {"title": "年-月（民國）", "labelAngle": 0 if width > WIDE else -60},
            },
            "y": {
                "field": "value",
                "type": "quantitative",
                "scale": {"domain": [0, 100]},
                "axis": {"title": "滿意度（%）", "tickCount": 5},
            },
            "color": {"field": "series", "type": "nominal", "scale": colour, "legend": legend},
            "shape": {"field": "series", "type": "nominal", "scale": shape, "legend": legend},
        },
    }


def bar_chart(points: Sequence[Point], *, width: int) -> dict[str, Any]:
    """Shares in percent side by side, each bar with its figure and n."""
    order = [point.place for point in points]
    place = {"field": "place", "type": "nominal", "sort": order, "axis": {"title": None}}
    value = {
        "field": "value",
        "type": "quantitative",
        "scale": {"domain": [0, 100]},
        "axis": {"title": "滿意度（%）", "tickCount": 5},
    }
    return {
        "data": {"values": [_datum(point) for point in points if point.share.shown]},
        "width": width - LABELS,
        "height": {"step": 34},
        "layer": [
            {
                "mark": {"type": "bar", "color": COLOURS[0], "height": 20},
                "encoding": {"y": place, "x": value},
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 6, "fontSize": 13},
                "encoding": {"y": place, "x": value, "text": {"field": "label"}},
            },
        ],
    }


def _datum(point: Point) -> dict[str, Any]:
    value = point.share.value
    return {
        "series": point.series,
        "place": point.place,
        "value": value,
        "label": f"{point.share.text}（n＝{point.share.n}）",
    }
