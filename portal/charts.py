"""Charts drawn on the server as SVG with real text: one renderer for page and paper.

Vega-Lite through `vl-convert`: presentation attributes only, so an inline SVG passes the strict
policy. Drawn charts are kept by the hash of what they show. The drawing engine takes 120 MB and
never gives them back, so a short-lived process of its own draws what is not kept yet.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flask import current_app
from markupsafe import Markup, escape

from portal.config import ROOT

FONT = "Noto Sans TC, Noto Sans CJK TC, PingFang TC, Microsoft JhengHei, sans-serif"
SIZE = re.compile(r'^<svg([^>]*?) width="(\d+(?:\.\d+)?)" height="(\d+(?:\.\d+)?)"')


PATIENCE_SECONDS = 60


def render(spec: dict[str, Any], *, label: str) -> Markup:
    """An inline SVG of a Vega-Lite spec that scales with the page; `label` is its text alternative."""
    return render_all([spec], label=label)[0]


def render_all(specs: Sequence[dict[str, Any]], *, label: str) -> list[Markup]:
    """Several drawings of one thing; those that are not kept yet are drawn in one go."""
    texts = [json.dumps(_styled(spec), ensure_ascii=False, sort_keys=True) for spec in specs]
    kept = [_folder() / f"{hashlib.sha256(text.encode()).hexdigest()}.svg" for text in texts]
    _draw({path: text for path, text in zip(kept, texts, strict=True) if not path.exists()})
    return [_labelled(path.read_text(encoding="utf-8"), label) for path in kept]


def _draw(missing: dict[Path, str]) -> None:
    """Write the charts that are not kept yet, each whole or not at all."""
    if not missing:
        return
    _folder().mkdir(parents=True, exist_ok=True)
    done = subprocess.run(  # our own interpreter and module; the specs are its input
        [sys.executable, "-m", "portal.drawing"],
        cwd=ROOT,
        input=f"[{','.join(missing.values())}]".encode(),
        capture_output=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    for path, drawn in zip(missing, json.loads(done.stdout), strict=True):
        partial = path.with_suffix(f".{secrets.token_hex(4)}")
        partial.write_text(drawn, encoding="utf-8")
        partial.replace(path)


def _labelled(svg: str, label: str) -> Markup:
    svg = SIZE.sub(r"<svg\1", svg, count=1)
    return Markup(  # noqa: S704  # our own drawing of our own data; the label is escaped
        svg.replace("<svg", f'<svg role="img" aria-label="{escape(label)}"', 1)
    )


def _folder() -> Path:
    config = current_app.config["QINGTING"]
    folder: Path = config.instance / "cache" / "charts"
    return folder


def _styled(spec: dict[str, Any]) -> dict[str, Any]:
    axis = {"labelFontSize": 13, "titleFontSize": 13, "labelLimit": 240, "gridColor": "#d9dee3"}
    config = {"font": FONT, "background": "transparent", "axis": axis, "view": {"stroke": None}}
    return {"$schema": "https://vega.github.io/schema/vega-lite/v5.json", **spec, "config": config}
