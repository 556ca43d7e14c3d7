"""What a letter is compared by: hashed words and loose character pairs, and a signature that knows copies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from analytics.segment import segment, synonyms
from analytics.text import folded, is_word, title_of

LONGEST = 4_000
"""Characters of a letter that count here. Matter and place stand early; a pasted file must not be slow."""

OPENING = 30
"""Characters that stand for the title in a letter without one."""

TITLE_WEIGHT = 4.0
"""Occurrences in the title count this often: writers put place and matter there. 2 to 6 serve alike."""

PAIR_WEIGHT = 0.7
"""A pair of characters against a word: pairs hold names the dictionary lacks, but also chance neighbours."""

BUCKETS = 1 << 20
"""Size of the hashed feature space; about one letter in 250 shares a bucket with another by chance."""

SIGNATURE = 64
"""Hash functions of a signature: the estimate of a Jaccard similarity of 0.7 has a standard error of 0.06."""

Ids = NDArray[np.int32]
Weights = NDArray[np.float32]
Signature = NDArray[np.uint16]

_RNG = np.random.default_rng(115)
_FACTORS = _RNG.integers(1, 1 << 63, size=(SIGNATURE, 1), dtype=np.uint64) | np.uint64(1)
_SHIFTS = _RNG.integers(0, 1 << 63, size=(SIGNATURE, 1), dtype=np.uint64)
_HIGH = np.uint64(32)


@dataclass(frozen=True, slots=True)
class Features:
    """One letter: feature ids (distinct, in [0, `BUCKETS`)), term weights beside them, and its signature."""

    ids: Ids
    weights: Weights
    signature: Signature


def features(text: str) -> Features:
    """The features of a letter. Never raises; a letter without a word has none.

    A feature that occurs `n` times weighs 1 + ln n (sublinear term frequency), with occurrences in the title
    counted `TITLE_WEIGHT` times.
    """
    clean = folded(text[:LONGEST])
    title = opening_of(clean)
    counts: dict[str, float] = dict.fromkeys(names := feature_names(title), 0.0)
    for name in names:
        counts[name] += TITLE_WEIGHT
    for name in feature_names(clean[len(title) :]):
        counts[name] = counts.get(name, 0.0) + 1.0
    kinds = np.asarray([kind_weight(name) for name in counts], np.float64)
    weights = kinds * (1.0 + np.log(np.asarray(list(counts.values()), np.float64)))
    hashes = _hashes(counts)
    ids, first = np.unique((hashes % BUCKETS).astype(np.int32), return_index=True)
    return Features(ids, weights[first].astype(np.float32), _signature(hashes))


def opening_of(clean: str) -> str:
    """The title of a letter, or where it has none its first `OPENING` characters."""
    return title_of(clean) or clean[:OPENING]


def feature_names(text: str) -> list[str]:
    """Words of two characters or more of a folded text, and the pairs at the seams of single characters.

    A name that the dictionary lacks falls into single characters; their pairs bring it back. Pairs inside a
    known word would only say the word again. A term's older name counts as its name of today.
    """
    pieces, today = segment(text), synonyms()
    found = [
        "w:" + today.get(piece, piece)
        for piece in pieces
        if len(piece) > 1 and (piece.isalnum() or is_word(piece))
    ]
    # One character at a seam: `isalnum` says of it what `is_word` says, at a tenth of the cost.
    found += [
        "p:" + left[-1] + right[0]
        for left, right in pairwise(pieces)
        if (len(left) == 1 or len(right) == 1) and left[-1].isalnum() and right[0].isalnum()
    ]
    return found


def kind_weight(name: str) -> float:
    """What a feature weighs by its kind: 1 for a word, `PAIR_WEIGHT` for a pair."""
    return PAIR_WEIGHT if name[0] == "p" else 1.0


def ids_of(names: Sequence[str]) -> Ids:
    """The ids of named features, in their order."""
    return (_hashes(names) % BUCKETS).astype(np.int32)


def _hashes(names: Iterable[str]) -> NDArray[np.uint32]:
    return np.asarray([crc32(name.encode()) for name in names], np.uint32)  # normalised: no half surrogates


def _signature(hashes: NDArray[np.uint32]) -> Signature:
    """MinHash (Broder 1997) with multiply-shift hashing; the low 16 bits of each minimum are kept."""
    if not len(hashes):
        return np.zeros(SIGNATURE, np.uint16)
    mixed = (hashes.astype(np.uint64) * _FACTORS + _SHIFTS) >> _HIGH
    lowest: Signature = mixed.min(axis=1).astype(np.uint16)
    return lowest


def jaccard(one: Signature, others: NDArray[np.uint16]) -> NDArray[np.float64]:
    """Estimated Jaccard similarity of the feature sets of one letter and of each of the others (rows)."""
    found: NDArray[np.float64] = (others == one).mean(axis=1)
    return found
