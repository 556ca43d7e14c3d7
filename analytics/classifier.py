"""The topic, voice and urgency of a letter: linear models over jieba words and character pairs.

Pure: no Flask, no database, no clock. Call `analytics.text.configure` before training or predicting.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from scipy.special import expit
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score
from sklearn.pipeline import Pipeline
from sklearn.svm import LinearSVC

from analytics.corpus import MAX_SECONDARY, Letter, folds
from analytics.text import analyse, fold, has_phrase, normalise, spread

TARGET_ACCURACY = 0.95
"""Accuracy asked of the letters a model answers itself; below its threshold it leaves them to a person."""

URGENT_RECALL = 0.95
"""Share of urgent letters the urgency head must find, at the price of false alarms a person sorts out."""

FOLDS = 5
MIN_SECONDARY = 20
"""Letters with a second topic needed before second topics are suggested at all."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
_WORD = re.compile(r"\w")


@dataclass(frozen=True, slots=True)
class Candidate:
    topic: str
    probability: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """A suggestion, never a decision. `abstain` means: too unsure, a person should choose."""

    topic: str
    probability: float
    abstain: bool
    candidates: tuple[Candidate, ...]
    secondary: tuple[str, ...]
    voice: str | None
    urgent: bool


@dataclass(frozen=True, slots=True)
class WordWeight:
    """A word of the letter and what it adds to (or takes from) the topic's margin."""

    word: str
    weight: float


@dataclass(frozen=True, slots=True)
class Explanation:
    supports: tuple[WordWeight, ...]
    opposes: tuple[WordWeight, ...]


def build_pipeline(*, seed: int = 0) -> Pipeline:
    """Untrained text → label pipeline; the same for topics, voices and any other labels."""
    return Pipeline([("features", build_features()), ("linear", build_linear(seed=seed))])


def build_features() -> TfidfVectorizer:
    return TfidfVectorizer(analyzer=analyse, sublinear_tf=True, dtype=np.float64)


def build_linear(*, seed: int) -> LinearSVC:
    """Balanced, because a rare topic must not vanish beside the common ones."""
    return LinearSVC(C=3.0, class_weight="balanced", random_state=seed)


@dataclass(frozen=True, slots=True)
class Head:
    """One linear decision: a margin per label."""

    labels: tuple[str, ...]
    weights: NDArray[np.float32]
    """features × labels"""
    bias: NDArray[np.float32]

    def margins(self, rows: csr_matrix) -> Floats:
        return np.asarray(rows @ self.weights + self.bias, dtype=np.float64)


def fit_head(rows: csr_matrix, labels: Sequence[str], *, seed: int) -> Head:
    """Train one head; with a single label there is nothing to learn and every margin is zero."""
    names = tuple(sorted(set(labels)))
    if len(names) < 2:
        shape = (rows.shape[1], len(names))
        return Head(names, np.zeros(shape, np.float32), np.zeros(len(names), np.float32))
    linear = build_linear(seed=seed).fit(rows, np.asarray(labels, dtype=object).astype(str))
    weights, bias = linear.coef_, linear.intercept_
    if len(names) == 2:
        weights, bias = np.vstack([-weights, weights]), np.concatenate([-bias, bias])
    return Head(names, np.ascontiguousarray(weights.T, dtype=np.float32), bias.astype(np.float32))


def out_of_fold(rows: csr_matrix, labels: Sequence[str], *, seed: int) -> tuple[tuple[str, ...], Floats]:
    """Margins of every letter from models that have not seen it; labels in the order of the columns."""
    names = tuple(sorted(set(labels)))
    column = {name: index for index, name in enumerate(names)}
    fold_of = folds(labels, count=FOLDS, seed=seed)
    margins = np.full((len(labels), len(names)), -2.0)  # a label the fold never saw is far away
    for number in range(FOLDS):
        held, seen = np.flatnonzero(fold_of == number), np.flatnonzero(fold_of != number)
        if len(held) == 0 or len(seen) == 0:
            continue
        head = fit_head(rows[seen], [labels[index] for index in seen.tolist()], seed=seed)
        columns = np.array([column[name] for name in head.labels])
        margins[np.ix_(held, columns)] = head.margins(rows[held])
    return names, margins


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """Everything a prediction needs; immutable and picklable."""

    features: TfidfVectorizer
    topics: Head
    curve: tuple[float, float]
    """Slope and offset that turn topic margins into probabilities, fitted out of fold."""
    threshold: float
    """Probability from which the model answers itself."""
    secondary_threshold: float | None
    voices: Head
    urgent: Head
    urgent_threshold: float
    """Margin from which a letter counts as urgent."""
    urgent_phrases: tuple[str, ...] = ()
    scores: dict[str, Any] = field(default_factory=dict)
    """Out-of-fold scores of the training letters, with their n."""

    @property
    def labels(self) -> tuple[str, ...]:
        return self.topics.labels

    def predict(self, texts: Iterable[str]) -> list[Prediction]:
        """One prediction per text (subject joined to body). Any string goes; what says nothing abstains."""
        texts = list(texts)
        if not texts:
            return []
        rows = self.features.transform(texts)
        chances = probabilities(self.topics.margins(rows), self.curve)
        ranks = np.argsort(-chances, axis=1, kind="stable")
        voices = self._voices(rows)
        urgent = self._urgent(texts, rows)
        empty = np.diff(rows.indptr) == 0
        return [
            self._prediction(chances[index], ranks[index], bool(empty[index]), voices[index], urgent[index])
            for index in range(len(texts))
        ]

    def _prediction(
        self, chances: Floats, rank: NDArray[np.intp], empty: bool, voice: str | None, urgent: bool
    ) -> Prediction:
        candidates = tuple(Candidate(self.labels[index], float(chances[index])) for index in rank[:3])
        best = candidates[0]
        floor = self.secondary_threshold
        secondary = (
            ()
            if floor is None or empty
            else tuple(item.topic for item in candidates[1 : 1 + MAX_SECONDARY] if item.probability >= floor)
        )
        abstain = empty or best.probability < self.threshold
        return Prediction(best.topic, best.probability, abstain, candidates, secondary, voice, urgent)

    def _voices(self, rows: csr_matrix) -> list[str | None]:
        if not self.voices.labels:
            return [None] * rows.shape[0]
        return [self.voices.labels[index] for index in self.voices.margins(rows).argmax(axis=1)]

    def _urgent(self, texts: Sequence[str], rows: csr_matrix) -> list[bool]:
        learned = urgent_margins(self.urgent, rows) >= self.urgent_threshold
        return [
            bool(flag) or has_phrase(text, self.urgent_phrases)
            for flag, text in zip(learned, texts, strict=True)
        ]

    def explain(self, text: str, topic: str, limit: int = 5) -> Explanation:
        """The words that speak most for and against a topic. Raises KeyError for a topic it does not know.

        Each feature's share of the margin is spread over the characters it covers, so that character pairs
        are told as the words they lie in; over all words the weights add up to the margin without its bias.
        """
        if topic not in self.labels:
            raise KeyError(topic)
        totals = self.word_weights(text, topic)
        told = [
            WordWeight(word, weight)
            for word, weight in totals.items()
            if len(word) > 1 and _WORD.search(word)
        ]
        told.sort(key=lambda item: (-item.weight, item.word))
        supports = tuple(item for item in told if item.weight > 0)[:limit]
        opposes = tuple(item for item in reversed(told) if item.weight < 0)[:limit]
        return Explanation(supports, opposes)

    def word_weights(self, text: str, topic: str) -> dict[str, float]:
        """Share of a topic's margin for each piece of the text, punctuation included."""
        clean = normalise(text)
        return spread(clean, self._feature_shares(clean, self.labels.index(topic)))

    def _feature_shares(self, clean: str, column: int) -> dict[str, float]:
        """What one occurrence of each feature of the text adds to the margin of a topic."""
        row = self.features.transform([clean])
        value = dict(zip(row.indices.tolist(), row.data.tolist(), strict=True))
        counts: dict[str, int] = defaultdict(int)
        for feature in analyse(clean):
            counts[feature] += 1
        shares: dict[str, float] = {}
        for feature, count in counts.items():
            index = self.features.vocabulary_.get(feature)
            if index is not None:
                shares[feature] = value[index] * float(self.topics.weights[index, column]) / count
        return shares


def urgent_margins(head: Head, rows: csr_matrix) -> Floats:
    """How urgent each letter looks; minus infinity when nobody ever labelled one as urgent."""
    if "1" not in head.labels or len(head.labels) < 2:
        return np.full(rows.shape[0], -np.inf)
    return head.margins(rows)[:, head.labels.index("1")]


def train(letters: Sequence[Letter], *, seed: int, urgent_phrases: Iterable[str] = ()) -> TrainedModel:
    """Learn from labelled letters; thresholds and calibration come from letters the model had not seen.

    `urgent_phrases` are the agency's own rules: a letter holding one is urgent whatever the model says.
    Deterministic for one corpus, seed and set of versions. Raises ValueError with fewer than two topics.
    """
    if len({letter.topic for letter in letters}) < 2:
        raise ValueError("至少需要兩個主題的語料才能訓練。")
    phrases = tuple(sorted({fold(normalise(phrase)) for phrase in urgent_phrases} - {""}))
    texts = [letter.full_text for letter in letters]
    features = build_features()
    rows = features.fit_transform(texts)
    topics = [letter.topic for letter in letters]
    names, margins = out_of_fold(rows, topics, seed=seed)
    truth = np.array([names.index(topic) for topic in topics])
    curve = fit_curve(margins, truth)
    chances = probabilities(margins, curve)
    threshold = answer_threshold(chances, truth, TARGET_ACCURACY)
    second = secondary_threshold(chances, names, [letter.secondary for letter in letters])
    voices, voice_scores = _train_voices(rows, letters, seed)
    urgent, urgent_threshold, urgent_scores = _train_urgent(rows, letters, phrases, seed)
    scores = topic_scores(chances, truth, threshold) | voice_scores | urgent_scores
    head = fit_head(rows, topics, seed=seed)
    return TrainedModel(
        features, head, curve, threshold, second, voices, urgent, urgent_threshold, phrases, scores
    )


def _train_voices(rows: csr_matrix, letters: Sequence[Letter], seed: int) -> tuple[Head, dict[str, Any]]:
    known = [index for index, letter in enumerate(letters) if letter.voice is not None]
    labels = [str(letters[index].voice) for index in known]
    if not known:
        return fit_head(rows, [], seed=seed), {"voice_n": 0, "voice_accuracy": None}
    names, margins = out_of_fold(rows[known], labels, seed=seed)
    right = np.mean(
        [names[best] == label for best, label in zip(margins.argmax(axis=1), labels, strict=True)]
    )
    return fit_head(rows[known], labels, seed=seed), {"voice_n": len(known), "voice_accuracy": float(right)}


def _train_urgent(
    rows: csr_matrix, letters: Sequence[Letter], phrases: Sequence[str], seed: int
) -> tuple[Head, float, dict[str, Any]]:
    known = [index for index, letter in enumerate(letters) if letter.urgent is not None]
    labels = ["1" if letters[index].urgent else "0" for index in known]
    head = fit_head(rows[known], labels, seed=seed)
    nothing = {"urgent_n": labels.count("1"), "urgent_recall": None, "urgent_precision": None}
    if len(head.labels) < 2:
        return head, np.inf, nothing
    _, margins = out_of_fold(rows[known], labels, seed=seed)
    truth = np.array([label == "1" for label in labels])
    ruled = np.array([has_phrase(letters[index].full_text, phrases) for index in known])
    threshold = recall_threshold(margins[:, 1], truth, ruled, URGENT_RECALL)
    return head, threshold, nothing | urgent_scores(margins[:, 1] >= threshold, ruled, truth)


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
