"""From margins to probabilities, and from which probability on an answer may stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.metrics import f1_score

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

MIN_SECONDARY = 20
"""Letters with a second topic needed before second topics are suggested at all."""


def probabilities(margins: Floats, curve: tuple[float, float]) -> Floats:
    """One sigmoid for every label, then shares of one: a letter that fits no topic gets no large share.

    Measured against softmax with a fitted temperature, it halves the calibration error (decision record).
    """
    slope, offset = curve
    chances = expit(slope * margins + offset)
    return np.asarray(chances / np.maximum(chances.sum(axis=1, keepdims=True), 1e-12))


def fit_curve(margins: Floats, truth: Ints) -> tuple[float, float]:
    """Slope and offset of `probabilities` with the smallest log loss."""
    rows = np.arange(len(truth))

    def loss(curve: Floats) -> float:
        chances = probabilities(margins, (float(curve[0]), float(curve[1])))[rows, truth]
        return float(-np.log(np.maximum(chances, 1e-12)).mean())

    slope, offset = minimize(loss, np.array([5.0, 1.0]), method="Nelder-Mead", options={"xatol": 1e-3}).x
    return float(slope), float(offset)


def answer_threshold(chances: Floats, truth: Ints, target: float) -> float:
    """Lowest top probability from which answered letters reach `target` accuracy; above 1 if none does."""
    top = chances.max(axis=1)
    order = np.argsort(-top, kind="stable")
    right = (chances.argmax(axis=1) == truth)[order]
    accuracy = np.cumsum(right) / np.arange(1, len(right) + 1)
    enough = np.flatnonzero(accuracy >= target)
    return float(top[order[enough[-1]]]) if len(enough) else 1.01


def secondary_threshold(
    chances: Floats, names: Sequence[str], secondary: Sequence[tuple[str, ...]]
) -> float | None:
    """Probability from which a runner-up is suggested as a second topic: best F1 on the labelled ones."""
    if sum(map(bool, secondary)) < MIN_SECONDARY:
        return None
    ranks = np.argsort(-chances, axis=1, kind="stable")[:, 1:3]
    found = np.take_along_axis(chances, ranks, axis=1).ravel()
    hits = np.array(
        [names[col] in wanted for row, wanted in zip(ranks, secondary, strict=True) for col in row]
    )
    order = np.argsort(-found, kind="stable")
    true = np.cumsum(hits[order])
    f1 = 2 * true / (np.arange(1, len(true) + 1) + sum(map(len, secondary)))
    return float(found[order[int(f1.argmax())]])


def recall_threshold(margins: Floats, truth: Flags, ruled: Flags, target: float) -> float:
    """Highest margin at which rules and model together find `target` of the true ones."""
    wanted = int(np.ceil(target * truth.sum())) - int((truth & ruled).sum())
    left = np.sort(margins[truth & ~ruled])[::-1]
    if wanted <= 0 or len(left) == 0:
        return 0.0
    return min(0.0, float(left[min(wanted, len(left)) - 1]))


def calibration_error(top: Floats, right: Flags, bins: int = 10) -> float:
    """Expected calibration error: mean distance of stated and realised accuracy over equal-width bins."""
    if len(top) == 0:
        return 0.0
    index = np.minimum((top * bins).astype(int), bins - 1)
    gaps = [abs(top[index == number].sum() - right[index == number].sum()) for number in range(bins)]
    return float(sum(gaps) / len(top))


def topic_scores(chances: Floats, truth: Ints, threshold: float) -> dict[str, Any]:
    """Accuracy, macro F1, top 3, calibration, coverage and accuracy at the threshold, with n."""
    best, top = chances.argmax(axis=1), chances.max(axis=1)
    right, answered = best == truth, top >= threshold
    third = np.argsort(-chances, axis=1, kind="stable")[:, :3]
    return {
        "n": len(truth),
        "accuracy": float(right.mean()),
        "macro_f1": float(f1_score(truth, best, average="macro", zero_division=0.0)),
        "top3": float((third == truth[:, None]).any(axis=1).mean()),
        "ece": calibration_error(top, right),
        "threshold": threshold,
        "coverage": float(answered.mean()),
        "accuracy_answered": float(right[answered].mean()) if answered.any() else None,
    }


def urgent_scores(learned: Flags, ruled: Flags, truth: Flags) -> dict[str, float]:
    found = learned | ruled
    hits = float((found & truth).sum())
    return {
        "urgent_recall": hits / float(truth.sum()),
        "urgent_precision": hits / max(float(found.sum()), 1.0),
    }
