"""Rules of `analytics.model_store`: a model is used only when it is what its manifest says."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import joblib
import pytest

from analytics import text
from analytics.classifier import TrainedModel, train
from analytics.corpus import Letter, digest
from analytics.model_store import Manifest, ModelUnusable, load, read_manifest, save, verify

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LETTERS = [Letter("", f"電鍋起火第{number}次", "A") for number in range(6)]
LETTERS += [Letter("", f"磅秤不準第{number}次", "B") for number in range(6)]
CORPUS = digest(LETTERS)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    terms = Path(text.__file__).parent / "data" / "bsmi" / "terms.txt"
    text.configure(terms=terms, cache_dir=tmp_path_factory.getbasetemp() / "jieba")
    return train(LETTERS, seed=2)


@pytest.fixture
def stored(model: TrainedModel, tmp_path: Path) -> tuple[Path, Manifest]:
    return save(model, tmp_path / "models", corpus_sha256=CORPUS, seed=2, now=NOW)


def change(folder: Path, **values: object) -> None:
    file = folder / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | values), encoding="utf-8")


def test_a_stored_model_predicts_as_before(model: TrainedModel, stored: tuple[Path, Manifest]) -> None:
    folder, manifest = stored
    assert load(folder, expected_sha256=manifest.artifact_sha256).predict(["電鍋"]) == model.predict(["電鍋"])
    assert verify(folder) == manifest == read_manifest(folder)


def test_the_manifest_tells_what_the_model_is_made_of(stored: tuple[Path, Manifest]) -> None:
    folder, manifest = stored
    assert folder.name == manifest.version == f"20261123T120000.000Z-{CORPUS[:12]}"
    assert (manifest.labels, manifest.seed, manifest.corpus_sha256) == (("A", "B"), 2, CORPUS)
    assert {"python", "scikit-learn", "numpy", "jieba"} <= set(manifest.versions)
    assert manifest.scores["n"] == len(LETTERS)
    assert manifest.dictionary_sha256 == text.dictionary_digest()


def test_the_stamp_is_utc_whatever_zone_the_clock_has(model: TrainedModel, tmp_path: Path) -> None:
    taipei = NOW.astimezone(timezone(timedelta(hours=8)))
    assert save(model, tmp_path, corpus_sha256=CORPUS, seed=2, now=taipei)[0].name.startswith(
        "20261123T120000"
    )
    with pytest.raises(ValueError, match="時區"):
        save(model, tmp_path, corpus_sha256=CORPUS, seed=2, now=NOW.replace(tzinfo=None))


def test_a_version_is_never_replaced_and_nothing_half_written_stays(
    model: TrainedModel, stored: tuple[Path, Manifest]
) -> None:
    root = stored[0].parent
    with pytest.raises(OSError, match=re.escape(stored[0].name)):
        save(model, root, corpus_sha256=CORPUS, seed=2, now=NOW)
    assert [entry.name for entry in root.iterdir()] == [stored[0].name]


def test_a_changed_model_file_is_refused_before_it_is_read(stored: tuple[Path, Manifest]) -> None:
    file = stored[0] / "model.joblib"
    file.write_bytes(file.read_bytes()[:-1] + b"\x00")
    with pytest.raises(ModelUnusable, match="檢查碼不符"):
        load(stored[0])


def test_replacing_model_and_manifest_together_is_noticed_by_the_checksum_kept_elsewhere(
    stored: tuple[Path, Manifest],
) -> None:
    with pytest.raises(ModelUnusable, match="檢查碼不符"):
        load(stored[0], expected_sha256="0" * 64)


@pytest.mark.parametrize("package", ["scikit-learn", "numpy", "jieba", "python"])
def test_a_model_of_other_versions_is_refused(stored: tuple[Path, Manifest], package: str) -> None:
    change(stored[0], versions=dict(stored[1].versions) | {package: "0.1"})
    with pytest.raises(ModelUnusable, match=rf"{package} 0\.1→"):
        load(stored[0])


def test_a_model_of_other_features_is_refused(stored: tuple[Path, Manifest]) -> None:
    change(stored[0], features_version=0)
    with pytest.raises(ModelUnusable, match="舊版的特徵"):
        load(stored[0])


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"labels": 3}', '"x"', "null"])
def test_a_broken_manifest_is_said_plainly(stored: tuple[Path, Manifest], content: str) -> None:
    (stored[0] / "manifest.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelUnusable, match="請重新訓練"):
        load(stored[0])


def test_missing_files_are_said_plainly(stored: tuple[Path, Manifest]) -> None:
    with pytest.raises(ModelUnusable, match="找不到模型"):
        load(stored[0].parent / "none")
    (stored[0] / "model.joblib").unlink()
    with pytest.raises(ModelUnusable, match="找不到模型檔"):
        load(stored[0])


def test_something_else_with_a_right_checksum_is_refused(stored: tuple[Path, Manifest]) -> None:
    file = stored[0] / "model.joblib"
    joblib.dump({"not": "a model"}, file)
    change(stored[0], artifact_sha256=hashlib.sha256(file.read_bytes()).hexdigest())
    with pytest.raises(ModelUnusable, match="不是本系統的分類模型"):
        load(stored[0])
