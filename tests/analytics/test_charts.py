"""Charts drawn on the server: what a page and its policy may rely on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from analytics.presenting import share
from analytics.trends import Point, bar_chart, line_chart
from portal import charts
from portal.clock import Period
from portal.config import Config
from tests.analytics.learning import BUREAU

MONTHS = [Period(2026, month) for month in (9, 10, 11)]
POINTS = [
    Point(name, str(month), share(value, n, BUREAU))
    for name, value in (("商品檢驗", 80.0), ("度量衡", 60.5))
    for month, n in zip(MONTHS, (40, 12, 3), strict=True)
]
SPECS = {
    "line": line_chart(POINTS, MONTHS, width=720),
    "phone": line_chart(POINTS, MONTHS, width=300),
    "bar": bar_chart(POINTS[:3], width=720),
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path) -> Iterator[Path]:
    """An application with a folder of its own; charts need nothing else."""
    app = Flask("charts")
    app.config["QINGTING"] = Config(
        instance=tmp_path, database_url="sqlite://", secret_key="x" * 40, mail_url="file:x", profile=tmp_path
    )
    with app.app_context():
        yield tmp_path / "cache" / "charts"


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The specifications that were really drawn."""
    seen: list[Any] = []
    draw = charts._draw

    def counted(missing: dict[Path, str]) -> None:
        seen.extend(missing.values())
        draw(missing)

    monkeypatch.setattr(charts, "_draw", counted)
    return seen


class Seen(HTMLParser):
    """What a browser makes of a drawing: the attributes of its root, and its text."""

    def __init__(self, svg: str) -> None:
        super().__init__()
        self.root: dict[str, str | None] = {}
        self.words = ""
        self.feed(str(svg))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "svg":
            self.root = dict(reversed(attrs))  # of two of one name the first counts

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.mark.parametrize("kind", SPECS)
def test_a_chart_passes_the_strict_policy(kind: str) -> None:
    svg = charts.render(SPECS[kind], label="各月滿意度")
    assert not re.search(r"\sstyle\s*=|<style|<script|\son[a-z]+\s*=|javascript:|<foreignObject", svg)
    assert not re.search(r"(href|src)\s*=", svg)


@pytest.mark.parametrize("kind", SPECS)
def test_a_chart_is_an_image_with_a_label_and_real_text(kind: str) -> None:
    seen = Seen(charts.render(SPECS[kind], label="各月滿意度"))
    assert (seen.root["role"], seen.root["aria-label"]) == ("img", "各月滿意度")
    assert "滿意度（%）" in seen.words
    assert all(str(month) in seen.words for month in (MONTHS if kind != "bar" else MONTHS[:2]))


@pytest.mark.parametrize("kind", SPECS)
def test_a_chart_takes_the_width_that_the_page_gives_it(kind: str) -> None:
    root = Seen(charts.render(SPECS[kind], label="x")).root
    assert "width" not in root
    assert "height" not in root
    assert root["viewbox"]


def test_series_differ_in_shape_as_well_as_colour() -> None:
    encoding = SPECS["line"]["encoding"]
    for way in ("color", "shape"):
        assert len(set(encoding[way]["scale"]["range"])) == 2


def test_a_bar_says_its_figure_and_its_n() -> None:
    assert "80.0%（n＝40）" in charts.render(SPECS["bar"], label="x")


@pytest.mark.parametrize("kind", SPECS)
def test_a_share_of_too_few_is_not_drawn(kind: str) -> None:
    values = SPECS[kind]["data"]["values"]
    assert {item["place"] for item in values} == {"115-09", "115-10"}
    assert "n＝3" not in charts.render(SPECS[kind], label="x")


def test_a_chart_is_drawn_once_and_then_kept_by_what_it_shows(drawn: list[Any], cache: Path) -> None:
    first = charts.render(SPECS["line"], label="甲")
    again = charts.render(dict(reversed(SPECS["line"].items())), label="甲")
    assert (again, len(drawn)) == (first, 1)
    assert charts.render(SPECS["line"], label="乙").replace("乙", "甲") == first
    assert len(drawn) == 1, "the label is not part of the drawing"
    charts.render(SPECS["bar"], label="甲")
    assert len(drawn) == 2
    assert len(list(cache.iterdir())) == 2
    assert {file.suffix for file in cache.iterdir()} == {".svg"}


def test_other_figures_give_another_drawing(drawn: list[Any]) -> None:
    first = charts.render(bar_chart(POINTS[:1], width=720), label="x")
    other = charts.render(
        bar_chart([Point("商品檢驗", "115-09", share(81.0, 40, BUREAU))], width=720), label="x"
    )
    assert len(drawn) == 2
    assert first != other


def test_the_label_is_escaped() -> None:
    label = '"><script>alert(1)</script> & <b>'
    svg = charts.render(SPECS["bar"], label=label)
    assert "<script" not in svg
    assert Seen(svg).root["aria-label"] == label


def test_names_in_the_figures_are_escaped() -> None:
    name = "<b>組&室</b>"
    svg = charts.render(bar_chart([Point("單位", name, share(80.0, 40, BUREAU))], width=720), label="x")
    assert "<b>" not in svg
    assert name in Seen(svg).words
