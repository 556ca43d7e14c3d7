"""How good a model is, on letters it has not learned from. Every figure comes with its n."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.calibration import calibration_error
from analytics.classifier import TrainedModel, train
from analytics.corpus import Letter, folds
from analytics.features import Features, fold_all
from analytics.intervals import wilson
from analytics.linear import Head, Settings, choose, fit_head
from analytics.metrics import agreement, per_label

Labelled = tuple[str, str]
"""A text and its label, whatever the labels mean."""

SEED = 0
BOOTSTRAP = 200


def evaluate(model: TrainedModel, labelled: Sequence[Letter]) -> dict[str, Any]:
    """Scores of a model on labelled letters. A topic the model does not know counts as a mistake.

    Rates are shares between 0 and 1, None where there was nothing to measure; `…_interval` is the 95 %
    interval of the figure it is named after; `docs_s` is letters per second
    of this process's own computing time, from text to prediction. Raises ValueError without letters.
    """
    if not labelled:
        raise ValueError("沒有可評測的資料。")
    began = time.process_time()
    predictions = model.predict([letter.full_text for letter in labelled])
    seconds = max(time.process_time() - began, 1e-9)
    truth = [letter.topic for letter in labelled]
    found = [prediction.topic for prediction in predictions]
    right = np.array([one == other for one, other in zip(found, truth, strict=True)])
    top = np.array([prediction.probability for prediction in predictions])
    answered = np.array([not prediction.abstain for prediction in predictions])
    third = [
        topic in {candidate.topic for candidate in prediction.candidates}
        for prediction, topic in zip(predictions, truth, strict=True)
    ]
    result = (
        agreement(truth, found)
        | intervals(truth, found)
        | {
            "top3": float(np.mean(third)),
            "per_topic": per_label(truth, found),
            "ece": calibration_error(top, right),
            "threshold": model.threshold,
            "coverage": float(answered.mean()),
            "accuracy_answered": float(right[answered].mean()) if answered.any() else None,
            "docs_s": len(truth) / seconds,
        }
    )
    voices = [
        (letter.voice, item.voice) for letter, item in zip(labelled, predictions, strict=True) if letter.voice
    ]
    urgent = [(letter.urgent, item.urgent) for letter, item in zip(labelled, predictions, strict=True)]
    return result | _voice_scores(voices) | _urgent_scores(urgent)


def intervals(truth: Sequence[str], found: Sequence[str]) -> dict[str, list[float] | None]:
    """95 % intervals: Wilson's for accuracy, the bootstrap's percentiles for macro F1 (drawn anew)."""
    right = sum(one == other for one, other in zip(truth, found, strict=True))
    accuracy = wilson(right, len(truth))
    rng = np.random.default_rng(SEED)
    names = sorted(set(truth)) + sorted(set(found) - set(truth))
    place = {name: at for at, name in enumerate(names)}
    true, seen = np.array([place[one] for one in truth]), np.array([place[one] for one in found])
    draws = (rng.integers(0, len(truth), len(truth)) for _ in range(BOOTSTRAP))
    scores = [_macro_f1(true[draw], seen[draw], len(set(truth))) for draw in draws]
    return {
        "accuracy_interval": list(accuracy) if accuracy else None,
        "macro_f1_interval": np.percentile(scores, (2.5, 97.5)).tolist(),
    }


def _macro_f1(true: NDArray[np.int64], seen: NDArray[np.int64], labels: int) -> float:
    """As scikit-learn's over the first `labels` numbers, without its checks: drawn hundreds of times."""
    hits = np.bincount(true[true == seen], minlength=labels)[:labels]
    both = np.bincount(true, minlength=labels)[:labels] + np.bincount(seen, minlength=labels)[:labels]
    return float(np.mean(2 * hits / np.maximum(both, 1)))


def _voice_scores(pairs: Sequence[tuple[str | None, str | None]]) -> dict[str, Any]:
    right = [true == found for true, found in pairs]
    return {"voice_n": len(pairs), "voice_accuracy": float(np.mean(right)) if right else None}


def _urgent_scores(pairs: Sequence[tuple[bool | None, bool]]) -> dict[str, Any]:
    known = [(true, found) for true, found in pairs if true is not None]
    true = sum(1 for flag, _ in known if flag)
    found = sum(1 for _, flag in known if flag)
    hits = sum(1 for flag, seen in known if flag and seen)
    return {
        "urgent_n": true,
        "urgent_recall": hits / true if true else None,
        "urgent_precision": hits / found if found else None,
    }


def benchmark(learn: Sequence[Labelled], test: Sequence[Labelled]) -> dict[str, Any]:
    """The same pipeline trained and scored on any labels.

    `fit_s` and `docs_s` are computing time of this process, end to end from text; `peak_rss_mb` is the
    highest resident memory of the process so far. Raises ValueError with nothing to learn or to test.
    """
    if len({label for _, label in learn}) < 2 or not test:
        raise ValueError("訓練資料至少要有兩種標籤，測試資料不可為空。")
    began = time.process_time()
    reader = fit_any(learn)
    fitted = time.process_time()
    found = read_any(reader, [text for text, _ in test])
    seconds = max(time.process_time() - fitted, 1e-9)
    return agreement([label for _, label in test], found) | {
        "train_n": len(learn),
        "penalty": reader.settings.penalty,
        "title_field": reader.settings.title,
        "fit_s": fitted - began,
        "docs_s": len(test) / seconds,
        "peak_rss_mb": peak_rss_mb(),
    }


@dataclass(frozen=True, slots=True)
class AnyReader:
    """The pipeline of topics, learned on any labels."""

    settings: Settings
    features: Features
    head: Head


def fit_any(learn: Sequence[Labelled]) -> AnyReader:
    texts, labels = fold_all([text for text, _ in learn]), [label for _, label in learn]
    settings = choose(texts, labels, seed=SEED)
    features = Features.learn(texts, title=settings.title)
    head = fit_head(features.rows(texts), labels, penalty=settings.penalty, seed=SEED)
    return AnyReader(settings, features, head)


def read_any(reader: AnyReader, texts: Sequence[str]) -> list[str]:
    """The label of each text."""
    return reader.head.best(reader.features.rows(fold_all(texts)))


def peak_rss_mb() -> float:
    """Highest resident memory of this process so far, in MB (2^20 bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 if sys.platform != "darwin" else 1024 * 1024)


def cross_validate(
    letters: Sequence[Letter], folds_count: int = 5, seed: int = 0, *, urgent_phrases: Sequence[str] = ()
) -> dict[str, Any]:
    """Mean and standard deviation over folds of what `evaluate` finds; each fold fits its own thresholds.

    This is the honest figure: neither calibration nor threshold has seen the letters it is judged on.
    """
    fold_of = folds([letter.topic for letter in letters], count=folds_count, seed=seed)
    rounds, seen = [], []
    for number in range(folds_count):
        learn = [item for item, at in zip(letters, fold_of, strict=True) if at != number]
        held = [item for item, at in zip(letters, fold_of, strict=True) if at == number]
        model = train(learn, seed=seed, urgent_phrases=urgent_phrases)
        rounds.append(evaluate(model, held))
        found_here = [item.topic for item in model.predict([letter.full_text for letter in held])]
        seen.append(([letter.topic for letter in held], found_here))
    result: dict[str, Any] = {"n": len(letters), "folds": folds_count}
    truth, found = [one for part in seen for one in part[0]], [one for part in seen for one in part[1]]
    result |= intervals(truth, found)
    for key in _AVERAGED:
        values = [one[key] for one in rounds if one[key] is not None]
        result[key] = float(np.mean(values)) if values else None
        result[f"{key}_sd"] = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return result


_AVERAGED = (
    "accuracy",
    "macro_f1",
    "top3",
    "ece",
    "coverage",
    "accuracy_answered",
    "voice_accuracy",
    "urgent_recall",
    "urgent_precision",
)
