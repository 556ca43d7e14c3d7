"""One small classifier for all tests that need one, trained once a session."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest
from flask import Flask

from analytics.corpus import read_corpus
from analytics.resources import EXTENSION, Resources
from analytics.services import suggestions
from tests.analytics.learning import BUREAU, learn, put_to_work, resources_in, write_corpus
from tests.factories import NOW


@dataclass(frozen=True)
class Trained:
    """A trained version outside of any database."""

    version: str
    manifest: dict[str, object]
    resources: Resources


@pytest.fixture(scope="session")
def jieba(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp() / "jieba"


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, jieba: Path) -> Trained:
    folder = tmp_path_factory.mktemp("trained")
    resources = resources_in(folder, jieba, corpus=write_corpus(folder / "corpus"))
    resources.prepare_text()
    assert resources.corpus is not None
    letters = read_corpus(resources.corpus, {topic.code for topic in BUREAU.topics})
    manifest = learn(letters, resources.models, urgent_phrases=(), now=NOW)
    row = asdict(manifest) | {"letters": len(letters), "labels": list(manifest.labels)}
    return Trained(manifest.version, row, resources)


@pytest.fixture(autouse=True)
def _no_model_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process keeps the model it loaded; a test starts as a new process would."""
    monkeypatch.setattr(suggestions, "_loaded", {})
    monkeypatch.setattr(suggestions, "_refused", set())


@pytest.fixture
def resources(ctx: Flask, trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Resources:
    """The application's text resources: the small corpus, and models of this test's own."""
    shutil.copytree(trained.resources.models, tmp_path / "models")
    own = resources_in(tmp_path, trained.resources.cache_dir, corpus=trained.resources.corpus)
    monkeypatch.setitem(ctx.extensions[EXTENSION], "resources", own)
    own.prepare_text()
    return own


@pytest.fixture
def classifier(resources: Resources, trained: Trained) -> str:
    """The small classifier, active; its version."""
    return put_to_work(trained.version, trained.manifest).id
