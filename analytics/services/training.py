"""Training a new classifier version from the starter corpus and what people confirmed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from analytics import model_store
from analytics.classifier import Rule, TrainedModel, train
from analytics.comments import CommentModel, train_comments
from analytics.corpus import Letter, digest, read_comments, read_corpus
from analytics.learning import Label, Material, compare, divide
from analytics.models import ClassifierVersion
from analytics.resources import Resources
from analytics.services import versions
from feedback.models import Case
from portal.db import db
from portal.errors import BadInput
from portal.profile import Profile

SEED = 20260101
MAY_LOSE = 0.01
"""Out-of-fold macro F1 that a version may lie below the active one: the noise of a fold."""


@dataclass(frozen=True)
class Trained:
    """A new version, the one it was held against, and whether it took its place."""

    version: ClassifierVersion
    previous: ClassifierVersion | None
    activated: bool


def train_version(*, profile: Profile, resources: Resources, now: datetime, force: bool = False) -> Trained:
    """Train, store and register a version; activate it unless it is worse than the active one.

    Both are judged on the frozen letters and on the newest confirmed ones that neither has learned. Raises
    BadInput when the agency has neither a corpus nor enough confirmed letters.
    """
    resources.prepare_text()
    material = gather(profile, resources)
    if len({letter.topic for letter in material.learn}) < 2:
        raise BadInput("沒有可以訓練的資料：機關設定沒有語料，已確認主題的信也還不夠。")
    model = fit(material.learn, profile=profile, comments=comment_model(resources))
    _, manifest = model_store.save(
        model, resources.models, corpus_sha256=digest(material.learn), seed=SEED, now=now
    )
    previous = versions.active_version()
    row = asdict(manifest) | {
        "letters": len(material.learn),
        "labels": list(manifest.labels),
        "learned_until": material.learned_until.isoformat() if material.learned_until else None,
        "comparison": judge(model, previous, material, resources),
    }
    version = versions.register(manifest.version, row, now=now)
    activate = force or previous is None or not is_worse(version, previous)
    if activate:
        versions.activate(version.id, by=None, now=now)
    return Trained(version, previous, activate)


def fit(letters: Sequence[Letter], *, profile: Profile, comments: CommentModel | None) -> TrainedModel:
    """Train on labelled letters with the agency's phrases and rules; no database, nothing stored."""
    analysis = profile.analysis
    rules = [Rule(rule.phrase, rule.topic) for rule in analysis.rules]
    return train(letters, seed=SEED, urgent_phrases=analysis.urgent_phrases, rules=rules, comments=comments)


def comment_model(resources: Resources) -> CommentModel | None:
    """A reader of survey comments; None where the agency has no labelled ones."""
    return train_comments(read_comments(resources.comments), seed=SEED) if resources.comments else None


def gather(profile: Profile, resources: Resources) -> Material:
    """Everything labelled, dealt out into what is learned and what is kept to judge by."""
    topics = {topic.code for topic in profile.topics}
    corpus = read_corpus(resources.corpus, topics) if resources.corpus else []
    frozen = read_corpus(resources.frozen, topics) if resources.frozen else []
    return divide(corpus, confirmed_labels(topics), frozen)


def judge(
    model: TrainedModel, previous: ClassifierVersion | None, material: Material, resources: Resources
) -> dict[str, Any]:
    """The candidate and the active version on the same letters that neither has learned."""
    active = _stored(previous, resources)
    newest = [label.letter for label in material.newest if _unlearned(label, previous)]
    return {
        "against": previous.id if previous and active else None,
        "frozen": _beside(model, active, material.frozen),
        "newest": _beside(model, active, newest),
    }


def _beside(model: TrainedModel, active: TrainedModel | None, letters: Sequence[Letter]) -> dict[str, Any]:
    texts = [letter.full_text for letter in letters]
    found = [item.topic for item in model.predict(texts)]
    before = [item.topic for item in active.predict(texts)] if active else None
    return compare([letter.topic for letter in letters], found, before)


def _stored(version: ClassifierVersion | None, resources: Resources) -> TrainedModel | None:
    """The model of a version; None when it cannot be used any more, and then a candidate has no rival."""
    if version is None:
        return None
    try:
        return model_store.load(
            resources.models / version.id, expected_sha256=version.manifest["artifact_sha256"]
        )
    except model_store.ModelUnusable:
        return None


def _unlearned(label: Label, version: ClassifierVersion | None) -> bool:
    if version is not None and "learned_until" not in version.manifest:
        return label.confirmed_at > version.created_at  # older versions learned all there was
    until = version.manifest["learned_until"] if version else None
    return until is None or label.confirmed_at > datetime.fromisoformat(until)


def is_worse(candidate: ClassifierVersion, active: ClassifierVersion) -> bool:
    """Whether the comparison made at training says that it is worse on either set of letters.

    Where there was no letter to judge by, whether its out-of-fold macro F1 fell by more than noise.
    """
    parts = [candidate.manifest["comparison"][name] for name in ("frozen", "newest")]
    if any(part["n"] for part in parts):
        return any(part["worse"] for part in parts)
    return score(candidate, "macro_f1") < score(active, "macro_f1") - MAY_LOSE


def score(version: ClassifierVersion, name: str) -> float:
    return float(version.manifest["scores"].get(name) or 0.0)


def confirmed_labels(topics: Collection[str]) -> list[Label]:
    """Letters whose topic a person confirmed; each is one label for training."""
    rows = db.session.execute(
        sa.select(Case.subject, Case.body, Case.topic, Case.topic_confirmed_at)
        .where(Case.topic.in_(topics))
        .order_by(Case.topic_confirmed_at, Case.id)
    )
    return [
        Label(Letter(subject, body, topic), moment)
        for subject, body, topic, moment in rows
        if topic is not None and moment is not None
    ]


def labels_waiting() -> int:
    """Topics confirmed since a version was last trained, whether it went to work or waits."""
    newest = db.session.scalar(sa.select(sa.func.max(ClassifierVersion.created_at)))
    query = sa.select(sa.func.count()).select_from(Case).where(Case.topic_confirmed_at.is_not(None))
    if newest is not None:
        query = query.where(Case.topic_confirmed_at > newest)
    return db.session.scalar(query) or 0
