"""Letters grouped one by one as they come: copies of one text, and letters about the same matter.

A letter joins the group whose members are on average most like it (average linkage), when that average
reaches `LIKENESS`. Deciding letter by letter leaves pieces of one matter apart, so that is repaired on the
spot: when a letter fits several groups and these are on average alike too, they become one. Memory is
bounded by the window: see `analytics.issues.window`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from analytics.issues.features import Features, features, ids_of, kind_weight
from analytics.issues.window import Serials, Window

CAPACITY = 50_000
"""Letters in the window unless told otherwise."""

DAYS = 400
"""Days in the window unless told otherwise: a matter that returns each year is known again."""

LIKENESS = 0.15
"""Mean cosine from which a letter belongs to a group. 0.12 to 0.18 serve alike (docs/decisions/0007)."""

COPY = 0.7
"""Estimated Jaccard similarity of the feature sets from which two letters are copies of one text."""

WARY_LETTERS, WARY_LIKENESS = 500, 0.3
"""With few letters known every word looks rare: over so many the bar sinks from here to `LIKENESS`."""

FEWEST_FEATURES = 3
"""A letter with fewer features says too little to be compared, and stays alone."""

SAMPLE = 16
"""Members of a group that are compared, evenly spread over its time."""

RIVALS = 4
"""Groups looked at for one letter."""

Key = int | str


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a letter went.

    Its own number, its group, the number of the text it is a copy of (its own number when it is none), and
    the groups (gone, into) that were merged on the occasion, in this order.
    """

    serial: int
    group: int
    copy_of: int
    merged: tuple[tuple[int, int], ...]

    @property
    def is_copy(self) -> bool:
        return self.copy_of != self.serial


@dataclass(frozen=True, slots=True)
class Member:
    """One letter of a group. Letters with the same `copy_of` are near-identical texts."""

    key: Key
    day: date
    copy_of: int
    person: str | None
    topic: str | None


@dataclass(frozen=True, slots=True)
class Similar:
    """An earlier letter and the cosine of its TF-IDF vector with the one asked about."""

    key: Key
    day: date
    cosine: float


@dataclass(slots=True)
class _Stored:
    key: Key
    day: int
    group: int
    copy_of: int
    person: str | None
    topic: str | None


class IssueStream:
    """The letters of the last `days` days, at most `capacity`, in groups. For one thread at a time.

    `likeness` is the mean cosine from which a letter belongs to a group. `analytics.text.configure` must have
    been called.
    """

    def __init__(self, *, capacity: int = CAPACITY, days: int = DAYS, likeness: float = LIKENESS) -> None:
        self.days, self.likeness = days, likeness
        self._window = Window(capacity)
        self._stored: list[_Stored | None] = [None] * capacity
        self._groups: dict[int, list[int]] = {}

    def __len__(self) -> int:
        return len(self._window)

    def learn(self, texts: Iterable[str]) -> None:
        """Count the words of letters without keeping them, so that common words are known from the start."""
        for text in texts:
            self._window.count(features(text))

    def add(
        self, key: Key, day: date, text: str, person: str | None = None, topic: str | None = None
    ) -> Placed:
        """Take in one letter and group it. Letters come in the order of their days.

        `person` is an opaque mark of the sender, the same for letters of the same person. A group keeps its
        number; when two are merged the older number stays.
        """
        found = features(text)
        self._forget_before(day.toordinal() - self.days)
        kept = self._window.heaviest(found)
        near = self._near(kept)
        original = self._original(kept, near)
        fitting = self._fitting(kept, near)
        self._window.count(found)
        serial = self._window.append(kept)
        group = original.group if original else fitting[0] if fitting else serial
        copy_of = original.copy_of if original else serial
        self._stored[serial % self._window.capacity] = _Stored(
            key, day.toordinal(), group, copy_of, person, topic
        )
        self._groups.setdefault(group, []).append(serial)
        merged = self._merge_alike(group, fitting)
        return Placed(serial, self._at(serial).group, copy_of, tuple(merged))

    def similar(self, text: str, limit: int = 5) -> list[Similar]:
        """The letters of the window most like a text, most alike first, and newest first among equals."""
        kept = self._window.heaviest(features(text))
        near = self._near(kept)
        cosines = np.round(self._window.cosines(kept, near), 4)
        order = np.lexsort((-near, -cosines))[: max(limit, 0)]
        return [
            Similar(stored.key, date.fromordinal(stored.day), float(cosines[index]))
            for index, stored in ((index, self._at(int(near[index]))) for index in order)
        ]

    def groups(self, *, least: int = 1) -> Iterator[tuple[int, list[Member]]]:
        """Number and members (oldest first) of every group with at least `least` letters in the window."""
        for group, serials in self._groups.items():
            if len(serials) >= least:
                yield group, self._members(serials)

    def members(self, group: int) -> list[Member]:
        """The letters of one group that are in the window, oldest first; none when there is no such group."""
        return self._members(self._groups.get(group, []))

    def information(self, names: Sequence[str]) -> float:
        """How much the named features of a text tell in this window, in nats; common words tell little."""
        kinds = np.asarray([kind_weight(name) for name in names])
        return float((kinds * self._window.idf(ids_of(names))).sum())

    def _at(self, serial: int) -> _Stored:
        stored = self._stored[serial % self._window.capacity]
        assert stored is not None, "a serial of the window has its letter"  # noqa: S101  # invariant
        return stored

    def _members(self, serials: list[int]) -> list[Member]:
        return [
            Member(stored.key, date.fromordinal(stored.day), stored.copy_of, stored.person, stored.topic)
            for stored in map(self._at, serials)
        ]

    def _near(self, kept: Features) -> Serials:
        if len(kept.ids) < FEWEST_FEATURES:
            return np.empty(0, np.int64)
        return self._window.near(kept)

    def _original(self, kept: Features, near: Serials) -> _Stored | None:
        """The earlier letter of which this one is a copy."""
        if not len(near):
            return None
        alike = self._window.copies(kept, near)
        best = int(alike.argmax())
        return self._at(int(near[best])) if alike[best] >= COPY else None

    def _bar(self) -> float:
        known = min(self._window.known / WARY_LETTERS, 1.0)
        return self.likeness + max(WARY_LIKENESS - self.likeness, 0.0) * (1.0 - known)

    def _nearest_groups(self, kept: Features, near: Serials) -> list[int]:
        """The groups of the letters nearest to this one, nearest first."""
        cosines = self._window.cosines(kept, near)
        groups: dict[int, None] = {}
        for serial in near[np.argsort(-cosines, kind="stable")].tolist():
            groups[self._at(serial).group] = None
            if len(groups) == RIVALS:
                break
        return list(groups)

    def _fitting(self, kept: Features, near: Serials) -> list[int]:
        """The groups whose members are on average like a letter, best first."""
        groups = self._nearest_groups(kept, near)
        if not groups:
            return []
        samples = [self._sample(group) for group in groups]
        starts = np.cumsum([0] + [len(sample) for sample in samples[:-1]])
        sums = np.add.reduceat(self._window.cosines(kept, np.concatenate(samples)), starts)
        means = sums / [len(sample) for sample in samples]
        return [groups[index] for index in np.argsort(-means, kind="stable") if means[index] >= self._bar()]

    def _sample(self, group: int) -> Serials:
        serials = self._groups[group]
        if len(serials) > SAMPLE:  # picked one by one: mass posting makes groups of many thousands
            serials = [serials[place * (len(serials) - 1) // (SAMPLE - 1)] for place in range(SAMPLE)]
        return np.asarray(serials, np.int64)

    def _merge_alike(self, group: int, others: list[int]) -> list[tuple[int, int]]:
        merged = []
        for other in others:
            # A copy's own group may be among the others, and be gone by the time its turn comes.
            if other != group and other in self._groups and self._alike(group, other):
                group, gone = min(group, other), max(group, other)
                self._merge(gone, group)
                merged.append((gone, group))
        return merged

    def _alike(self, group: int, other: int) -> bool:
        mean = self._window.between(self._sample(group), self._sample(other)).mean()
        return bool(mean >= self._bar())

    def _merge(self, gone: int, into: int) -> None:
        moving = self._groups.pop(gone)
        for serial in moving:
            self._at(serial).group = into
        self._groups[into] = sorted(self._groups[into] + moving)

    def _forget_before(self, day: int) -> None:
        """Drop letters before a day, and the oldest one when the window is full."""
        window = self._window
        while len(window) and (len(window) == window.capacity or self._at(window.oldest).day < day):
            stored = self._at(window.oldest)
            serials = self._groups[stored.group]
            serials.pop(0)
            if not serials:
                del self._groups[stored.group]
            self._stored[window.oldest % window.capacity] = None
            window.forget()
