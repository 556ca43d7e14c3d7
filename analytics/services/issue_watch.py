"""The job that watches for hot issues: groups letters as they come and judges each group's last seven days.

The grouping lives in the job process and is made again from the letters of half a year when that starts;
what people see is in the database (`analytics.services.issue_records`). Letters that are restricted, or
that may turn out to be because nobody has read them yet, are never taken in; of one that becomes restricted
nothing is left in what people see. There is no cheap sign of work to do: a burst also ends by itself.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from hashlib import blake2b
from threading import Lock

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager

from analytics.corpus import join, read_corpus
from analytics.issue_queries import sender
from analytics.issues.bursts import YEAR_WEEKS, YEARS, Burst, judge, weekly_counts
from analytics.issues.detect import LEARNED, LEAST, issue_of
from analytics.issues.stream import IssueStream, Member
from analytics.resources import Resources
from analytics.services import issue_records
from analytics.services.issue_records import Found
from analytics.services.neighbours import forget_restricted
from feedback.models import Case, CaseNeighbour
from feedback.services.neighbours import MOST, record_neighbours
from portal.clock import local_date, start_of
from portal.db import db, transaction
from portal.profile import Profile

DAYS, CAPACITY = 180, 20_000
"""Letters of so many days are compared, at most so many: about 90 MB in the job process."""

DENSE_DAYS = 30
"""A group is an issue from `LEAST` letters within so many days."""

ALIKE = 0.2
"""Cosine from which an earlier letter is worth showing beside a new one."""

BATCH = 200
LONGEST_WEEKS = YEARS * YEAR_WEEKS + 4
"""Weeks of a topic that are looked at: the same season in earlier years."""

ASKED = 4 * MOST
"""Neighbours asked for: some may have become restricted."""

Window = Mapping[int, datetime]
"""The letters that may be looked at, by id, and when each came."""

_lock = Lock()
_watching: dict[str, _Watch] = {}


def watch_letters(*, profile: Profile, resources: Resources, site_url: str, now: datetime) -> int:
    """Take in the letters that came since, and bring the issues up to date; return how many came.

    Does nothing while another thread of this process is at it.
    """
    if not _lock.acquire(blocking=False):
        return 0
    try:
        resources.prepare_text()
        watch = _watching.pop("letters", None) or _Watch(resources)  # one that fails is made anew
        taken = watch.run(profile=profile, site_url=site_url, now=now)
        _watching["letters"] = watch
        return taken
    finally:
        _lock.release()


class _Watch:
    """The letters in memory: their grouping, which they are, and what was last written of each group."""

    def __init__(self, resources: Resources) -> None:
        self.stream = IssueStream(capacity=CAPACITY, days=DAYS)
        # A small bureau's own letters cannot tell what is a common word there: the words of twenty letters
        # about one product would look common among two hundred.
        self.stream.learn(_usual_letters(resources))
        self.known: set[int] = set()
        self.written: dict[int, tuple[date, tuple[int, ...]]] = {}
        self.last_day = date.min
        self.salt = secrets.token_bytes(32)  # marks of senders mean nothing outside of this process

    def run(self, *, profile: Profile, site_url: str, now: datetime) -> int:
        window = _window(now)
        started = not self.known
        forget_restricted(None if started else self.known - window.keys())
        taken = self._take_in(window, started)
        today = local_date(now)
        groups = dict(self._groups(window))
        due = {number: ids for number, ids in groups.items() if self.written.get(number) != (today, ids)}
        found = [self._found(number, ids, window, today) for number, ids in due.items()]
        issue_records.write(found, profile=profile, site_url=site_url, now=now)
        self.written = {number: (today, ids) for number, ids in groups.items()}
        return taken

    def _take_in(self, window: Window, started: bool) -> int:
        new = sorted(window.keys() - self.known, key=lambda case_id: (window[case_id], case_id))
        # After a start most letters have been looked at before; what is still to be answered is made good.
        ask = _without_neighbours(window) if started else set(new)
        for start in range(0, len(new), BATCH):
            batch = _letters(new[start : start + BATCH])
            near = [(letter.id, self._add(letter, window, letter.id in ask)) for letter in batch]
            with transaction():
                for case_id, alike in near:
                    if alike:
                        record_neighbours(case_id, alike, now=window[case_id])
        self.known = set(window)
        return len(new)

    def _add(self, letter: _Letter, window: Window, ask: bool) -> list[tuple[int, float]]:
        """Group one letter; the earlier letters most like it, if they are wanted."""
        near = self.stream.similar(letter.text, ASKED) if ask else []
        # The stream wants letters in the order of their days; one that was imported late counts as new there.
        self.last_day = max(self.last_day, local_date(window[letter.id]))
        mark = letter.sender and blake2b(repr(letter.sender).encode(), key=self.salt).hexdigest()
        self.stream.add(letter.id, self.last_day, letter.text, mark, letter.topic)
        earlier = ((int(one.key), min(one.cosine, 1.0)) for one in near if one.cosine >= ALIKE)
        return [pair for pair in earlier if pair[0] in window and window[pair[0]] <= window[letter.id]][:MOST]

    def _groups(self, window: Window) -> Iterator[tuple[int, tuple[int, ...]]]:
        """The groups that are issues: number and letters, earliest first."""
        for number, members in self.stream.groups(least=LEAST):
            ids = {int(member.key) for member in members} & window.keys()
            ordered = tuple(sorted(ids, key=lambda case_id: (window[case_id], case_id)))
            if _is_dense([window[case_id] for case_id in ordered]):
                yield number, ordered

    def _found(self, number: int, ids: tuple[int, ...], window: Window, today: date) -> Found:
        letters = {letter.id: letter for letter in _letters(ids)}
        known = {int(member.key): member for member in self.stream.members(number)}
        members = [
            replace(known[case_id], day=local_date(window[case_id]), topic=letters[case_id].topic)
            for case_id in ids
        ]
        issue = issue_of(
            members, {letter.id: letter.text for letter in letters.values()}, self.stream.information
        )
        weeks = (today - local_date(min(window.values()))).days // 7
        own = _own_week(members, today, weeks)
        return Found(
            letters=ids, topic=issue.topic, label=issue.label, posts=issue.posts,
            people=min(issue.people, issue.posts), mass_posting=issue.mass_posting,
            first_at=window[ids[0]], last_at=window[ids[-1]], week=own.count,
            burst=own.alarm or _topic_bursts(issue.topic, own, today),
            expected=own.expected, chance=own.probability,
        )  # fmt: skip


@dataclass(frozen=True)
class _Letter:
    id: int
    text: str
    topic: str | None
    sender: tuple[str, str] | None


def _usual_letters(resources: Resources) -> list[str]:
    """The agency's starter corpus as texts; empty where it has none."""
    if resources.corpus is None:
        return []
    topics = {path.stem for path in resources.corpus.glob("*.jsonl")}
    texts = [letter.full_text for letter in read_corpus(resources.corpus, topics)]
    return texts[:: max(1, -(-len(texts) // LEARNED))]


def _window(now: datetime) -> dict[int, datetime]:
    """The letters that may be looked at: of the last `DAYS` days, read already, and not restricted."""
    rows = db.session.execute(
        sa.select(Case.id, Case.received_at)
        .where(
            Case.received_at > now - timedelta(days=DAYS),
            Case.received_at <= now,
            Case.restricted.is_(sa.false()),
            sa.or_(Case.classified_at.is_not(None), Case.topic.is_not(None)),
        )
        .order_by(Case.received_at.desc(), Case.id.desc())
        .limit(CAPACITY)
    )
    return dict(rows.all())


def _letters(ids: Sequence[int]) -> list[_Letter]:
    """These letters in this order, read in batches and kept no longer than needed."""
    found: dict[int, _Letter] = {}
    for start in range(0, len(ids), BATCH):
        rows = db.session.scalars(
            sa.select(Case)
            .outerjoin(Case.contact)
            .options(contains_eager(Case.contact))
            .where(Case.id.in_(ids[start : start + BATCH]))
        )
        for case in rows:
            found[case.id] = _Letter(case.id, join(case.subject, case.body), case.likely_topic, sender(case))
    return [found[case_id] for case_id in ids]


def _without_neighbours(window: Window) -> set[int]:
    has = sa.exists().where(CaseNeighbour.case_id == Case.id)
    earliest = min(window.values(), default=None)
    if earliest is None:
        return set()
    waiting = sa.select(Case.id).where(Case.settled_at.is_(None), Case.received_at >= earliest, ~has)
    return set(db.session.scalars(waiting))


def _is_dense(moments: Sequence[datetime]) -> bool:
    """Whether `LEAST` of these moments, in order, lie within `DENSE_DAYS`."""
    span = timedelta(days=DENSE_DAYS)
    return any(last - first <= span for first, last in zip(moments, moments[LEAST - 1 :], strict=False))


def _own_week(members: Iterable[Member], today: date, weeks: int) -> Burst:
    """The group's last seven days against its weeks before; who writes twice in a week counts once."""
    voices = {
        ((today - member.day).days // 7, member.person or member.copy_of): member.day for member in members
    }
    history, count = weekly_counts(voices.values(), today, weeks=weeks)
    return judge(history, count)


def _topic_bursts(topic: str | None, own: Burst, today: date) -> bool:
    """Whether the whole topic bursts, against years of its own, and the group is at least half of that."""
    if topic is None or own.count < LEAST:
        return False
    since = start_of(today - timedelta(weeks=LONGEST_WEEKS))
    came = sa.select(Case.received_at).where(Case.received_at >= since, Case.restricted.is_(sa.false()))
    first = db.session.scalar(came.order_by(Case.received_at).limit(1))
    days = map(local_date, db.session.scalars(came.where(Case.likely_topic == topic)))
    history, count = weekly_counts(days, today, weeks=(today - local_date(first)).days // 7 if first else 0)
    return judge(history, count).alarm and 2 * own.count >= count
