"""Bootstrap Icons written into the page: the few shapes a page needs instead of the whole sprite."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib.resources import files

from markupsafe import Markup

SYMBOL = r'<symbol[^>]*\bid="{name}"[^>]*>(.*?)</symbol>'


@lru_cache(maxsize=1)
def _sprite() -> str:
    path = files("flask_bootstrap") / "static" / "bootstrap5" / "icons" / "bootstrap-icons.svg"
    return path.read_text(encoding="utf-8")


@cache
def icon_shape(name: str) -> Markup:
    """The inside of one icon's <svg>. Raises LookupError for a name that the package does not have."""
    found = re.search(SYMBOL.format(name=re.escape(name)), _sprite(), re.DOTALL)
    if found is None:
        raise LookupError(f"no Bootstrap icon is called {name}")
    return Markup(found[1])  # noqa: S704  # a shape of the installed package
