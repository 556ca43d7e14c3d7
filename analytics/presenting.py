"""Stored figures as a page shows them: words, links to the rows behind, care with small n."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from flask import url_for

from analytics.models import UnitSummary
from portal.clock import Period, roc_date
from portal.profile import Profile
from surveys.figures import Care, care_for

MONTHS = 13


def past_year(now: datetime) -> list[Period]:
    """This month and the twelve before it, newest first."""
    current = Period.of(now)
    return [current.shift(-back) for back in range(MONTHS)]


def newest_of_each(summaries: Iterable[UnitSummary]) -> list[UnitSummary]:
    """The latest version of each unit and month, in the order given (versions newest first)."""
    found: dict[tuple[int, str], UnitSummary] = {}
    for summary in summaries:
        found.setdefault((summary.unit_id, summary.period), summary)
    return list(found.values())


@dataclass(frozen=True)
class Share:
    """A percentage with its n, and how carefully it must be shown."""

    value: float | None
    n: int
    care: Care

    @property
    def shown(self) -> bool:
        return self.care in {Care.PLAIN, Care.FLAGGED}

    @property
    def text(self) -> str:
        return f"{self.value:.1f}%" if self.shown and self.value is not None else self.care.value

    @property
    def note(self) -> str:
        return self.care.value if self.care is Care.FLAGGED else ""


def share(value: float | None, n: int, profile: Profile) -> Share:
    spec = profile.satisfaction
    return Share(value, n, care_for(n, hide_below=spec.hide_below, flag_below=spec.flag_below))


def case_ids(summary: UnitSummary) -> set[int]:
    """The letters that a summary names or quotes."""
    parts = (summary.figures.get(key, []) for key in ("sentences", "open", "late"))
    return {item["case_id"] for part in parts for item in part} | word_letters(summary)


def word_letters(summary: UnitSummary) -> set[int]:
    """The letters whose words a summary lists; none in summaries written before there were such lists."""
    return set(summary.figures.get("words", {}).get("letters", []))


def issue_ids(summary: UnitSummary) -> set[int]:
    """The hot issues that a summary names."""
    return {item["issue_id"] for item in summary.figures.get("issues", [])}


class SummaryPage:
    """One stored summary, ready to be shown: every figure knows the rows it counts.

    `letters` says of each letter whether the reader may open it; one that is not in it became
    restricted after the summary was written, and its words are no longer shown. `labels` names the hot
    issues that the reader may read today; the others are left out.
    """

    def __init__(
        self,
        summary: UnitSummary,
        profile: Profile,
        letters: Mapping[int, bool],
        labels: Mapping[int, str],
    ) -> None:
        self.summary, self.profile, self.figures = summary, profile, summary.figures
        self.letters, self.labels = letters, labels

    @property
    def as_of(self) -> datetime:
        return datetime.fromisoformat(self.figures["as_of"])

    @property
    def complete(self) -> bool:
        return bool(self.figures["complete"])

    def letters_url(self, **filters: Any) -> str:
        """The inbox filtered to this unit; other units' inboxes need the unit to be named."""
        return url_for("cases.inbox", unit=self.summary.unit_id, **filters)

    def in_month_url(self, moment: str, **filters: Any) -> str:
        return self.letters_url(state="all", period=self.summary.period, moment=moment, **filters)

    def before_url(self, topic: str | None) -> str:
        """The letters of a topic that came in the month before."""
        period = str(Period.parse(self.summary.period).previous())
        return self.letters_url(state="all", period=period, moment="received", topic=topic or "none")

    def case_url(self, case_id: int) -> str:
        """Empty when the letter has gone to where the reader cannot open it."""
        return url_for("cases.show", case_id=case_id) if self.letters.get(case_id) else ""

    @property
    def sentences(self) -> list[dict[str, Any]]:
        return [item for item in self.figures["sentences"] if item["case_id"] in self.letters]

    @property
    def issues(self) -> list[dict[str, Any]]:
        """The month's hot issues with their names of today."""
        return [
            item | {"label": self.labels[item["issue_id"]]}
            for item in self.figures.get("issues", [])
            if item["issue_id"] in self.labels
        ]

    @property
    def words(self) -> dict[str, Any]:
        """Key words and new words; nothing once one of the letters behind them became restricted."""
        safe = word_letters(self.summary) <= self.letters.keys()
        return self.figures.get("words", {}) if safe else {}

    def named(self, key: str) -> list[dict[str, Any]]:
        """The letters of a list, `open` or `late`, each as a row that can be shown."""
        return [
            item
            if item["case_id"] in self.letters
            else item | {"number": "限閱", "subject": "（後來改為限閱）"}
            for item in self.figures.get(key, [])
        ]

    def day(self, value: str) -> str:
        """A stored day or moment as a ROC date."""
        moment = datetime.fromisoformat(value)
        return roc_date(moment if moment.tzinfo else moment.date())

    @cached_property
    def survey_url(self) -> str:
        return url_for(
            "survey_results.show", slug=self.profile.satisfaction.slug, unit=self.summary.unit_id,
            since=self.summary.period, until=self.summary.period,
        )  # fmt: skip

    @property
    def ratings(self) -> Share:
        return self._share("ratings")

    @property
    def survey(self) -> Share:
        return self._share("survey")

    def _share(self, key: str) -> Share:
        found = self.figures[key]
        return share(found["satisfied"], found["n"], self.profile)
