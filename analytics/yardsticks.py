"""What our pipeline is held against: plain jieba with scikit-learn, and the best linear recipes known.

A recipe is fitted on texts and labels and predicts labels; all are TF-IDF with a linear support vector
machine, so that a difference is one of features.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from analytics.segment import reference

Labelled = tuple[str, str]


def read_by(recipe: str, learn: Sequence[Labelled], test: Sequence[Labelled]) -> list[str]:
    """Labels that a recipe of `RECIPES` gives the texts of `test` after learning from `learn`."""
    vectorizers = RECIPES[recipe]()
    rows = _rows(vectorizers, [text for text, _ in learn], fit=True)
    linear = LinearSVC(random_state=0).fit(rows, [label for _, label in learn])
    return [str(label) for label in linear.predict(_rows(vectorizers, [text for text, _ in test], fit=False))]


def _rows(vectorizers: Sequence[TfidfVectorizer], texts: Sequence[str], *, fit: bool) -> csr_matrix:
    parts = [one.fit_transform(texts) if fit else one.transform(texts) for one in vectorizers]
    return hstack(parts, format="csr")


def _jieba(text: str) -> list[str]:
    words: list[str] = reference().lcut(text)
    return words


def _words(**options: Any) -> TfidfVectorizer:
    return TfidfVectorizer(tokenizer=_jieba, token_pattern=None, **options)


def _chars(longest: int) -> TfidfVectorizer:
    return TfidfVectorizer(analyzer="char", ngram_range=(1, longest), sublinear_tf=True)


def _title(text: str) -> list[str]:
    """Characters and pairs of the first line."""
    line = text.partition("\n")[0]
    return [*line, *map("".join, pairwise(line))]


PLAIN = "jieba 原樣"
RECIPES = {
    PLAIN: lambda: [_words()],
    "單字至三字": lambda: [_chars(3)],
    "詞一二連＋單字至三字": lambda: [_words(ngram_range=(1, 2)), _chars(3)],
    "詞（兩封以上）＋標題": lambda: [
        _words(min_df=2, sublinear_tf=True), TfidfVectorizer(analyzer=_title, sublinear_tf=True)
    ],
}  # fmt: skip
"""By name: the plain pipeline, and the linear recipes that did best on texts of agencies."""
