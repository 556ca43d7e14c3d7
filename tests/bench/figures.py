"""What was measured, beside its limit and yardstick: as a table for people, as JSON for programs."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median, quantiles
from typing import Any

HEADINGS = ("項目", "測得", "限制", "同次比較基準", "結果")


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured value. Without a limit it is there to explain the others."""

    key: str
    what: str
    measured: float
    unit: str
    limit: float | None = None
    at_least: bool = False
    yardstick: str = ""
    note: str = ""
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool | None:
        if self.limit is None:
            return None
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"measured": round(self.measured, 3), "ok": self.ok}

    def cells(self) -> tuple[str, ...]:
        limit = "—" if self.limit is None else f"{'≥' if self.at_least else '≤'} {tell(self.limit)}"
        result = {True: "達成", False: "【未達成】", None: "參考"}[self.ok]
        return (self.what, f"{tell(self.measured)} {self.unit}", limit, self.yardstick or "—", result)


def tell(value: float) -> str:
    """Three figures that count, or all of a large number."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value % 1 else f"{value:.0f}"


def table(figures: Sequence[Figure]) -> str:
    """The figures in columns, their notes below."""
    rows = [HEADINGS, *(figure.cells() for figure in figures)]
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    lines = [_line(row, widths) for row in rows]
    lines.insert(1, "  ".join("─" * width for width in widths))
    notes = [f"  {figure.what}：{figure.note}" for figure in figures if figure.note]
    return "\n".join([*lines, *(["", "說明", *notes] if notes else [])])


def _line(cells: Iterable[str], widths: Sequence[int]) -> str:
    padded = (cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True))
    return "  ".join(padded).rstrip()


def _width(text: str) -> int:
    """Columns on a screen: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def middle_and_p95(values: Sequence[float]) -> tuple[float, float]:
    return median(values), quantiles(values, n=20)[-1]
