"""What the page on the quality of suggestions shows: accuracy by topic, and what drifts by month."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import Any

from markupsafe import Markup

from analytics.comparison import in_order
from analytics.drift import YEAR, Judged, Verdict, judge
from analytics.presenting import Share, past_year
from analytics.trends import Point, line_chart
from analytics.trends_page import PHONE_CHART, WIDE_CHART
from analytics.watch import FEW, Accuracy, Score, TopicAccuracy, accuracy, months_between
from portal import charts
from portal.clock import roc_date
from portal.profile import Profile
from surveys.figures import Care

Table = dict[str, Any]

ACCURACY_HEADERS = [
    "同仁確認的主題",
    "全部的信",
    "其中系統有把握的",
    "隨機五分之一：全部",
    "隨機五分之一：有把握的",
    "確認日期",
]
DRIFT_HEADERS = ["收信月份", "判讀的信", "沒有把握", "更正", "沒看過的詞", "主題組成的差異"]
SERIES: dict[str, Callable[[Judged], tuple[float, int]]] = {
    "沒有把握": lambda row: (row.month.abstained, row.month.letters),
    "更正": lambda row: (row.month.corrected, row.month.confirmed),
    "沒看過的詞": lambda row: (row.month.unknown.total, row.month.unknown.n),
}
"""What is drawn: each part and the n that it is a share of."""


class WatchPage:
    """Built once a request, with two queries whatever the number of letters."""

    def __init__(self, profile: Profile, *, now: datetime) -> None:
        self.profile = profile
        self.months = past_year(now)[::-1]
        self.span = f"{self.months[0].label}至{self.months[-1].label}"
        self.until = roc_date(now)
        self.few = FEW

    @cached_property
    def accuracy(self) -> Accuracy:
        return accuracy(self.months[0], self.months[-1])

    @cached_property
    def drift(self) -> list[Judged]:
        """The months of the page; each is judged by the twelve before it, so that a year more is counted."""
        return judge(months_between(self.months[0].shift(-YEAR), self.months[-1]))

    @cached_property
    def accuracy_table(self) -> Table:
        topics = self.accuracy.topics
        rows = [_accuracy_row("全部主題", self.accuracy.total)]
        rows += [
            _accuracy_row(self.profile.topic_name(code), topics[code])
            for code in in_order(topics.keys(), self.profile)
        ]
        return {"headers": ACCURACY_HEADERS, "rows": rows}

    @property
    def reread(self) -> int:
        return sum(row.month.reread for row in self.drift)

    @property
    def read(self) -> int:
        """Letters of the page's months that the classifier read."""
        return sum(row.month.letters for row in self.drift)

    @cached_property
    def newest(self) -> Judged | None:
        """The latest month that has enough letters to be judged."""
        judged = (row for row in reversed(self.drift) if row.abstention is not Verdict.TOO_FEW)
        return next(judged, None)

    @property
    def newest_label(self) -> str:
        """The month's name; the one under way is said to be so."""
        if self.newest is None:
            return ""
        period = self.newest.month.period
        return f"{period.label}（到{self.until}）" if period == self.months[-1] else period.label

    @property
    def sentences(self) -> list[str]:
        """What the newest month says beside the year before it."""
        row = self.newest
        if row is None:
            return []
        figures = [("沒有把握的信", row.abstention), ("被更正的建議", row.correction),
                   ("沒看過的詞", row.unknown), ("主題組成的差異", row.mix_verdict)]  # fmt: skip
        return [f"{name}：{verdict.value}" for name, verdict in figures]

    @property
    def unusual(self) -> bool:
        row = self.newest
        verdicts = [row.abstention, row.correction, row.unknown, row.mix_verdict] if row else []
        return Verdict.HIGH in verdicts

    @cached_property
    def drift_table(self) -> Table:
        rows = [_drift_row(row) for row in reversed(self.drift) if row.month.letters]
        return {"headers": DRIFT_HEADERS, "rows": rows}

    @cached_property
    def drawings(self) -> list[Markup]:
        """The chart for a wide page and for a phone."""
        points = [
            Point(name, str(row.month.period), Share(100 * part / n, n, Care.PLAIN))
            for name, of in SERIES.items()
            for row in self.drift
            for part, n in [of(row)]
            if n
        ]
        specs = [line_chart(points, self.months, width=width) for width in (WIDE_CHART, PHONE_CHART)]
        for spec in specs:
            spec["encoding"]["y"]["axis"] |= {"title": "比率（%）"}
        return charts.render_all(specs, label=f"各月的比率，{self.span}，數字見下方數據表")


def _accuracy_row(name: str, found: TopicAccuracy) -> dict[str, Any]:
    scores = (found.every, found.sure, found.random, found.random_sure)
    return {"label": name, "cells": [*(_score(item) for item in scores), _days(found)]}


def _score(score: Score) -> Markup | str:
    """The share, right of n, the interval, and whether n is small."""
    if score.share is None or score.interval is None:
        return "沒有信"
    low, high = (f"{100 * end:.1f}" for end in score.interval)
    few = ["樣本少"] if score.few else []
    return _pieces(f"{100 * score.share:.1f}%", f"{score.right:,}／{score.n:,} 封", f"{low}–{high}%", *few)


def _days(found: TopicAccuracy) -> Markup | str:
    if found.first is None or found.last is None:
        return "—"
    return _pieces(f"{roc_date(found.first)}至", roc_date(found.last))


def _drift_row(row: Judged) -> dict[str, Any]:
    shares = [_share(*of(row)) for of in SERIES.values()]
    verdicts = (row.abstention, row.correction, row.unknown)
    cells = [_pieces(*texts, verdict.value) for texts, verdict in zip(shares, verdicts, strict=True)]
    return {"label": row.month.period.label, "cells": [f"{row.month.letters:,}", *cells, _mix(row)]}


def _share(part: float, n: int) -> tuple[str, ...]:
    return (f"{100 * part / n:.1f}%", f"n＝{n:,}") if n else ("沒有信",)


def _mix(row: Judged) -> Markup | str:
    if row.mix is None:
        return row.mix_verdict.value
    n = sum(row.month.topics.values())
    chance = f"巧合值 {row.mix.by_chance:.3f}"
    return _pieces(f"{row.mix.value:.3f}", f"n＝{n:,}", chance, row.mix_verdict.value)


def _pieces(*texts: str) -> Markup:
    """Texts that a narrow cell breaks between, never inside."""
    whole = Markup(" ").join(Markup('<span class="text-nowrap">{}</span>').format(text) for text in texts)
    return Markup("<span>{}</span>").format(whole)  # one box: on a phone a cell is a grid
