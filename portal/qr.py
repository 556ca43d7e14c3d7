"""QR codes for pages and paper."""

from __future__ import annotations

from itertools import groupby

import segno
from markupsafe import Markup

QUIET = 4
"""Modules of white that the standard asks for on each side."""


def qr_code(text: str) -> Markup:
    """The text as an inline SVG that is as wide as its place; a quarter of it may be soiled.

    Drawn as filled shapes: the stroked lines that the library writes come out bent when a browser
    prints to PDF and the PDF is shown or printed by poppler.
    """
    matrix = segno.make(text, error="q", micro=False).matrix
    size = len(matrix) + 2 * QUIET
    shapes = "".join(_row(list(row), y) for y, row in enumerate(matrix, start=QUIET))
    return Markup(
        '<svg viewBox="0 0 {size} {size}" shape-rendering="crispEdges">'
        '<rect width="{size}" height="{size}" fill="#fff"></rect><path fill="#000" d="{shapes}"></path></svg>'
    ).format(size=size, shapes=shapes)


def _row(modules: list[int], y: int) -> str:
    """Each run of dark modules as one rectangle."""
    shapes, x = "", QUIET
    for dark, run in groupby(bool(module) for module in modules):
        width = len(list(run))
        if dark:
            shapes += f"M{x} {y}h{width}v1h-{width}z"
        x += width
    return shapes
