"""Trained models on disk: `<root>/<UTC stamp>-<corpus hash>/{model.joblib, manifest.json}`.

A model file is a pickle and runs code when read; it is read only after its checksum agrees with the
manifest, and only with the versions it was made with.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import shutil
import tempfile
import warnings
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import joblib
from sklearn.exceptions import InconsistentVersionWarning

from analytics.classifier import TrainedModel
from analytics.text import FEATURES_VERSION, dictionary_digest

MODEL_FILE, MANIFEST_FILE = "model.joblib", "manifest.json"
PACKAGES = ("scikit-learn", "numpy", "scipy", "jieba", "rjieba", "opencc")


class ModelUnusable(Exception):
    """The stored model must not be used; the message says why, in Traditional Chinese, for operators."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is known of a stored model. `created` is UTC, ISO 8601; scores are out of fold, with their n."""

    version: str
    created: str
    artifact_sha256: str
    corpus_sha256: str
    dictionary_sha256: str
    features_version: int
    labels: tuple[str, ...]
    scores: dict[str, Any]
    threshold: float
    seed: int
    versions: dict[str, str] = field(default_factory=dict)


def current_versions() -> dict[str, str]:
    """Versions a model depends on; Python without its patch level, which does not change pickles.

    A package that is not installed (rjieba may be missing) is left out.
    """
    installed = {"python": ".".join(platform.python_version_tuple()[:2])}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            installed[name] = version(name)
    return installed


def save(
    model: TrainedModel, root: Path, *, corpus_sha256: str, seed: int, now: datetime
) -> tuple[Path, Manifest]:
    """Write a new version; it appears whole or not at all, and never replaces another."""
    if now.tzinfo is None:
        raise ValueError("時間必須帶有時區。")
    moment = now.astimezone(UTC)
    name = f"{moment:%Y%m%dT%H%M%S}.{moment.microsecond // 1000:03d}Z-{corpus_sha256[:12]}"
    buffer = io.BytesIO()
    joblib.dump(model, buffer, compress=("zlib", 1))
    data = buffer.getvalue()
    manifest = Manifest(
        version=name,
        created=moment.isoformat(timespec="seconds"),
        artifact_sha256=hashlib.sha256(data).hexdigest(),
        corpus_sha256=corpus_sha256,
        dictionary_sha256=dictionary_digest(),
        features_version=FEATURES_VERSION,
        labels=model.labels,
        scores=model.scores,
        threshold=model.threshold,
        seed=seed,
        versions=current_versions(),
    )
    root.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".new-", dir=root))
    try:
        scratch.chmod(0o755)
        (scratch / MODEL_FILE).write_bytes(data)
        text = json.dumps(asdict(manifest), ensure_ascii=False, indent=2)
        (scratch / MANIFEST_FILE).write_text(text + "\n", encoding="utf-8")
        os.rename(scratch, root / name)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return root / name, manifest


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a stored model. Raises `ModelUnusable` when it is missing or not one of ours."""
    try:
        row = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
        manifest = Manifest(**(row | {"labels": tuple(row["labels"])}))
    except OSError as error:
        raise ModelUnusable(f"找不到模型：{folder} 裡沒有可讀的 {MANIFEST_FILE}。") from error
    except (ValueError, TypeError, KeyError) as error:
        raise ModelUnusable(f"模型說明檔 {folder / MANIFEST_FILE} 的內容不完整，請重新訓練。") from error
    return manifest


def verify(folder: Path, *, expected_sha256: str | None = None) -> Manifest:
    """Check versions and checksum without running anything of the file. Raises `ModelUnusable`."""
    return _checked(folder, expected_sha256)[0]


def load(folder: Path, *, expected_sha256: str | None = None) -> TrainedModel:
    """The model of a version folder. Raises `ModelUnusable`.

    `expected_sha256` is the checksum kept elsewhere (the database), so that replacing both files is noticed.
    """
    _, data = _checked(folder, expected_sha256)
    with warnings.catch_warnings():
        warnings.simplefilter("error", InconsistentVersionWarning)
        try:
            model = joblib.load(io.BytesIO(data))
        except Exception as error:  # unpickling can raise anything; all of it means the same here
            raise ModelUnusable(
                f"模型 {folder.name} 無法載入（{type(error).__name__}），請重新訓練。"
            ) from error
    if not isinstance(model, TrainedModel):
        raise ModelUnusable(f"模型 {folder.name} 的內容不是本系統的分類模型。")
    return model


def _checked(folder: Path, expected_sha256: str | None) -> tuple[Manifest, bytes]:
    manifest = read_manifest(folder)
    try:
        data = (folder / MODEL_FILE).read_bytes()
    except OSError as error:
        raise ModelUnusable(f"找不到模型檔 {folder / MODEL_FILE}。") from error
    checksum = hashlib.sha256(data).hexdigest()
    if checksum != manifest.artifact_sha256 or expected_sha256 not in (None, checksum):
        raise ModelUnusable(f"模型 {folder.name} 的檢查碼不符，檔案可能毀損或遭更動，請重新訓練。")
    if manifest.features_version != FEATURES_VERSION:
        raise ModelUnusable(f"模型 {folder.name} 是以舊版的特徵訓練的，請重新訓練。")
    now = current_versions()
    changed = [
        f"{name} {was}→{now.get(name, '無')}"
        for name, was in manifest.versions.items()
        if was != now.get(name)
    ]
    if changed or set(manifest.versions) != set(now):
        raise ModelUnusable(
            f"模型 {folder.name} 與目前套件版本不同（{'、'.join(changed) or '項目不全'}），請重新訓練。"
        )
    return manifest, data
