"""A small invented corpus and the classifier trained on it, for tests that need one at work."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from analytics import model_store
from analytics.classifier import train
from analytics.comments import CommentModel
from analytics.corpus import Letter, digest
from analytics.models import ClassifierVersion
from analytics.resources import DATA, Resources
from analytics.services import versions
from portal.profile import PROFILES, Profile, load_profile
from tests.factories import NOW

BUREAU = load_profile(PROFILES / "bsmi.yaml")
LIBRARY = load_profile(PROFILES / "example-library.yaml")
OPENINGS = ("請問", "您好，", "想反映：", "麻煩說明", "上週", "朋友說")


def write_corpus(folder: Path, profile: Profile = BUREAU, *, openings: tuple[str, ...] = OPENINGS) -> Path:
    """Letters made of each topic's own hint, so that a letter with those words is recognised."""
    folder.mkdir(parents=True, exist_ok=True)
    for topic in profile.topics:
        rows = [
            {"subject": "", "text": f"{opening}{topic.hint}", "topic": topic.code} for opening in openings
        ]
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{topic.code}.jsonl").write_text(text, encoding="utf-8")
    return folder


def resources_in(folder: Path, jieba: Path, *, corpus: Path | None = None) -> Resources:
    """Text resources of a test: its own models, the segmenter's cache shared by all tests."""
    return Resources(
        corpus=corpus, terms=DATA / "bsmi" / "terms.txt", demo=None, models=folder / "models", cache_dir=jieba
    )


def hint(code: str) -> str:
    """Words that the small classifier knows to be of a topic."""
    found = BUREAU.topic(code)
    assert found is not None
    return found.hint


def learn(
    letters: Sequence[Letter],
    root: Path,
    *,
    urgent_phrases: Sequence[str] = (),
    comments: CommentModel | None = None,
    now: datetime = NOW,
) -> model_store.Manifest:
    """Train on these letters and store the result under `root`; no database."""
    model = train(letters, seed=1, urgent_phrases=urgent_phrases, comments=comments)
    return model_store.save(model, root, corpus_sha256=digest(letters), seed=1, now=now)[1]


def put_to_work(version: str, manifest: dict[str, object], *, now: datetime = NOW) -> ClassifierVersion:
    versions.register(version, manifest, now=now)
    return versions.activate(version, by=None, now=now)
