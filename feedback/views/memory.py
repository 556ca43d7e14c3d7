"""What one browser may see for half an hour: the receipt it was just given, the letters it has opened.

Kept in the signed session cookie, so that no address ever holds a secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import session

from feedback.services.intake import Receipt

KEEP = timedelta(minutes=30)
MOST = 10
RECEIPT, OPENED = "receipt", "opened_letters"
REQUEST_RECEIPT, OPENED_REQUESTS = "request_receipt", "opened_requests"
RECEIPTS, SHELVES = (RECEIPT, REQUEST_RECEIPT), (OPENED, OPENED_REQUESTS)


@dataclass(frozen=True)
class Shown:
    """A receipt that may still be shown."""

    number: str
    secret: str


def keep_receipt(receipt: Receipt | Shown, *, now: datetime, shelf: str = RECEIPT) -> None:
    session[shelf] = {"number": receipt.number, "secret": receipt.secret, "until": _until(now)}


def receipt(shelf: str = RECEIPT) -> Shown | None:
    kept = session.get(shelf)
    return Shown(kept["number"], kept["secret"]) if kept else None


def drop_receipt(shelf: str = RECEIPT) -> None:
    session.pop(shelf, None)


def open_letter(number: str, *, now: datetime, shelf: str = OPENED) -> None:
    """Remember that this browser has shown the letter's secret; the oldest of many is forgotten."""
    opened = {**session.get(shelf, {}), number: _until(now)}
    session[shelf] = dict(sorted(opened.items(), key=lambda item: item[1])[-MOST:])


def is_open(number: str, shelf: str = OPENED) -> bool:
    return number in session.get(shelf, {})


def opened_letters() -> list[str]:
    return list(session.get(OPENED, {}))


def leave() -> None:
    """Forget every letter, for a computer that others use too."""
    for shelf in (*SHELVES, *RECEIPTS):
        session.pop(shelf, None)


def forget_expired(now: datetime) -> None:
    """Drop what has run out."""
    moment = now.timestamp()
    for shelf in RECEIPTS:
        if session.get(shelf, {}).get("until", moment) < moment:
            drop_receipt(shelf)
    for shelf in SHELVES:
        opened = session.get(shelf, {})
        current = {number: until for number, until in opened.items() if until >= moment}
        if current != opened:
            session[shelf] = current


def _until(now: datetime) -> float:
    return (now + KEEP).timestamp()
