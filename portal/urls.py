"""Where this installation is reached from outside."""

from __future__ import annotations

from flask import current_app, request


def site_url() -> str:
    """The address that goes into pages and QR codes, without a slash at the end.

    The configured one; the request's only where none is configured.
    """
    return _configured() or request.host_url.rstrip("/")


def for_mail(address: str) -> str:
    """The address if mail may name it, otherwise nothing.

    Only the configured one: a request's Host header is the sender's to choose, and mail goes to others.
    """
    return address if address == _configured() else ""


def _configured() -> str:
    configured: str = current_app.config["QINGTING"].base_url
    return configured
