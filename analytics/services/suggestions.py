"""The job that reads new letters: loads the active classifier once and records what it thinks."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from datetime import datetime

from analytics import model_store
from analytics.classifier import Prediction, TrainedModel
from analytics.corpus import join
from analytics.resources import Resources
from analytics.services.versions import active_version
from analytics.text import align, fold, folded
from feedback.models import Case
from feedback.queries import unclassified
from feedback.services.suggesting import Guess, record_suggestion
from portal.db import transaction
from portal.profile import Profile

log = logging.getLogger(__name__)

BATCH = 200
WORDS_SHOWN = 5
MARKED_CHARS, MARKS = 3_000, 40

_loaded: dict[str, TrainedModel] = {}
_refused: set[str] = set()


def suggest_pending(*, profile: Profile, resources: Resources, now: datetime) -> int:
    """Record a suggestion for every letter without one; return how many.

    Without a usable active classifier nothing happens, and letters wait.
    """
    model = load_active(resources)
    if model is None:
        return 0
    version_id, trained = model
    done = 0
    while cases := unclassified(BATCH):
        done += suggest_for(cases, version_id, trained, profile=profile, now=now)
    return done


def suggest_for(
    cases: Sequence[Case], version_id: str, model: TrainedModel, *, profile: Profile, now: datetime
) -> int:
    """Classify these letters and record it, all in one transaction."""
    texts = [join(case.subject, case.body) for case in cases]
    guesses = [
        guess_of(version_id, prediction, model, text)
        for text, prediction in zip(texts, model.predict(texts), strict=True)
    ]
    with transaction():
        for case, guess in zip(cases, guesses, strict=True):
            record_suggestion(case.id, guess, profile=profile, now=now)
    return len(cases)


def load_active(resources: Resources) -> tuple[str, TrainedModel] | None:
    """The active version and its model, kept in memory; None when there is none that can be used."""
    version = active_version()
    if version is None:
        return None
    if version.id not in _loaded:
        resources.prepare_text()
        try:
            model = model_store.load(
                resources.models / version.id, expected_sha256=version.manifest["artifact_sha256"]
            )
        except model_store.ModelUnusable:
            if version.id not in _refused:  # the job tries again every few seconds
                log.exception("the active classifier cannot be used", extra={"version": version.id})
            _refused.add(version.id)
            return None
        _refused.discard(version.id)
        _loaded.clear()
        _loaded[version.id] = model
    return version.id, _loaded[version.id]


def guess_of(version_id: str, prediction: Prediction, model: TrainedModel, text: str) -> Guess:
    """A prediction of a letter (subject joined to body) as it is kept beside the letter."""
    why = model.explain(text, prediction.topic, limit=WORDS_SHOWN)
    words = [item.word for item in why.supports]
    first, second = [*(item.probability for item in prediction.candidates), 0.0][:2]
    return Guess(
        model_version=version_id,
        topic=prediction.topic,
        probability=round(prediction.probability, 4),
        abstained=prediction.abstain,
        voice=prediction.voice,
        candidates=[
            {"topic": item.topic, "probability": round(item.probability, 4)} for item in prediction.candidates
        ],
        words=words,
        against=[item.word for item in why.opposes],
        marks=marks(text, [prediction.rule] if prediction.rule else words),
        secondary=list(prediction.secondary),
        rule=prediction.rule,
        alarm=prediction.urgent,
        urgent_phrase=prediction.urgent_phrase,
        margin=round(first - second, 4),
        unknown_words=round(model.features.unknown_share(folded(text)), 4),
        sure_from=model.threshold,
    )


def marks(text: str, words: Sequence[str]) -> list[list[int]]:
    """Where words of the clean text stand in the text as written: [start, end] spans, in order, apart.

    Only the first `MARKED_CHARS` characters are looked at, and at most `MARKS` spans are told.
    """
    aligned = align(text[:MARKED_CHARS])
    plain = fold(aligned.clean)
    pattern = "|".join(re.escape(folded(word)) for word in sorted(words, key=len, reverse=True) if word)
    if not pattern:
        return []
    found = [aligned.original(*match.span()) for match in re.finditer(pattern, plain)]
    return [list(span) for span in found[:MARKS]]
