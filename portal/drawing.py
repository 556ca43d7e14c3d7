"""`python -m portal.drawing`: Vega-Lite specs in (a JSON list), SVG texts out (a JSON list)."""

from __future__ import annotations

import json
import sys

import vl_convert

if __name__ == "__main__":
    json.dump([vl_convert.vegalite_to_svg(spec) for spec in json.load(sys.stdin)], sys.stdout)
