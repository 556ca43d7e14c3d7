"""Invented survey answers for the demonstration, drawn from the levels its story gives."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from portal.profile import Choice, Profile
from surveys.services import submit
from surveys.standard import BEST, IMPROVE

DAYS = 365
COMMENT_SHARE = 0.28
NO_OPINION_SHARE = 0.04
COUNTER_ONLY = "F"
QUESTIONS = {"best": BEST, "worst": IMPROVE}
MOOD = {"pos": 0.4, "neg": -0.9, "mixed": -0.2, "none": 0.0}


def fill_surveys(
    plot: dict[str, Any],
    comments: list[dict[str, Any]],
    rng: random.Random,
    *,
    profile: Profile,
    now: datetime,
) -> int:
    """Answers over the past year; return how many."""
    lines = {line.name: line.code for line in profile.satisfaction.service_lines}
    by_line: dict[str, list[dict[str, Any]]] = {}
    for comment in comments:
        by_line.setdefault(lines[comment["service_line"]], []).append(comment)
    for _ in range(plot["responses"]):
        days_ago = rng.randrange(DAYS)
        values = _answers(plot, days_ago, by_line, rng, profile)
        moment = now - timedelta(days=days_ago)
        submit(profile.satisfaction.slug, values, source="demo", profile=profile, now=moment)
    return int(plot["responses"])


def _answers(
    plot: dict[str, Any],
    days_ago: int,
    by_line: dict[str, list[dict[str, Any]]],
    rng: random.Random,
    profile: Profile,
) -> dict[str, Any]:
    line = _draw(plot["lines"], rng)
    comment = rng.choice(by_line[line]) if line in by_line and rng.random() < COMMENT_SHARE else None
    values: dict[str, Any] = {
        "service_line": line,
        "unit": _draw(plot["units"][line], rng),
        "channel": _mostly_first(profile.satisfaction.channels, rng),
        "identity": _mostly_first(profile.satisfaction.identities, rng),
        "first_time": rng.choice(["first", "often"]),
    }
    person = rng.gauss(0, 0.55) + (MOOD[comment["mood"]] if comment else 0)
    for code, level in plot["levels"].items():
        values[code] = _score(code, level + person + _shift(plot, code, values, days_ago), values, rng)
    if comment:
        values[QUESTIONS[comment["kind"]]] = comment["text"]
    return values


def _draw(weights: dict[str, float], rng: random.Random) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]


def _mostly_first(choices: tuple[Choice, ...], rng: random.Random) -> str:
    """Lists are written with the commonest case first."""
    return rng.choices([item.code for item in choices], [1 / (place + 1) for place in range(len(choices))])[0]


def _shift(plot: dict[str, Any], code: str, values: dict[str, Any], days_ago: int) -> float:
    """The step that an improvement made in what people think."""
    steps: list[float] = [
        shift["after"] if days_ago < shift["days_ago"] else shift["before"]
        for shift in plot["shifts"]
        if (shift["line"], shift["unit"]) == (values["service_line"], values["unit"])
        and code in shift["codes"]
    ]
    return sum(steps)


def _score(code: str, level: float, values: dict[str, Any], rng: random.Random) -> int | None:
    if rng.random() < NO_OPINION_SHARE or (code == COUNTER_ONLY and values["channel"] != "counter"):
        return None
    return max(1, min(5, round(rng.gauss(level, 0.6))))
