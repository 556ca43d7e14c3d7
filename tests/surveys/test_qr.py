"""The code on the poster holds the address, in shapes that print."""

from __future__ import annotations

import re

import segno

from portal.qr import QUIET, qr_code

ADDRESS = "https://mailbox.test/surveys/service?unit=taichung&channel=counter"


def test_the_drawing_has_every_dark_module_and_no_other() -> None:
    drawn = {
        (int(x) + step, int(y))
        for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", qr_code(ADDRESS))
        for step in range(int(width))
    }
    matrix = segno.make(ADDRESS, error="q", micro=False).matrix
    dark = {(x + QUIET, y + QUIET) for y, row in enumerate(matrix) for x, module in enumerate(row) if module}
    assert drawn == dark


def test_the_drawing_is_filled_and_needs_no_style() -> None:
    svg = qr_code(ADDRESS)
    assert "stroke" not in svg
    assert "style" not in svg
    assert 'fill="#fff"' in svg
