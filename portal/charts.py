"""Charts drawn on the server as SVG with real text: one renderer for page and paper.

Vega-Lite through `vl-convert`: presentation attributes only, so an inline SVG passes the strict
policy. Drawn charts are kept by the hash of what they show.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from flask import current_app
from markupsafe import Markup, escape

FONT = "Noto Sans TC, Noto Sans CJK TC, PingFang TC, Microsoft JhengHei, sans-serif"
SIZE = re.compile(r'^<svg([^>]*?) width="(\d+(?:\.\d+)?)" height="(\d+(?:\.\d+)?)"')


def render(spec: dict[str, Any], *, label: str) -> Markup:
    """An inline SVG of a Vega-Lite spec that scales with the page; `label` is its text alternative."""
    text = json.dumps(_styled(spec), ensure_ascii=False, sort_keys=True)
    kept = _folder() / f"{hashlib.sha256(text.encode()).hexdigest()}.svg"
    if not kept.exists():
        # Imported on first use: its engine takes 60 MB, which most web processes never need.
        import vl_convert

        kept.parent.mkdir(parents=True, exist_ok=True)
        drawn = vl_convert.vegalite_to_svg(json.loads(text))
        partial = kept.with_suffix(".partial")
        partial.write_text(drawn, encoding="utf-8")
        partial.replace(kept)
    svg = SIZE.sub(r'<svg\1 class="chart-svg"', kept.read_text(encoding="utf-8"), count=1)
    return Markup(svg.replace("<svg", f'<svg role="img" aria-label="{escape(label)}"', 1))


def _folder() -> Path:
    config = current_app.config["QINGTING"]
    folder: Path = config.instance / "cache" / "charts"
    return folder


def _styled(spec: dict[str, Any]) -> dict[str, Any]:
    axis = {"labelFontSize": 13, "titleFontSize": 13, "labelLimit": 240, "gridColor": "#d9dee3"}
    config = {"font": FONT, "background": "transparent", "axis": axis, "view": {"stroke": None}}
    return {"$schema": "https://vega.github.io/schema/vega-lite/v5.json", **spec, "config": config}
