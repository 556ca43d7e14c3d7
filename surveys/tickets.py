"""One number for one filling of a questionnaire, so that a form sent twice is kept once.

The form carries a random key. The response's number is a keyed hash of it: the same form leads to the
same number, and the primary key refuses the second. The key itself is kept nowhere, and without the
installation's signing key nobody can go from one to the other; so nothing that stays on a visitor's
machine leads to their answers.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

KEY = re.compile(r"[A-Za-z0-9_-]{32}")
BITS = 63  # what a signed 64-bit column holds


def new_key() -> str:
    return secrets.token_urlsafe(24)


def own_key(typed: str | None) -> str:
    """The key a form was shown with; a new one when somebody changed it."""
    return typed if typed and KEY.fullmatch(typed) else new_key()


def number_for(key: str, signing_key: str) -> int:
    """The response's number for a key: 63 bits, never 0."""
    digest = hmac.digest(signing_key.encode(), f"survey-response:{key}".encode(), hashlib.sha256)
    return int.from_bytes(digest[:8], "big") >> (64 - BITS) or 1


def random_number() -> int:
    """A number for a response that has no key."""
    return secrets.randbits(BITS) or 1
