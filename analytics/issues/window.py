"""The letters of the running window as fixed arrays: what is kept of each, and which are like a given one.

Everything is allocated once, so memory has a bound that does not depend on what is written or how often:
`capacity` rows of `KEPT` features and a signature (640 bytes), and a table of the `RECENT` newest letters
of every feature (64 MB). Finding the neighbours of a letter looks at `KEPT` × `RECENT` entries at most,
whatever the size of the window; older letters with the same features are reached through their group.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from analytics.issues.features import BUCKETS, SIGNATURE, Features, Ids, jaccard

KEPT = 64
"""Features kept of a letter: the heaviest by TF-IDF."""

RECENT = 16
"""Newest letters remembered for each feature."""

CANDIDATES = 64
"""Letters compared exactly with a new one: those that share most with it."""

PRIOR_LETTERS, PRIOR_USES = 1_000, 5.0
"""Smoothing: as if so many letters had come before, and so many of them with each feature."""

REMEMBERED = 10_000
"""Letters that document frequencies rest on before old ones fade, however small the window."""

Serials = NDArray[np.int64]
Cosines = NDArray[np.float64]


class Window:
    """The newest `capacity` letters, each known by its serial number (1, 2, 3 …)."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.newest, self.oldest = 0, 1
        self._ids = np.zeros((capacity, KEPT), np.int32)
        self._weights = np.zeros((capacity, KEPT), np.float32)
        self._signatures = np.zeros((capacity, SIGNATURE), np.uint16)
        self._uses = np.full(BUCKETS, PRIOR_USES, np.float32)
        self._log_uses = np.log(self._uses)  # kept beside: a log for every feature compared would be dear
        self._letters = float(PRIOR_LETTERS)
        self._recent = np.zeros((BUCKETS, RECENT), np.uint32)
        self._next = np.zeros(BUCKETS, np.uint8)
        self._query = np.zeros(BUCKETS, np.float32)

    def __len__(self) -> int:
        return self.newest - self.oldest + 1

    @property
    def known(self) -> float:
        """How many letters the document frequencies rest on."""
        return self._letters - PRIOR_LETTERS

    def count(self, found: Features) -> None:
        """Let a letter count in the document frequencies.

        When twice the window (`REMEMBERED` letters at least) has been counted every number is halved: old
        talk fades, and what was rare long ago becomes new again.
        """
        if self.known >= max(2 * self.capacity, REMEMBERED):
            self._uses += PRIOR_USES  # the half of what was counted, and the whole prior
            self._uses /= 2
            self._letters = (self._letters + PRIOR_LETTERS) / 2
            self._log_uses = np.log(self._uses)
        self._uses[found.ids] += 1
        self._log_uses[found.ids] = np.log(self._uses[found.ids])
        self._letters += 1

    def idf(self, ids: Ids) -> NDArray[np.float32]:
        """Information of features in nats: ln((n + 1000) / (df + 5))."""
        found: NDArray[np.float32] = np.float32(math.log(self._letters)) - self._log_uses[ids]
        return found

    def heaviest(self, found: Features) -> Features:
        """A letter with only its at most `KEPT` features of largest TF-IDF: what the methods below expect."""
        if len(found.ids) <= KEPT:
            return found
        value = found.weights * self.idf(found.ids)
        best = np.sort(np.argpartition(value, -KEPT)[-KEPT:])
        return Features(found.ids[best], found.weights[best], found.signature)

    def append(self, kept: Features) -> int:
        """Store a letter as the newest and give it its serial. Somebody must leave a full window first."""
        ids, weights = kept.ids, kept.weights
        self.newest += 1
        row = self.newest % self.capacity
        self._ids[row], self._weights[row] = 0, 0
        self._ids[row, : len(ids)], self._weights[row, : len(ids)] = ids, weights
        self._signatures[row] = kept.signature
        self._recent[ids, self._next[ids]] = self.newest
        self._next[ids] = (self._next[ids] + 1) % RECENT
        return self.newest

    def forget(self) -> None:
        """Let the oldest letter leave the window."""
        self.oldest += 1

    def near(self, kept: Features) -> Serials:
        """Serials of the letters that share most features with this one, at most `CANDIDATES`."""
        table = self._recent[kept.ids]
        value = np.broadcast_to((kept.weights * self.idf(kept.ids))[:, None], table.shape)
        live = table >= self.oldest
        serials, place = np.unique(table[live], return_inverse=True)
        if len(serials) > CANDIDATES:
            shared = np.bincount(place, weights=value[live])
            serials = serials[np.argpartition(shared, -CANDIDATES)[-CANDIDATES:]]
        return serials.astype(np.int64)

    def cosines(self, kept: Features, serials: Serials) -> Cosines:
        """Cosine of the TF-IDF vectors of a letter and of each stored one, with today's frequencies."""
        return self._against(kept.ids, kept.weights, serials)

    def between(self, serials: Serials, others: Serials) -> Cosines:
        """Cosines of every stored letter of one set (rows) with every one of another (columns)."""
        rows = serials % self.capacity
        return np.stack([self._against(self._ids[row], self._weights[row], others) for row in rows])

    def copies(self, kept: Features, serials: Serials) -> NDArray[np.float64]:
        """Estimated Jaccard similarity of a letter with each stored one."""
        return jaccard(kept.signature, self._signatures[serials % self.capacity])

    def _against(self, ids: Ids, weights: NDArray[np.float32], serials: Serials) -> Cosines:
        own = weights * self.idf(ids)
        length = float(np.sqrt((own**2).sum()))
        rows = serials % self.capacity
        stored = self._ids[rows]
        values = self._weights[rows] * self.idf(stored)
        self._query[ids[weights > 0]] = own[weights > 0]
        dots = np.einsum("ij,ij->i", values, self._query[stored])
        self._query[ids] = 0
        lengths = np.sqrt(np.einsum("ij,ij->i", values, values))
        return np.asarray(dots / np.maximum(length * lengths, 1e-9), dtype=np.float64)
