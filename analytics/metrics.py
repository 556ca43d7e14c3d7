"""Figures about right and wrong, each with the n it stands on. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.metrics import accuracy_score, f1_score, precision_recall_fscore_support


def agreement(truth: Sequence[str], found: Sequence[str]) -> dict[str, Any]:
    """n, accuracy, and macro F1 over the labels that occur in the truth."""
    names = sorted(set(truth))
    return {
        "n": len(truth),
        "accuracy": float(accuracy_score(truth, found)),
        "macro_f1": float(f1_score(truth, found, labels=names, average="macro", zero_division=0.0)),
    }


def per_label(truth: Sequence[str], found: Sequence[str]) -> dict[str, dict[str, float]]:
    """Precision, recall and n (true letters) of every label in the truth."""
    names = sorted(set(truth))
    precision, recall, _, support = precision_recall_fscore_support(
        truth, found, labels=names, zero_division=0.0
    )
    return {
        name: {"precision": float(precision[at]), "recall": float(recall[at]), "n": int(support[at])}
        for at, name in enumerate(names)
    }


@dataclass(frozen=True, slots=True)
class Difference:
    """Two readings of the same letters: how many were right only before, and how many only after."""

    lost: int
    gained: int

    @property
    def noise(self) -> float:
        """One standard error of `gained - lost`, which chance alone often makes (McNemar 1947)."""
        return math.sqrt(self.lost + self.gained)

    @property
    def clearly_better(self) -> bool:
        return self.gained - self.lost > self.noise

    @property
    def clearly_worse(self) -> bool:
        return self.lost - self.gained > self.noise


def difference(truth: Sequence[str], before: Sequence[str], after: Sequence[str]) -> Difference:
    pairs = [(old == true, new == true) for true, old, new in zip(truth, before, after, strict=True)]
    return Difference(lost=pairs.count((True, False)), gained=pairs.count((False, True)))
