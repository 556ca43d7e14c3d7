"""A random share of the letters: chosen by chance alone, and the same ones whoever asks."""

from __future__ import annotations

import hashlib

RANDOM_SHARE = 5
"""One letter in so many."""


def in_random_share(number: str) -> bool:
    """Whether a letter belongs to the random share: decided by its case number alone, so by nothing it says.

    Figures taken on this share hold for all letters, also where people look at the hard ones first.
    """
    digest = hashlib.sha256(f"random share of {number}".encode()).digest()
    return int.from_bytes(digest[:8]) % RANDOM_SHARE == 0
