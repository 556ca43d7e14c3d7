"""Linear decisions over feature rows: one margin for each label, and how well a fit does on unseen rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.svm import LinearSVC

from analytics.corpus import folds
from analytics.features import Features

Floats = NDArray[np.float64]

FOLDS = 5
PENALTIES = (3.0, 1.0, 0.3)
"""Penalties (C of the support vector machine) that are tried: many topics want much, opinions little."""
TOLERANCE = 1e-2
"""Where the optimiser stops. The default, 1e-4, takes a third longer and reads no letter otherwise."""
JUDGED = 1_500
"""Texts by which settings are chosen; more cost time and tell little more."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a set of labels is learned; found by `choose`."""

    penalty: float = 3.0
    title: bool = False
    """Whether the subject line is a field of its own."""


@dataclass(frozen=True, slots=True)
class Head:
    """One linear decision: a margin per label."""

    labels: tuple[str, ...]
    weights: NDArray[np.float32]
    """features × labels"""
    bias: NDArray[np.float32]

    def margins(self, rows: csr_matrix) -> Floats:
        # In one precision: otherwise all weights would be converted for every product.
        return np.asarray(rows.astype(np.float32) @ self.weights + self.bias, dtype=np.float64)

    def best(self, rows: csr_matrix) -> list[str]:
        """The label with the highest margin for each row."""
        return [self.labels[at] for at in self.margins(rows).argmax(axis=1).tolist()]


def fit_head(rows: csr_matrix, labels: Sequence[str], *, penalty: float, seed: int) -> Head:
    """Train one head; with a single label there is nothing to learn and every margin is zero.

    Balanced, because a rare label must not vanish beside the common ones.
    """
    names = tuple(sorted(set(labels)))
    if len(names) < 2:
        shape = (rows.shape[1], len(names))
        return Head(names, np.zeros(shape, np.float32), np.zeros(len(names), np.float32))
    linear = LinearSVC(C=penalty, class_weight="balanced", tol=TOLERANCE, random_state=seed)
    linear.fit(rows, np.asarray(labels, dtype=object).astype(str))
    weights, bias = linear.coef_, linear.intercept_
    if len(names) == 2:
        weights, bias = np.vstack([-weights, weights]), np.concatenate([-bias, bias])
    return Head(names, np.ascontiguousarray(weights.T, dtype=np.float32), bias.astype(np.float32))


def out_of_fold(
    rows: csr_matrix, labels: Sequence[str], *, penalty: float, seed: int
) -> tuple[tuple[str, ...], Floats]:
    """Margins of every letter from models that have not seen it; labels in the order of the columns."""
    names = tuple(sorted(set(labels)))
    column = {name: index for index, name in enumerate(names)}
    fold_of = folds(labels, count=FOLDS, seed=seed)
    margins = np.full((len(labels), len(names)), -2.0)  # a label the fold never saw is far away
    for number in range(FOLDS):
        held, seen = np.flatnonzero(fold_of == number), np.flatnonzero(fold_of != number)
        if len(held) == 0 or len(seen) == 0:
            continue
        head = fit_head(rows[seen], [labels[at] for at in seen.tolist()], penalty=penalty, seed=seed)
        columns = np.array([column[name] for name in head.labels])
        margins[np.ix_(held, columns)] = head.margins(rows[held])
    return names, margins


def choose(texts: Sequence[str], labels: Sequence[str], *, seed: int) -> Settings:
    """The settings that read most of the folded texts right after learning from the others.

    First the penalty, then whether the subject line is a field of its own; of equals the one that suits most
    sets. So many folds are held back in turn that `JUDGED` texts, or all there are, are judged.
    """
    fold_of = folds(labels, count=FOLDS, seed=seed)
    sizes = np.cumsum([int((fold_of == number).sum()) for number in range(FOLDS)])
    rounds = min(FOLDS, int(np.searchsorted(sizes, JUDGED)) + 1)
    plain = [_Round.of(texts, labels, fold_of == number, title=False) for number in range(rounds)]
    usable = [one for one in plain if one.can_learn]
    if not usable:
        return Settings()
    right = {penalty: sum(one.right(penalty, seed) for one in usable) for penalty in PENALTIES}
    best = max(PENALTIES, key=lambda penalty: right[penalty])
    titled = [_Round.of(texts, labels, fold_of == number, title=True) for number in range(rounds)]
    with_title = sum(one.right(best, seed) for one in titled if one.can_learn)
    return Settings(best, title=with_title > right[best])


@dataclass(frozen=True, slots=True)
class _Round:
    """Rows to learn from and rows held back."""

    seen: csr_matrix
    seen_labels: list[str]
    held: csr_matrix
    held_labels: list[str]

    @classmethod
    def of(
        cls, texts: Sequence[str], labels: Sequence[str], held: NDArray[np.bool_], *, title: bool
    ) -> _Round:
        inside, outside = np.flatnonzero(held).tolist(), np.flatnonzero(~held).tolist()
        learned = [texts[at] for at in outside]
        features = Features.learn(learned, title=title)
        return cls(
            features.rows(learned), [labels[at] for at in outside],
            features.rows([texts[at] for at in inside]), [labels[at] for at in inside],
        )  # fmt: skip

    @property
    def can_learn(self) -> bool:
        return len(set(self.seen_labels)) > 1 and bool(self.held_labels)

    def right(self, penalty: float, seed: int) -> int:
        found = fit_head(self.seen, self.seen_labels, penalty=penalty, seed=seed).best(self.held)
        return sum(one == other for one, other in zip(found, self.held_labels, strict=True))
