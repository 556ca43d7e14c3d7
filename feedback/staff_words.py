"""What staff read about a letter: days left, the machine's guess, masked contact data, what happened."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from feedback.models import Case, Contact, Suggestion
from feedback.states import Status
from portal.clock import last_day, local_date, roc_date
from portal.masking import mask
from portal.profile import Profile

SOON_DAYS = 3
SURE, FAIRLY_SURE = 0.9, 0.7
SAME, ALIKE = 0.9, 0.6
EXCERPT, LOOKED_AT, UNSAFE_END = 200, 1_000, 40
RATING_WORDS = {1: "很不滿意", 2: "不滿意", 3: "普通", 4: "滿意", 5: "很滿意"}


@dataclass(frozen=True)
class Due:
    """A deadline in words; `tone` is one of the design system's."""

    text: str
    tone: str
    day: str


def due(case: Case, now: datetime) -> Due:
    """How a letter stands to its deadline: days left, days late, or when it was answered."""
    final = last_day(case.due_at)
    if case.settled_at is not None and case.answered_at is None:
        return Due(case.status.label, "neutral", roc_date(case.settled_at))
    if case.settled_at is not None and case.answered_at is not None:
        answered = roc_date(case.answered_at)
        return Due("逾期答復", "warning", answered) if late(case) else Due("已答復", "success", answered)
    if case.status is Status.AWAITING_CITIZEN:
        return Due("期限暫停", "neutral", roc_date(final))
    left = (final - local_date(now)).days
    day = roc_date(final)
    if now > case.due_at:
        return Due(f"逾期 {-left} 天" if left < 0 else "今天逾期", "danger", day)
    if left <= SOON_DAYS:
        return Due(f"剩 {left} 天" if left else "今天到期", "warning", day)
    return Due(f"剩 {left} 天", "neutral", day)


def late(case: Case) -> bool:
    """Whether the answer came after the deadline."""
    return bool(case.answered_late)


def confidence(suggestion: Suggestion) -> str:
    """The probability in words."""
    if suggestion.abstained:
        return "系統不確定"
    if suggestion.probability >= SURE:
        return "很有把握"
    return "有把握" if suggestion.probability >= FAIRLY_SURE else "把握不大"


def percent(share: float) -> str:
    """A probability as people write it. A guess is never shown as certain or as impossible."""
    return f"{min(max(round(share * 100), 1), 99)}%"


def candidates(suggestion: Suggestion, profile: Profile) -> list[tuple[str, str, str]]:
    """(code, name, percent) of the first three topics."""
    return [
        (item["topic"], profile.topic_name(item["topic"]), percent(item["probability"]))
        for item in suggestion.candidates[:3]
    ]


def maybe_urgent(case: Case) -> bool:
    """Whether only the model takes a waiting letter for urgent, so that a person should look at once."""
    guess = case.suggestion
    return guess is not None and guess.alarm and not case.urgent and case.status.is_open


def danger(case: Case) -> str:
    """What an urgent letter's badge says: the words that made it urgent, as far as they are known."""
    return f"緊急：{'、'.join(case.urgent_words)}" if case.urgent_words else "緊急"


def likeness(value: float) -> str:
    """How alike two letters are, in words."""
    if value >= SAME:
        return "幾乎相同"
    return "很像" if value >= ALIKE else "有點像"


def excerpt(text: str) -> str:
    """The first words of a letter, masked; what is cut off is shown as an ellipsis."""
    shown = mask(text[:LOOKED_AT])
    if len(shown) <= EXCERPT and len(text) <= LOOKED_AT:
        return shown
    # A mask is shown whole or not at all. Where much was masked, the end of what was looked at is left
    # out: a number cut in two there would not have been recognised.
    short = shown[: min(EXCERPT, len(shown) - UNSAFE_END)]
    opened = short.rfind("〔")
    return f"{short[:opened] if opened > short.rfind('〕') else short}…"


Pieces = list[tuple[str, bool]]


def pieces(text: str, spans: Iterable[tuple[int, int]]) -> Pieces:
    """A text in pieces (words, marked?), none empty, which joined give the text back.

    `spans` are [start, end); they may overlap, come in any order and reach beyond the text.
    """
    found: Pieces = []
    at = 0
    for start, end in sorted(spans):
        first, last = max(start, at), min(end, len(text))
        if first < last:
            found += [(text[at:first], False), (text[first:last], True)]
            at = last
    found.append((text[at:], False))
    return [(words, marked) for words, marked in found if words]


def marked(case: Case) -> tuple[Pieces, Pieces]:
    """Subject and body in pieces, with the words marked that spoke for the suggested topic.

    The suggestion counts from the start of the subject, which stands on a line of its own.
    """
    spans = [(start, end) for start, end in case.suggestion.marks] if case.suggestion else []
    shift = len(case.subject) + 1 if case.subject else 0
    in_body = [(start - shift, end - shift) for start, end in spans]
    return pieces(case.subject, spans), pieces(case.body, in_body)


def masked(contact: Contact) -> dict[str, str]:
    """Contact data as it is shown to somebody who has not asked for it."""
    return {
        "name": mask_name(contact.name),
        "phone": mask_phone(contact.phone),
        "email": mask_email(contact.email),
    }


def mask_name(name: str) -> str:
    """王小明 → 王○明, 王明 → 王○; other names keep their first letter only."""
    if not name:
        return ""
    if not re.fullmatch(r"[\u3400-\u9fff]+", name):
        return f"{name[0]}***"
    return f"{name[0]}{'○' * (len(name) - 2)}{name[-1]}" if len(name) > 2 else f"{name[0]}○"


def mask_phone(phone: str) -> str:
    """0912-345-678 → 09xx-xxx-678."""
    digits = sum(char.isdigit() for char in phone)
    kept = {0, 1, digits - 3, digits - 2, digits - 1} if digits >= 8 else set()
    position, out = -1, []
    for char in phone:
        position += char.isdigit()
        out.append("x" if char.isdigit() and position not in kept else char)
    return "".join(out)


def mask_email(email: str) -> str:
    """Only the first letter and the domain."""
    name, _, domain = email.rpartition("@")
    return f"{name[:1]}***@{domain}" if name else ""
