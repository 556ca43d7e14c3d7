"""What happens in a demonstration, as data of its agency; read without loading the text libraries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from analytics.resources import Resources
from portal.errors import BadInput


def demo_folder(resources: Resources) -> Path:
    """Where the agency's demonstration lies. Raises BadInput when its profile names none."""
    if resources.demo is None:
        raise BadInput("這個機關設定沒有示範資料（analysis.demo）。")
    return resources.demo


def read_plot(folder: Path) -> dict[str, Any]:
    """What happens in the demonstration: accounts, bursts, improvements, survey levels."""
    plot: dict[str, Any] = yaml.safe_load((folder / "story.yaml").read_text(encoding="utf-8"))
    return plot
