"""What the results page shows: figures in words, with care where few people answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from portal.profile import Profile
from portal.units import Unit
from surveys.figures import SCORES, Care, ScaleFigures, care_for, figures_of
from surveys.queries import Counts, Results
from surveys.standard import DIMENSIONS, OVERALL

NOTHING = "—"
UNSAID = "未填"

Key = TypeVar("Key", str, int)


@dataclass(frozen=True)
class Row:
    """One line of figures. A hidden row shows its n and nothing else."""

    name: str
    figures: ScaleFigures
    care: Care

    @property
    def shown(self) -> bool:
        return self.care in {Care.PLAIN, Care.FLAGGED}

    @property
    def satisfied(self) -> str:
        return self._percent(self.figures.satisfied)

    @property
    def dissatisfied(self) -> str:
        return self._percent(self.figures.dissatisfied)

    @property
    def mean(self) -> str:
        return f"{self.figures.mean:.2f}" if self.shown and self.figures.mean is not None else NOTHING

    @property
    def counts(self) -> list[str]:
        """Answers from 非常滿意 to 非常不滿意."""
        return [f"{count:,}" if self.shown else NOTHING for count in self.figures.counts.values()]

    def _percent(self, value: float | None) -> str:
        return f"{value:.1f}%" if self.shown and value is not None else NOTHING


class ResultsPage:
    """Counted answers ready to be shown. `units` are those to be compared; none leaves that table out."""

    def __init__(self, results: Results, profile: Profile, units: list[Unit]) -> None:
        self.responses = results.responses
        self._profile = profile
        self.dimensions = [
            self._row(f"{code} {name}", results.dimensions.get(code, {})) for code, name in DIMENSIONS.items()
        ]
        self.overall = self._row(DIMENSIONS[OVERALL], results.dimensions.get(OVERALL, {}))
        lines = {line.code: line.name for line in profile.satisfaction.service_lines}
        self.lines = self._groups(lines, results.lines)
        self.units = self._groups({unit.id: unit.name for unit in units}, results.units) if units else []

    def _groups(self, names: Mapping[Key, str], counts: Mapping[Key | None, Counts]) -> list[Row]:
        """A row for each name that has answers, and one for answers that name none of them."""
        rows = [self._row(name, counts[key]) for key, name in names.items() if key in counts]
        others = [found for key, found in counts.items() if key not in names]
        if others:
            merged = {score: sum(found.get(score, 0) for found in others) for score in SCORES}
            rows.append(self._row(UNSAID, merged))
        return rows

    def _row(self, name: str, counts: Counts) -> Row:
        figures, spec = figures_of(counts), self._profile.satisfaction
        return Row(name, figures, care_for(figures.n, hide_below=spec.hide_below, flag_below=spec.flag_below))
