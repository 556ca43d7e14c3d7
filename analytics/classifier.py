"""The topic, voice and urgency of a letter: rules of the agency first, then linear models.

Pure: no Flask, no database, no clock. Call `analytics.text.configure` before training or predicting.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_matrix

from analytics.calibration import (
    Flags,
    Floats,
    answer_threshold,
    fit_curve,
    probabilities,
    recall_threshold,
    secondary_threshold,
    topic_scores,
    urgent_scores,
)
from analytics.comments import CommentModel
from analytics.corpus import MAX_SECONDARY, Letter
from analytics.features import Features, fold_all
from analytics.linear import Head, Settings, choose, fit_head, out_of_fold
from analytics.text import folded, is_word

TARGET_ACCURACY = 0.95
"""Accuracy asked of the letters a model answers itself; below its threshold it leaves them to a person."""

URGENT_RECALL = 0.99
"""Share of urgent letters that rules and model must find out of fold, at the price of false alarms a
person sorts out. One in a hundred, so that no more than one in fifty is missed on letters to come."""

SENTIMENT_OF_VOICE = {"讚揚": "正面", "申訴或抱怨": "負面", "檢舉": "負面", "建議": "中性", "詢問": "中性"}
"""A letter's sentiment is that of its voice; only survey comments are judged by their words."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The agency says: a letter with this phrase is about this topic, whatever the model thinks."""

    phrase: str
    topic: str


class Candidate(NamedTuple):
    """A topic that a letter may be about. A tuple, like Prediction: thousands are made a second."""

    topic: str
    probability: float


class Prediction(NamedTuple):
    """A suggestion, never a decision. `abstain` means: too unsure, a person should choose.

    `rule` is the agency's phrase that decided, None where the model did; `urgent_phrase` the agency's urgent
    words that were found, None where the model alone raised the flag or nothing did.
    """

    topic: str
    probability: float
    abstain: bool
    candidates: tuple[Candidate, ...]
    secondary: tuple[str, ...]
    voice: str | None
    urgent: bool
    rule: str | None = None
    urgent_phrase: str | None = None

    @property
    def sentiment(self) -> str | None:
        return SENTIMENT_OF_VOICE.get(self.voice) if self.voice else None


@dataclass(frozen=True, slots=True)
class WordWeight:
    """A word of the letter and what it adds to (or takes from) the topic's margin."""

    word: str
    weight: float


@dataclass(frozen=True, slots=True)
class Explanation:
    supports: tuple[WordWeight, ...]
    opposes: tuple[WordWeight, ...]


@dataclass(frozen=True, slots=True)
class Phrases:
    """What the agency's profile decides before the model, folded as letters are; values are as written."""

    urgent: tuple[tuple[str, str], ...] = ()
    rules: tuple[tuple[str, Rule], ...] = ()

    @classmethod
    def of(cls, urgent: Iterable[str], rules: Iterable[Rule]) -> Phrases:
        """Longer phrases first, so that the more exact rule decides."""
        words = {folded(phrase): phrase for phrase in urgent}
        exact = {folded(rule.phrase): rule for rule in rules}
        by_length = sorted(exact.items(), key=lambda item: (-len(item[0]), item[0]))
        return cls(
            tuple(sorted((key, word) for key, word in words.items() if key)),
            tuple((key, rule) for key, rule in by_length if key),
        )

    def urgent_in(self, text: str) -> str | None:
        """The first urgent phrase of a folded text, as the profile writes it."""
        return next((word for key, word in self.urgent if key in text), None)

    def rule_for(self, text: str) -> Rule | None:
        return next((rule for key, rule in self.rules if key in text), None)


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """Everything a prediction needs; immutable and picklable."""

    features: Features
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
    phrases: Phrases = field(default_factory=Phrases)
    comments: CommentModel | None = None
    """Reads open survey answers; None where the agency has no labelled comments."""
    scores: dict[str, Any] = field(default_factory=dict)
    """Out-of-fold scores of the training letters, with their n."""

    @property
    def labels(self) -> tuple[str, ...]:
        return self.topics.labels

    def predict(self, texts: Iterable[str]) -> list[Prediction]:
        """One prediction per text (subject joined to body). Any string goes; what says nothing abstains."""
        plain = fold_all(list(texts))
        if not plain:
            return []
        rows = self.features.rows(plain)
        chances = probabilities(self.topics.margins(rows), self.curve)
        rules = [self.phrases.rule_for(text) for text in plain]
        self._obey(rules, chances)
        ranks = np.argsort(-chances, axis=1, kind="stable")[:, :3]
        top = np.take_along_axis(chances, ranks, axis=1)
        voices = self.voices.best(rows) if self.voices.labels else [None] * len(plain)
        alarms = urgent_margins(self.urgent, rows) >= self.urgent_threshold
        empty = np.diff(rows.indptr) == 0
        found = [self.phrases.urgent_in(text) for text in plain]
        return [
            self._prediction(*row)
            for row in zip(
                ranks.tolist(),
                top.tolist(),
                empty.tolist(),
                voices,
                alarms.tolist(),
                rules,
                found,
                strict=True,
            )
        ]

    def _obey(self, rules: Sequence[Rule | None], chances: Floats) -> None:
        """A rule is trusted as far as an answer must be right; the other topics share what is left."""
        for row, rule in enumerate(rules):
            if rule is None or rule.topic not in self.labels:
                continue
            column = self.labels.index(rule.topic)
            sure = max(TARGET_ACCURACY, self.threshold, float(chances[row, column]))
            others = float(chances[row].sum() - chances[row, column])
            chances[row] *= (1 - min(sure, 1.0)) / max(others, 1e-12)
            chances[row, column] = min(sure, 1.0)

    def _prediction(
        self, rank: list[int], chances: list[float], empty: bool, voice: str | None, alarm: bool,
        rule: Rule | None, urgent_phrase: str | None,
    ) -> Prediction:  # fmt: skip
        candidates = tuple(
            Candidate(self.labels[at], chance) for at, chance in zip(rank, chances, strict=True)
        )
        best, floor = candidates[0], self.secondary_threshold
        secondary = (
            ()
            if floor is None or empty
            else tuple(item.topic for item in candidates[1 : 1 + MAX_SECONDARY] if item.probability >= floor)
        )
        decided = rule is not None and rule.topic == best.topic
        abstain = not decided and (empty or best.probability < self.threshold)
        return Prediction(
            best.topic, best.probability, abstain, candidates, secondary, voice,
            alarm or urgent_phrase is not None, rule.phrase if rule and decided else None, urgent_phrase,
        )  # fmt: skip

    def explain(self, text: str, topic: str, limit: int = 5) -> Explanation:
        """The words that speak most for and against a topic. Raises KeyError for a topic it does not know.

        Each feature's share of the margin is spread over the characters it covers, so that character pairs
        are told as the words they lie in; over all words the weights add up to the margin without its bias.
        """
        if topic not in self.labels:
            raise KeyError(topic)
        totals = self.word_weights(text, topic)
        told = [
            WordWeight(word, weight) for word, weight in totals.items() if len(word) > 1 and is_word(word)
        ]
        told.sort(key=lambda item: (-item.weight, item.word))
        supports = tuple(item for item in told if item.weight > 0)[:limit]
        opposes = tuple(item for item in reversed(told) if item.weight < 0)[:limit]
        return Explanation(supports, opposes)

    def word_weights(self, text: str, topic: str) -> dict[str, float]:
        """Share of a topic's margin for each piece of the text, punctuation included."""
        return self.features.word_values(text, self.topics.weights[:, self.labels.index(topic)])


def urgent_margins(head: Head, rows: csr_matrix) -> Floats:
    """How urgent each letter looks; minus infinity when nobody ever labelled one as urgent."""
    if "1" not in head.labels or len(head.labels) < 2:
        return np.full(rows.shape[0], -np.inf)
    return head.margins(rows)[:, head.labels.index("1")]


def train(
    letters: Sequence[Letter],
    *,
    seed: int,
    urgent_phrases: Iterable[str] = (),
    rules: Iterable[Rule] = (),
    comments: CommentModel | None = None,
    settings: Settings | None = None,
) -> TrainedModel:
    """Learn from labelled letters; thresholds and calibration come from letters the model had not seen.

    `urgent_phrases` and `rules` are the agency's own: what holds one is urgent, or of that topic, whatever
    the model says. `settings` are chosen on the letters when not given. Deterministic for one corpus, seed
    and set of versions. Raises ValueError with fewer than two topics.
    """
    if len({letter.topic for letter in letters}) < 2:
        raise ValueError("至少需要兩個主題的語料才能訓練。")
    phrases = Phrases.of(urgent_phrases, rules)
    texts = fold_all([letter.full_text for letter in letters])
    topics = [letter.topic for letter in letters]
    settings = settings or choose(texts, topics, seed=seed)
    features = Features.learn(texts, title=settings.title)
    rows = features.rows(texts)
    names, margins = out_of_fold(rows, topics, penalty=settings.penalty, seed=seed)
    truth = np.array([names.index(topic) for topic in topics])
    curve = fit_curve(margins, truth)
    chances = probabilities(margins, curve)
    threshold = answer_threshold(chances, truth, TARGET_ACCURACY)
    second = secondary_threshold(chances, names, [letter.secondary for letter in letters])
    voices, voice_scores = _train_voices(rows, letters, settings.penalty, seed)
    urgent, urgent_threshold, alarm_scores = _train_urgent(
        rows, letters, texts, phrases, settings.penalty, seed
    )
    scores = topic_scores(chances, truth, threshold) | voice_scores | alarm_scores
    scores |= {"penalty": settings.penalty, "title_field": settings.title}
    head = fit_head(rows, topics, penalty=settings.penalty, seed=seed)
    return TrainedModel(
        features, head, curve, threshold, second, voices, urgent, urgent_threshold, phrases, comments, scores
    )


def _train_voices(
    rows: csr_matrix, letters: Sequence[Letter], penalty: float, seed: int
) -> tuple[Head, dict[str, Any]]:
    known = [index for index, letter in enumerate(letters) if letter.voice is not None]
    labels = [str(letters[index].voice) for index in known]
    if not known:
        return fit_head(rows, [], penalty=penalty, seed=seed), {"voice_n": 0, "voice_accuracy": None}
    names, margins = out_of_fold(rows[known], labels, penalty=penalty, seed=seed)
    right = np.mean(
        [names[best] == label for best, label in zip(margins.argmax(axis=1), labels, strict=True)]
    )
    head = fit_head(rows[known], labels, penalty=penalty, seed=seed)
    return head, {"voice_n": len(known), "voice_accuracy": float(right)}


def _train_urgent(
    rows: csr_matrix, letters: Sequence[Letter], texts: Sequence[str], phrases: Phrases, penalty: float,
    seed: int,
) -> tuple[Head, float, dict[str, Any]]:  # fmt: skip
    known = [index for index, letter in enumerate(letters) if letter.urgent is not None]
    labels = ["1" if letters[index].urgent else "0" for index in known]
    head = fit_head(rows[known], labels, penalty=penalty, seed=seed)
    nothing = {"urgent_n": labels.count("1"), "urgent_recall": None, "urgent_precision": None}
    if len(head.labels) < 2:
        return head, np.inf, nothing
    _, margins = out_of_fold(rows[known], labels, penalty=penalty, seed=seed)
    truth: Flags = np.array([label == "1" for label in labels])
    ruled: Flags = np.array([phrases.urgent_in(texts[index]) is not None for index in known])
    threshold = recall_threshold(margins[:, 1], truth, ruled, URGENT_RECALL)
    return head, threshold, nothing | urgent_scores(margins[:, 1] >= threshold, ruled, truth)
