"""Training a new classifier version from the starter corpus and what people confirmed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from analytics import model_store
from analytics.classifier import train
from analytics.corpus import Letter, digest, read_corpus
from analytics.models import ClassifierVersion
from analytics.resources import Resources
from analytics.services import versions
from feedback.models import Case
from portal.db import db
from portal.errors import BadInput
from portal.profile import Profile

SEED = 20260101
MAY_LOSE = 0.01
"""Macro-F1 that a new version may lie below the active one and still replace it: the noise of a fold."""


@dataclass(frozen=True)
class Trained:
    """A new version, the one it was held against, and whether it took its place."""

    version: ClassifierVersion
    previous: ClassifierVersion | None
    activated: bool


def train_version(*, profile: Profile, resources: Resources, now: datetime, force: bool = False) -> Trained:
    """Train, store and register a version; activate it unless it is worse than the active one.

    Raises BadInput when the agency has neither a corpus nor enough confirmed letters.
    """
    resources.prepare_text()
    topics = {topic.code for topic in profile.topics}
    letters = _corpus(resources.corpus, topics) + confirmed_letters(topics)
    if len({letter.topic for letter in letters}) < 2:
        raise BadInput("沒有可以訓練的資料：機關設定沒有語料，已確認主題的信也還不夠。")
    phrases = profile.analysis.urgent_phrases
    manifest = learn(letters, resources.models, urgent_phrases=phrases, now=now)
    previous = versions.active_version()
    row = asdict(manifest) | {"letters": len(letters), "labels": list(manifest.labels)}
    version = versions.register(manifest.version, row, now=now)
    activate = force or previous is None or not is_worse(version, previous)
    if activate:
        versions.activate(version.id, by=None, now=now)
    return Trained(version, previous, activate)


def learn(
    letters: Sequence[Letter], root: Path, *, urgent_phrases: Sequence[str], now: datetime
) -> model_store.Manifest:
    """Train on labelled letters and store the result under `root`; no database."""
    model = train(letters, seed=SEED, urgent_phrases=urgent_phrases)
    _, manifest = model_store.save(model, root, corpus_sha256=digest(letters), seed=SEED, now=now)
    return manifest


def is_worse(candidate: ClassifierVersion, active: ClassifierVersion) -> bool:
    """Whether the out-of-fold macro-F1 fell by more than the noise of a fold."""
    return score(candidate, "macro_f1") < score(active, "macro_f1") - MAY_LOSE


def score(version: ClassifierVersion, name: str) -> float:
    return float(version.manifest["scores"].get(name) or 0.0)


def confirmed_letters(topics: Collection[str]) -> list[Letter]:
    """Letters whose topic a person confirmed; each is one label for training."""
    rows = db.session.execute(
        sa.select(Case.subject, Case.body, Case.topic).where(Case.topic.in_(topics)).order_by(Case.id)
    )
    return [Letter(subject, body, topic) for subject, body, topic in rows if topic]


def _corpus(folder: Path | None, topics: Collection[str]) -> list[Letter]:
    return read_corpus(folder, topics) if folder else []
