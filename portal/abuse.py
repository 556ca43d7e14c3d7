"""Against programs that write in masses, without puzzles for people: rates, a least time, a browser's work.

Settings are the profile's `protection`; see docs/abuse.md.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal, TypeVar, cast

from flask import Flask, current_app, request
from flask_limiter import Limiter
from itsdangerous import BadSignature, TimestampSigner

from portal.config import Config

View = TypeVar("View", bound=Callable[..., Any])
Kind = Literal["letters", "answers", "lookups", "programs"]

IPV6_HOME = 64
"""Bits of an IPv6 address that name one household; the rest is its own to choose."""


def sender() -> str:
    """Whom a rate is counted for: an address, of IPv6 its network."""
    address = request.remote_addr or ""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((known, IPV6_HOME), strict=False))
    return str(known)


limiter = Limiter(key_func=sender, strategy="fixed-window")


def limited(kind: Kind, *methods: str) -> Callable[[View], View]:
    """Count requests to this view, of these methods, at the profile's rate of its kind."""

    def rate() -> str:
        text: str = getattr(current_app.extensions["profile"].protection, kind)
        return text

    counted = limiter.shared_limit(
        rate, scope=kind, methods=list(methods or ("POST",)), exempt_when=lambda: not is_on()
    )

    def decorate(view: View) -> View:
        return cast(View, counted(view))

    return decorate


def settings(config: Config) -> dict[str, Any]:
    """Counters are kept in Redis for all processes, or in each process; there too while Redis is away."""
    return {
        "RATELIMIT_STORAGE_URI": config.redis_url or "memory://",
        "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": bool(config.redis_url),
        "RATELIMIT_KEY_PREFIX": "qingting",
    }


def init_app(app: Flask, config: Config) -> None:
    app.config.update(settings(config))
    limiter.init_app(app)


def is_on() -> bool:
    config: Config = current_app.config["QINGTING"]
    return config.limits


def stamp() -> str:
    """A signed moment: when a form was opened."""
    return _signer().sign("form").decode()


def opened_at(text: str | None) -> datetime | None:
    """The moment of a stamp; None for one that is not ours."""
    try:
        _, moment = _signer().unsign(text or "", return_timestamp=True)
    except BadSignature:
        return None
    return moment


def _signer() -> TimestampSigner:
    return TimestampSigner(current_app.config["QINGTING"].secret_key, salt="form-opened")


def is_worked_out(key: str, proof: str, bits: int) -> bool:
    """Whether SHA-256 of 「key:proof」 begins with so many zero bits. A key is good for one letter, so a
    proof is too."""
    digest = hashlib.sha256(f"{key}:{proof}".encode("utf-8", "replace")).digest()
    return int.from_bytes(digest) >> (len(digest) * 8 - bits) == 0
