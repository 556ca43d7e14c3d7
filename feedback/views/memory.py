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


@dataclass(frozen=True)
class Shown:
    """A receipt that may still be shown."""

    number: str
    secret: str


def keep_receipt(receipt: Receipt, *, now: datetime) -> None:
    session[RECEIPT] = {"number": receipt.number, "secret": receipt.secret, "until": _until(now)}


def receipt() -> Shown | None:
    kept = session.get(RECEIPT)
    return Shown(kept["number"], kept["secret"]) if kept else None


def drop_receipt() -> None:
    session.pop(RECEIPT, None)


def open_letter(number: str, *, now: datetime) -> None:
    """Remember that this browser has shown the letter's secret; the oldest of many is forgotten."""
    opened = {**session.get(OPENED, {}), number: _until(now)}
    session[OPENED] = dict(sorted(opened.items(), key=lambda item: item[1])[-MOST:])


def is_open(number: str) -> bool:
    return number in session.get(OPENED, {})


def opened_letters() -> list[str]:
    return list(session.get(OPENED, {}))


def leave() -> None:
    """Forget every letter, for a computer that others use too."""
    session.pop(OPENED, None)
    drop_receipt()


def forget_expired(now: datetime) -> None:
    """Drop what has run out."""
    moment = now.timestamp()
    if session.get(RECEIPT, {}).get("until", moment) < moment:
        drop_receipt()
    opened = session.get(OPENED, {})
    current = {number: until for number, until in opened.items() if until >= moment}
    if current != opened:
        session[OPENED] = current


def _until(now: datetime) -> float:
    return (now + KEEP).timestamp()
