"""A unit's month as data: what came in, what went out, what people said, what is still open.

Everything is counted as of the end of the month, or as of now while it lasts, so that a summary
written late says what one written on time would have said. Restricted letters are left out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from typing import Any

from analytics.issue_queries import shares_of
from analytics.models import Improvement
from analytics.queries import (
    channel_counts,
    improvements_of,
    letter_counts,
    letters_late,
    letters_open,
    letters_received,
    rating_counts,
    topic_counts,
)
from analytics.trends import total
from analytics.typical import WordCounts, count_words, keywords, new_words, typical_sentences
from portal.clock import Period, last_day
from portal.masking import mask
from portal.profile import Profile
from portal.units import Unit
from surveys.figures import ScaleFigures, figures_of
from surveys.queries import comments_between, counts_between, responses_between
from surveys.standard import OVERALL

SENTENCES = 6
ROWS_SHOWN = 200
WORDS, WORD_LETTERS = 12, 2
"""Key words told at most, and the letters that must share one."""

MONTHS_BEFORE = 12

Figures = dict[str, Any]


def summarise(unit: Unit, period: Period, now: datetime, *, profile: Profile) -> Figures:
    """The figures of one unit and month."""
    as_of = min(now, period.end)
    counts = letter_counts(unit.id, period, as_of)
    letters = letters_received(unit.id, period)
    return {
        "as_of": as_of.isoformat(),
        "complete": now >= period.end,
        "letters": asdict(counts),
        "channels": _channels(unit.id, period, profile),
        "topics": _topics(unit.id, period, profile),
        "ratings": _satisfaction(figures_of(rating_counts(period, unit.id))),
        "survey": _survey(unit, period),
        "issues": [asdict(share) for share in shares_of(unit.id, period)],
        "words": _words(unit.id, period, letters),
        "sentences": _typical([(case_id, f"{subject}\n{body}") for case_id, subject, body in letters]),
        "comments": _comments(unit, period),
        "open": _open(unit.id, as_of),
        "late": _late(unit.id, period),
        "improvements": _improvements(unit.id, period),
    }


def tells_something(figures: Figures) -> bool:
    """Whether anything at all happened in the month or is waiting at its end."""
    done = any(item["done_on"] for item in figures["improvements"])
    heard = figures["ratings"]["n"] or figures["survey"]["responses"]
    return bool(done or heard or any(figures["letters"].values()))


def _topics(unit_id: int, period: Period, profile: Profile) -> list[Figures]:
    """Topics of the letters received, most frequent first, beside the month before."""
    now, before = topic_counts(unit_id, period), topic_counts(unit_id, period.previous())
    rows = [
        {
            "code": code,
            "name": profile.topic_name(code),
            "count": now.get(code, 0),
            "before": before.get(code, 0),
            "change": now.get(code, 0) - before.get(code, 0),
        }
        for code in now.keys() | before.keys()
    ]
    return sorted(rows, key=lambda row: (-row["count"], -row["before"], row["name"]))


def _channels(unit_id: int, period: Period, profile: Profile) -> list[Figures]:
    """The letters received by the channel they came by, in the profile's order; they add up to all."""
    counts = channel_counts(period, unit_id)
    order = [channel.code for channel in profile.channels]
    codes = sorted(counts, key=lambda code: (order.index(code) if code in order else len(order), code))
    return [{"code": code, "name": profile.channel_name(code), "count": counts[code]} for code in codes]


def _survey(unit: Unit, period: Period) -> Figures:
    """The unit's answers to the standard survey: how many, and its overall score."""
    overall = total(counts_between(period, period, code=OVERALL, unit_id=unit.id))
    responses = responses_between(period, period, unit_id=unit.id)
    return _satisfaction(figures_of(overall)) | {"responses": responses}


def _satisfaction(figures: ScaleFigures) -> Figures:
    return {
        "n": figures.n,
        "satisfied": figures.satisfied,
        "dissatisfied": figures.dissatisfied,
        "mean": figures.mean,
    }


def _words(unit_id: int, period: Period, letters: list[tuple[int, str, str]]) -> Figures:
    """Key words of the month and its new words against the year before; `letters` are those read for them."""
    texts = [f"{subject}\n{body}" for _, subject, body in letters]
    before = WordCounts(Counter(), 0)
    for back in range(1, MONTHS_BEFORE + 1):
        before += _month_words(unit_id, period.shift(-back))
    return {
        "letters": [case_id for case_id, *_ in letters],
        "letters_before": before.letters,
        "key": [asdict(word) for word in keywords(texts, limit=WORDS) if word.letters >= WORD_LETTERS],
        "new": [asdict(word) for word in new_words(texts, before, limit=WORDS)],
    }


def _month_words(unit_id: int, period: Period) -> WordCounts:
    """The words of one month, counted once for all the months that are compared with it."""
    rows = letters_received(unit_id, period)
    return _counted(tuple(f"{subject}\n{body}" for _, subject, body in rows))


@lru_cache(maxsize=2 * MONTHS_BEFORE)
def _counted(texts: tuple[str, ...]) -> WordCounts:
    return count_words(texts)


def _typical(texts: list[tuple[int, str]]) -> list[Figures]:
    return [
        {"case_id": item.case_id, "text": item.sentence} for item in typical_sentences(texts, limit=SENTENCES)
    ]


def _comments(unit: Unit, period: Period) -> list[str]:
    """What the survey's respondents wrote about the unit; of many, the most typical."""
    texts = list(enumerate(comments_between(unit.id, period)))
    return [item.sentence for item in typical_sentences(texts, limit=SENTENCES)]


def _open(unit_id: int, as_of: datetime) -> list[Figures]:
    return [
        {
            "case_id": case.id,
            "number": case.number,
            "subject": mask(case.subject),
            "due": last_day(case.due_at).isoformat(),
            "overdue": case.due_at < as_of,
        }
        for case in letters_open(unit_id, as_of, ROWS_SHOWN)
    ]


def _late(unit_id: int, period: Period) -> list[Figures]:
    return [
        {
            "case_id": case.id,
            "number": case.number,
            "subject": mask(case.subject),
            "due": last_day(case.due_at).isoformat(),
            "answered": case.answered_at.isoformat() if case.answered_at else None,
        }
        for case in letters_late(unit_id, period, ROWS_SHOWN)
    ]


def _improvements(unit_id: int, period: Period) -> list[Figures]:
    """What the unit had planned by the end of the month, or finished in it; later news is of later months."""
    return [
        {
            "id": item.id,
            "opinion": item.opinion,
            "measure": item.measure,
            "due_on": item.due_on.isoformat(),
            "done_on": done.isoformat() if done else None,
            "effect": item.effect if done else "",
        }
        for item in improvements_of(unit_id)
        if item.created_at < period.end and (item.done_on is None or _told_done(item) >= period)
        for done in [item.done_on if item.done_on and _told_done(item) == period else None]
    ]


def _told_done(item: Improvement) -> Period:
    """The month that tells of the completion: its own, or that of writing it down if that came later."""
    done = Period.of(item.done_on) if item.done_on else Period.of(item.created_at)
    return max(done, Period.of(item.created_at))
