"""What may be read of hot issues: to each reader only the letters they may open, and counts of these.

An issue with a letter that became restricted is shown to nobody until the watching job has written it
anew: its name may hold that letter's words.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager, defer, joinedload

from analytics.models import HotIssue, HotIssueLetter
from feedback.models import Case
from feedback.queries import visibility
from portal.access import Actor, Permission
from portal.clock import Period
from portal.db import db

RECENT = timedelta(days=60)
"""An issue whose last letter is older has gone quiet and is not listed."""

WEEK = timedelta(days=7)
LISTED = 100

_NO_WORD = re.compile(r"\W+")


@dataclass(frozen=True)
class Seen:
    """An issue as one reader sees it: `letters`, newest first, are those they may open.

    `posts`, `people`, `first`, `last` and `week` (letters of the last seven days) count these only.
    `whole` says that these are all; only then is the usual number of a week theirs to know.
    """

    issue: HotIssue
    letters: list[Case]
    people: int
    week: int
    whole: bool

    @property
    def posts(self) -> int:
        return len(self.letters)

    @property
    def first(self) -> datetime:
        return self.letters[-1].received_at

    @property
    def last(self) -> datetime:
        return self.letters[0].received_at

    @property
    def expected(self) -> float | None:
        return self.issue.expected if self.whole else None


def open_issues(actor: Actor, now: datetime) -> list[Seen]:
    """Issues that nobody has dealt with: bursts first, then the one with the newest letter."""
    waiting = (HotIssue.dismissed_at.is_(None), HotIssue.improvement_id.is_(None))
    return _listed(actor, sa.and_(*waiting), now)


def settled_issues(actor: Actor, now: datetime) -> list[Seen]:
    """Issues of the same time that a person dismissed or made an improvement of."""
    done = sa.or_(HotIssue.dismissed_at.is_not(None), HotIssue.improvement_id.is_not(None))
    return _listed(actor, done, now)


def seen_issue(actor: Actor, issue_id: int, now: datetime) -> Seen | None:
    """One issue, if the person may read any of its letters."""
    issue = db.session.scalar(issues_for(actor).where(HotIssue.id == issue_id))
    return next(iter(_seen(actor, [issue], now)), None) if issue is not None else None


def issues_for(actor: Actor) -> sa.Select[HotIssue]:
    """The issues of which a person may read a letter."""
    return sa.select(HotIssue).where(
        _has_letter(visibility(actor)), ~_has_letter(Case.restricted.is_(sa.true()))
    )


def owner_of(issue_id: int) -> int | None:
    """The unit that owns most of an issue's letters."""
    owners = db.session.scalars(
        sa.select(Case.unit_id)
        .join(HotIssueLetter, HotIssueLetter.case_id == Case.id)
        .where(HotIssueLetter.issue_id == issue_id)
    )
    counts = Counter(owners)
    return min(counts, key=lambda unit: (-counts[unit], unit), default=None)


def may_settle(actor: Actor, issue_id: int) -> bool:
    """Whether a person may say what becomes of an issue: the owning unit's head, or who sees all units."""
    return actor.may(Permission.IMPROVE) and (actor.sees_all_units or owner_of(issue_id) == actor.unit_id)


def labels_for(actor: Actor, issue_ids: Collection[int]) -> dict[int, str]:
    """The names of those of these issues that the person may read and nobody dismissed."""
    wanted = issues_for(actor).where(HotIssue.id.in_(issue_ids), HotIssue.dismissed_at.is_(None))
    return {issue.id: issue.label for issue in db.session.scalars(wanted)}


@dataclass(frozen=True)
class Share:
    """A unit's part in an issue in one month."""

    issue_id: int
    posts: int
    people: int


def shares_of(unit_id: int, period: Period) -> list[Share]:
    """The issues to which a unit's letters of a month belong, most letters first."""
    rows = db.session.execute(
        sa.select(HotIssueLetter.issue_id, Case)
        .join(Case, Case.id == HotIssueLetter.case_id)
        .join(HotIssue, HotIssue.id == HotIssueLetter.issue_id)
        .outerjoin(Case.contact)
        .options(contains_eager(Case.contact), defer(Case.body))
        .where(
            Case.unit_id == unit_id, Case.restricted.is_(sa.false()), HotIssue.dismissed_at.is_(None),
            Case.received_at >= period.start, Case.received_at < period.end,
        )
    )  # fmt: skip
    found: dict[int, list[Case]] = defaultdict(list)
    for issue_id, case in rows:
        found[issue_id].append(case)
    shares = [Share(issue_id, len(cases), people_of(cases)) for issue_id, cases in found.items()]
    return sorted(shares, key=lambda share: (-share.posts, share.issue_id))


def people_of(cases: Collection[Case]) -> int:
    """How many wrote these letters: known senders, and every text without one once.

    Texts are told apart by their subjects here; nobody further counts for an unsigned letter whose subject
    a known sender used too. Contacts must have been loaded.
    """
    marks = [(sender(case), _NO_WORD.sub("", case.subject)) for case in cases]
    known = {mark for mark, _ in marks if mark is not None}
    signed = {subject for mark, subject in marks if mark is not None}
    return len(known) + len({subject for mark, subject in marks if mark is None} - signed)


def sender(case: Case) -> tuple[str, str] | None:
    """By what a sender is known again: e-mail, else phone, else name. To be compared, never to be kept.

    A protected writer (檢舉) is never told apart: None, as for a letter without a name. The contact must have
    been loaded.
    """
    contact = case.contact
    if contact is None or case.confidential:
        return None
    phone = "".join(filter(str.isdigit, contact.phone))
    known = (("email", contact.email.strip().lower()), ("phone", phone), ("name", contact.name.strip()))
    return next((mark for mark in known if mark[1]), None)


def _has_letter(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    letters = sa.select(HotIssueLetter.case_id).join(Case, Case.id == HotIssueLetter.case_id)
    return letters.where(HotIssueLetter.issue_id == HotIssue.id, condition).exists()


def _listed(actor: Actor, condition: sa.ColumnElement[bool], now: datetime) -> list[Seen]:
    wanted = (
        issues_for(actor)
        .where(condition, HotIssue.last_at >= now - RECENT)
        .order_by(HotIssue.burst.desc(), HotIssue.last_at.desc(), HotIssue.id.desc())
        .limit(LISTED)
    )
    return _seen(actor, list(db.session.scalars(wanted)), now)


def _seen(actor: Actor, issues: Collection[HotIssue], now: datetime) -> list[Seen]:
    ids = [issue.id for issue in issues]
    rows = db.session.execute(
        sa.select(HotIssueLetter.issue_id, Case)
        .join(Case, Case.id == HotIssueLetter.case_id)
        .outerjoin(Case.contact)
        .options(contains_eager(Case.contact), joinedload(Case.unit), defer(Case.body))
        .where(HotIssueLetter.issue_id.in_(ids), visibility(actor))
        .order_by(Case.received_at.desc(), Case.id.desc())
    )
    letters: dict[int, list[Case]] = defaultdict(list)
    for issue_id, case in rows:
        letters[issue_id].append(case)
    sizes = sa.select(HotIssueLetter.issue_id, sa.func.count()).where(HotIssueLetter.issue_id.in_(ids))
    all_of = dict(db.session.execute(sizes.group_by(HotIssueLetter.issue_id)).all())
    return [
        _as_seen(issue, letters[issue.id], len(letters[issue.id]) == all_of[issue.id], now)
        for issue in issues
        if letters[issue.id]
    ]


def _as_seen(issue: HotIssue, letters: list[Case], whole: bool, now: datetime) -> Seen:
    week = sum(case.received_at > now - WEEK for case in letters)
    return Seen(issue, letters, issue.people if whole else people_of(letters), week, whole)
