"""Where the agency's text resources lie, and how the text tools are set up with them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask, current_app

from analytics.services.versions import active_version
from portal.config import Config
from portal.profile import Profile

DATA = Path(__file__).parent / "data"
EXTENSION = "analytics"


@dataclass(frozen=True)
class Resources:
    """Folders and files of one agency; None where its profile names none."""

    corpus: Path | None
    terms: Path | None
    demo: Path | None
    models: Path
    cache_dir: Path
    frozen: Path | None = None
    comments: Path | None = None
    second_pass: Path | None = None

    @classmethod
    def of(cls, profile: Profile, config: Config) -> Resources:
        analysis = profile.analysis
        return cls(
            corpus=DATA / analysis.corpus if analysis.corpus else None,
            terms=DATA / analysis.terms if analysis.terms else None,
            demo=DATA / analysis.demo if analysis.demo else None,
            frozen=DATA / analysis.frozen if analysis.frozen else None,
            comments=DATA / analysis.comments if analysis.comments else None,
            second_pass=DATA / analysis.second_pass if analysis.second_pass else None,
            models=config.models,
            cache_dir=config.instance / "cache" / "jieba",
        )

    def prepare_text(self) -> None:
        """Load the agency's words, once a process; reading and training need them."""
        from analytics.text import configure  # the web process must not load the segmenter

        configure(terms=self.terms, cache_dir=self.cache_dir)


def init_app(app: Flask) -> None:
    found = Resources.of(app.extensions["profile"], app.config["QINGTING"])
    settings: dict[str, Any] = {
        "resources": found,
        "terms": found.terms,
        "cache_dir": found.cache_dir,
        "active_model": active_model,
    }
    app.extensions[EXTENSION] = settings


def resources() -> Resources:
    found: Resources = current_app.extensions[EXTENSION]["resources"]
    return found


def active_model() -> tuple[Path, str] | None:
    """Folder and checksum of the active classifier; the checksum is the database's, not the folder's."""
    version = active_version()
    if version is None:
        return None
    return resources().models / version.id, str(version.manifest["artifact_sha256"])
