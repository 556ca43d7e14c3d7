"""The hot issues of a set of letters: grouped, folded, named and ordered."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from analytics.issues.labels import Information, label_of
from analytics.issues.stream import CAPACITY, IssueStream, Key, Member

LEAST = 3
"""Letters from which a group is an issue."""

LEARNED = 5_000
"""Letters, evenly spread, from which the words of a set are known before grouping starts."""

CENTURY = 36_525
"""Days: a set of letters is one window, however long it took to come."""

BUSY_DAYS = 7
"""Length of the busiest stretch that raises a score."""

MASS = 2
"""Posts per voice from which an issue is mass posting."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter of a set. `person` is an opaque mark, the same for the same sender."""

    key: Key
    when: datetime
    text: str
    person: str | None = None
    topic: str | None = None


@dataclass(frozen=True, slots=True)
class Issue:
    """Letters about one matter.

    `people` counts the known senders, and every text without a known sender once: near-identical letters of
    unknown people are one author-text, and nobody further when a known sender sent that text too. `texts`
    counts different texts. `voices`, the smaller of the two, is the issue folded: one person with ten texts
    is one voice, and so are ten people with one text prepared for them. Mass posting means that the average
    voice posted at least twice.
    """

    members: tuple[Key, ...]
    first: date
    last: date
    posts: int
    people: int
    texts: int
    label: str
    score: float
    mass_posting: bool
    topic: str | None

    @property
    def voices(self) -> int:
        return min(self.people, self.texts)


def detect(letters: Iterable[Letter], *, least: int = LEAST, capacity: int = CAPACITY) -> list[Issue]:
    """The issues with at least `least` letters, highest score first. Each `Letter.key` must be another.

    Letters are compared within the newest `capacity`; an issue keeps counting its letters that have left.
    """
    ordered = sorted(letters, key=lambda letter: letter.when)
    stream = IssueStream(capacity=max(1, min(capacity, len(ordered))), days=CENTURY)
    stream.learn(letter.text for letter in ordered[:: max(1, len(ordered) // LEARNED)])
    groups: dict[int, list[Member]] = {}
    for letter in ordered:
        day = letter.when.date()
        placed = stream.add(letter.key, day, letter.text, letter.person, letter.topic)
        for gone, into in placed.merged:
            groups.setdefault(into, []).extend(groups.pop(gone, []))
        member = Member(letter.key, day, placed.copy_of, letter.person, letter.topic)
        groups.setdefault(placed.group, []).append(member)
    texts = {letter.key: letter.text for letter in ordered}
    large = (sorted(group, key=lambda one: one.day) for group in groups.values() if len(group) >= least)
    found = [issue_of(group, texts, stream.information) for group in large]
    return sorted(found, key=lambda issue: (-issue.score, -issue.posts, issue.first, str(issue.members[0])))


def issue_of(members: Sequence[Member], texts: Mapping[Key, str], information: Information) -> Issue:
    """The issue that one group of letters makes. `members` are in time order; `texts` holds each one's text.

    `score`: voices plus the logarithm (base 2) of the posts folded away, up to doubled the more of the
    posts came within one week. Raises ValueError without members.
    """
    if not members:
        raise ValueError("an issue has at least one letter")
    posts, different = len(members), {member.copy_of for member in members}
    senders = {member.person for member in members if member.person is not None}
    signed = {member.copy_of for member in members if member.person is not None}
    people = len(senders) + len(different - signed)
    voices = min(people, len(different))
    weight = voices + math.log2(1 + posts - voices)
    topics = Counter(member.topic for member in members if member.topic is not None)
    return Issue(
        members=tuple(member.key for member in members),
        first=members[0].day,
        last=members[-1].day,
        posts=posts,
        people=people,
        texts=len(different),
        label=label_of(_one_of_each(members, texts), information),
        score=round(weight * (1 + _busiest(members) / posts), 2),
        mass_posting=posts >= LEAST and posts >= MASS * voices,
        topic=min(topics, key=lambda topic: (-topics[topic], topic), default=None),
    )


def _one_of_each(members: Sequence[Member], texts: Mapping[Key, str]) -> list[str]:
    """The texts without copies: a text sent a hundred times must not name the issue alone."""
    first = {member.copy_of: member.key for member in reversed(members)}
    return [texts[key] for key in reversed(first.values())]


def _busiest(members: Sequence[Member]) -> int:
    """The most posts of any seven days."""
    days = [member.day.toordinal() for member in members]
    return max(end - bisect_left(days, day - BUSY_DAYS + 1) for end, day in enumerate(days, start=1))
