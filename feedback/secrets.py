"""The secret that opens a letter: made from its sender's key, kept only as a hash."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import unicodedata

# Crockford's letters: no I, L, O or U, which people mix up with digits.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 12
# Between year and number may stand any dash that a keyboard or a copied text gives.
NUMBER = re.compile(r"([0-9]{2,3})[-‐-―−]?([0-9]{6,9})")
LOOK_ALIKES = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None})


def new_key() -> str:
    """A random key for one submission."""
    return secrets.token_urlsafe(24)


def derive_secret(signing_key: str, submission_key: str) -> str:
    """Twelve characters (60 bits). The same submission always gets the same secret, so that a
    repeated request can be answered again although the secret itself is not stored."""
    digest = hmac.digest(signing_key.encode(), b"case-secret:" + submission_key.encode(), "sha256")
    number = int.from_bytes(digest[:8], "big")
    return "".join(ALPHABET[(number >> (5 * place)) & 31] for place in range(LENGTH))


def tidy_number(typed: str) -> str:
    """A letter's number as it is stored; empty when it cannot be one. Full-width digits, spaces and a
    missing dash do not matter."""
    found = NUMBER.fullmatch("".join(unicodedata.normalize("NFKC", typed).split()))
    return f"{found[1]}-{found[2]}" if found else ""


def hash_secret(number: str, secret: str) -> str:
    """What is stored. Typing habits do not matter: case, width, spaces, dashes, O for 0."""
    typed = "".join(unicodedata.normalize("NFKC", secret).upper().split()).translate(LOOK_ALIKES)
    return hashlib.sha256(f"{number}:{typed}".encode()).hexdigest()


def matches(number: str, secret: str, stored: str) -> bool:
    return hmac.compare_digest(hash_secret(number, secret), stored)
