"""What an operator is told about the classifier, without loading the text libraries."""

from __future__ import annotations

import hashlib
import platform
from datetime import datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from analytics.models import ClassifierVersion
from analytics.resources import resources
from analytics.services.versions import active_version
from feedback.queries import has_unclassified
from portal.health import Check

NAME = "classifier"


def classifier_check(now: datetime) -> Check:
    """An agency without a corpus works without suggestions; that is said, not a fault."""
    active = active_version()
    if active is None:
        return Check(NAME, True, "沒有啟用的分類模型；信件不會有建議主題（flask analytics train）。")
    fault = fault_of(active)
    if fault:
        return Check(NAME, False, f"分類模型 {active.id} {fault}；請執行 flask analytics train。")
    return Check(NAME, True, f"分類模型 {active.id} 使用中。")


def can_suggest(now: datetime) -> bool:
    """Whether letters wait for a suggestion and there is a model that the job would take."""
    active = active_version()
    return active is not None and has_unclassified() and fault_of(active) is None


def fault_of(active: ClassifierVersion) -> str | None:
    """Why the job would refuse this model: the grounds of `model_store.load` that are cheap to look at."""
    manifest, file = active.manifest, resources().models / active.id / "model.joblib"
    try:
        state = file.stat()
        checksum = _checksum(file, state.st_mtime_ns, state.st_size)
    except OSError:
        return "的檔案不見了"
    if checksum != manifest["artifact_sha256"]:
        return "的檔案毀損或遭更動"
    if any(_installed(name) != trained_with for name, trained_with in manifest["versions"].items()):
        return "是以其他版本的套件訓練的"
    return None


@lru_cache(maxsize=4)
def _checksum(file: Path, changed: int, size: int) -> str:
    """Read again only when the file was written again: the check runs every few seconds."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _installed(name: str) -> str | None:
    if name == "python":
        return ".".join(platform.python_version_tuple()[:2])
    try:
        return version(name)
    except PackageNotFoundError:
        return None
