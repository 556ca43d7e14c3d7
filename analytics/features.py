"""Many letters at once as rows of feature weights: `analytics.text.analyse` with TF-IDF, by array arithmetic.

scikit-learn's own vectorizer walks a Python list per letter; counting characters and pairs in one array makes
the whole classification three times as fast. That the rows are the same is a test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack

from analytics.text import fold, folded, is_word, normalise, segment, synonyms, title_of

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_CODES = 0x110000
_PAIR_SHIFT = 21  # bits of a code point

TITLE_LENGTH = 0.7
"""Length of the subject line's rows beside the whole letter's 1: half as much weight (0.7² ≈ 0.5)."""


@dataclass(frozen=True, slots=True)
class Block:
    """The features of one field of a letter: characters, then pairs, then words, each with its column."""

    chars: NDArray[np.int32]
    """Column of each code point, -1 where it is none."""
    pairs: NDArray[np.uint64]
    """Sorted keys of the pairs; their columns follow the characters' in this order."""
    first_pair: int
    words: Mapping[str, int]
    """Column of each folded word; older names lead to the column of today's."""
    width: int

    @classmethod
    def learn(cls, texts: Sequence[str]) -> Block:
        """The features that occur in these folded texts."""
        codes, _ = _codes(texts)
        known = np.unique(codes[codes > 0])
        chars = np.full(_CODES, -1, dtype=np.int32)
        chars[known] = np.arange(len(known), dtype=np.int32)
        pairs = np.unique(_pair_keys(codes))
        pairs = pairs[pairs > 0]
        first_word = len(known) + len(pairs)
        names = synonyms()
        found = sorted({names.get(word, word) for text in texts for word in _words(text)})
        words = {word: first_word + at for at, word in enumerate(found)}
        words |= {old: words[new] for old, new in names.items() if new in words}
        return cls(chars[: int(known.max(initial=0)) + 2], pairs, len(known), words, first_word + len(found))

    def count(self, texts: Sequence[str]) -> csr_matrix:
        """How often each feature occurs: texts × features."""
        codes, rows = _codes(texts)
        columns = [self._char_columns(codes), self._pair_columns(codes)]
        owners = [rows, rows]
        found, owner = self._word_columns(texts)
        column, row = np.concatenate([*columns, found]), np.concatenate([*owners, owner])
        known = column >= 0
        shape = (len(texts), self.width)
        ones = np.ones(int(known.sum()), dtype=np.float64)
        counts = csr_matrix((ones, (row[known], column[known])), shape=shape)
        counts.sum_duplicates()
        return counts

    def _char_columns(self, codes: Ints) -> Ints:
        return np.asarray(self.chars[np.minimum(codes, len(self.chars) - 1)], dtype=np.int64)

    def _pair_columns(self, codes: Ints) -> Ints:
        """Column of the pair that begins at each character."""
        keys = _pair_keys(codes)
        if len(self.pairs) == 0:
            return np.full(len(keys), -1, dtype=np.int64)
        at = np.minimum(np.searchsorted(self.pairs, keys), len(self.pairs) - 1)
        return np.where(self.pairs[at] == keys, at + self.first_pair, -1)

    def _word_columns(self, texts: Sequence[str]) -> tuple[Ints, Ints]:
        column_of = self.words
        columns: list[int] = []
        ends: list[int] = []
        for text in texts:
            columns += [column_of[piece] for piece in segment(text) if piece in column_of]
            ends.append(len(columns))
        rows = np.repeat(np.arange(len(texts)), np.diff(ends, prepend=0))
        return np.asarray(columns, dtype=np.int64), rows

    def spread(self, text: str, shares: Mapping[int, float]) -> list[float]:
        """Values of columns as values of the characters of a folded text.

        A character pair is split between its two characters, a word among all of its own. The values add up
        to what all occurrences of the features add up to.
        """
        codes, _ = _codes([text])
        chars, pairs = self._char_columns(codes).tolist(), self._pair_columns(codes).tolist()
        values = [shares.get(chars[at], 0.0) for at in range(len(text))]
        for at in range(len(text) - 1):
            half = shares.get(pairs[at], 0.0) / 2
            values[at] += half
            values[at + 1] += half
        start = 0
        for piece in segment(text):
            value = shares.get(self.words.get(piece, -1), 0.0) / len(piece)
            for at in range(start, start + len(piece)):
                values[at] += value
            start += len(piece)
        return values


def _words(text: str) -> list[str]:
    return [piece for piece in segment(text) if len(piece) > 1 and is_word(piece)]


def _codes(texts: Sequence[str]) -> tuple[Ints, Ints]:
    """Code points of all texts, each closed by 0 (which no normalised text holds), and their rows."""
    joined = "".join(f"{text}\0" for text in texts)
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.int64)
    closing = codes == 0
    return codes, np.cumsum(closing) - closing


def _pair_keys(codes: Ints) -> NDArray[np.uint64]:
    """A key for each pair of neighbours in one text, 0 where a text ends; as long as `codes`."""
    following = np.append(codes[1:], 0)
    keys = (codes << _PAIR_SHIFT) | following
    return np.where((codes == 0) | (following == 0), 0, keys).astype(np.uint64)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of letters as weighted rows: TF-IDF, sublinear in the counts, all rows of the same length."""

    block: Block
    idf: Floats
    """Inverse document frequency of each feature, smoothed as scikit-learn does: ln((1+n)/(1+df)) + 1."""
    length: float

    @classmethod
    def learn(cls, texts: Sequence[str], *, length: float = 1.0) -> Field:
        block = Block.learn(texts)
        seen_in = np.bincount(block.count(texts).indices, minlength=block.width)
        return cls(block, np.log((1 + len(texts)) / (1 + seen_in)) + 1, length)

    def rows(self, texts: Sequence[str]) -> csr_matrix:
        return self._weigh(self.block.count(texts))

    def _weigh(self, counts: csr_matrix) -> csr_matrix:
        values = (1 + np.log(counts.data)) * self.idf[counts.indices]
        owner = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
        length = np.sqrt(np.bincount(owner, values * values, minlength=counts.shape[0]))
        values *= self.length / length[owner]
        return csr_matrix((values, counts.indices, counts.indptr), shape=counts.shape)

    def spread(self, text: str, weights: NDArray[np.float32]) -> list[float]:
        """What each character of a folded text adds to a margin with these weights."""
        counts = self.block.count([text])
        row = self._weigh(counts)
        shares = row.data * weights[row.indices] / counts.data
        return self.block.spread(text, dict(zip(row.indices.tolist(), shares.tolist(), strict=True)))


@dataclass(frozen=True, slots=True)
class Features:
    """Learned features of letters: folded texts in, weighted rows out. Immutable and picklable."""

    whole: Field
    title: Field | None
    """The subject line as a field of its own, where that helps (it is chosen when training)."""

    @classmethod
    def learn(cls, texts: Sequence[str], *, title: bool) -> Features:
        whole = Field.learn(texts)
        own = Field.learn([title_of(text) for text in texts], length=TITLE_LENGTH) if title else None
        return cls(whole, own)

    def rows(self, texts: Sequence[str]) -> csr_matrix:
        """Texts × features; the columns of the subject line follow those of the whole letter."""
        rows = self.whole.rows(texts)
        if self.title is None:
            return rows
        return hstack([rows, self.title.rows([title_of(text) for text in texts])], format="csr")

    def unknown_share(self, text: str) -> float:
        """Share of a folded text's words that were never learned; 0 for a text without words."""
        found = _words(text)
        return sum(word not in self.whole.block.words for word in found) / len(found) if found else 0.0

    def word_values(self, text: str, weights: NDArray[np.float32]) -> dict[str, float]:
        """What each piece of a text (as given, normalised here) adds to a margin with these weights."""
        clean = normalise(text)
        plain = fold(clean)
        width = self.whole.block.width
        values = self.whole.spread(plain, weights[:width])
        if self.title:
            for at, value in enumerate(self.title.spread(title_of(plain), weights[width:])):
                values[at] += value
        totals: dict[str, float] = {}
        start = 0
        for piece in segment(plain):
            end = start + len(piece)
            word = clean[start:end]
            totals[word] = totals.get(word, 0.0) + sum(values[start:end])
            start = end
        return totals


def fold_all(texts: Sequence[str]) -> list[str]:
    """Letters as given, folded for `Features`."""
    return [folded(text) for text in texts]
