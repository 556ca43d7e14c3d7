"""Is a labelled corpus fit to learn from? Letters nearly alike, and labels on which two readers differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import cohen_kappa_score

from analytics.corpus import CorpusError, Letter
from analytics.learning import fingerprint
from analytics.text import folded

NEAR = 0.8
"""Cosine of character pairs and triples from which two letters say nearly the same."""
ROWS = 500  # letters compared at once with all others; bounds memory


@dataclass(frozen=True, slots=True)
class Near:
    """Two letters nearly alike, by their place in the corpus."""

    first: int
    second: int
    likeness: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two passes over the same letters. `kappa` is Cohen's: agreement beyond chance, 1 is perfect."""

    n: int
    same: int
    kappa: float | None
    differing: tuple[tuple[int, str], ...]
    """Place of a letter and the topic that the second reader gave it."""


def near_duplicates(letters: Sequence[Letter], *, threshold: float = NEAR) -> Iterator[Near]:
    """Pairs that read alike, whatever their labels, in the order of the corpus."""
    if not letters:
        return
    texts = [folded(letter.full_text) for letter in letters]
    rows = TfidfVectorizer(analyzer="char", ngram_range=(2, 3), sublinear_tf=True).fit_transform(texts)
    for start in range(0, len(texts), ROWS):
        alike = (rows[start : start + ROWS] @ rows.T).tocoo()
        pairs = zip((alike.row + start).tolist(), alike.col.tolist(), alike.data.tolist(), strict=True)
        found = sorted(
            (one, other, value) for one, other, value in pairs if other > one and value >= threshold
        )
        yield from (Near(*pair) for pair in found)


def read_second_pass(file: Path) -> dict[str, str]:
    """Topics that a second reader gave without seeing the first, by fingerprint of the letter.

    Raises `CorpusError`.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
            found[row["letter"]] = row["topic"]
        except (ValueError, TypeError, KeyError) as error:
            raise CorpusError([f"{file.name} 第 {number} 行：應有 letter 和 topic。"]) from error
    return found


def compare_passes(letters: Sequence[Letter], second: Mapping[str, str]) -> Agreement:
    """The labels of the corpus beside those of the second reader, for the letters that both have read."""
    keys = ((at, second.get(fingerprint(letter.full_text))) for at, letter in enumerate(letters))
    read = [(at, topic) for at, topic in keys if topic is not None]
    differing = tuple((at, topic) for at, topic in read if letters[at].topic != topic)
    kappa = (
        float(cohen_kappa_score([letters[at].topic for at, _ in read], [topic for _, topic in read]))
        if len({topic for _, topic in read}) > 1
        else None
    )
    return Agreement(len(read), len(read) - len(differing), kappa, differing)
