"""Where files lie: one folder beside the database, never served by a web server, names that say nothing."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

NAME = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Store:
    """Files by random name under `root`. Who may read one is decided by whoever knows its name."""

    root: Path

    def put(self, data: bytes) -> str:
        """Write the bytes so that they survive a crash; return their name."""
        name = secrets.token_hex(16)
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        half = path.with_suffix(".part")
        handle = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        half.rename(path)
        return name

    def path(self, name: str) -> Path:
        """Where a file lies. Raises ValueError for what is no name of ours."""
        if not NAME.fullmatch(name):
            raise ValueError("not the name of a stored file")
        return self.root / name[:2] / name

    def delete(self, name: str) -> None:
        self.path(name).unlink(missing_ok=True)

    def older_than(self, moment: datetime) -> Iterator[tuple[str, Path]]:
        """Names and paths of everything written before a moment, half-written files too."""
        for path in self.root.glob("??/*"):
            if datetime.fromtimestamp(path.stat().st_mtime, UTC) < moment:
                yield path.stem, path
