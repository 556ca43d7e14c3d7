"""The browser's session of a signed-in person; it ends when idle, and after twelve hours in any case."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import session as cookie
from sqlalchemy.orm import joinedload

from portal.access import Actor
from portal.accounts.models import User
from portal.accounts.services import as_actor
from portal.clock import utcnow
from portal.db import db

IDLE = timedelta(minutes=30)
LIFETIME = timedelta(hours=12)
TOUCH_EVERY = timedelta(minutes=1)


def open_session(user_id: int, *, now: datetime) -> None:
    """Begin a browser session; anything from before sign-in is dropped."""
    user = db.session.get_one(User, user_id)
    cookie.clear()
    moment = now.timestamp()
    cookie.update(user_id=user.id, epoch=user.session_epoch, began=moment, seen=moment)


def actor_from_session() -> Actor | None:
    """The signed-in person, or None. An idle, old or revoked session is forgotten."""
    user_id = cookie.get("user_id")
    if user_id is None:
        return None
    now = utcnow()
    seen = cookie.get("seen", 0)
    began = cookie.get("began", seen)  # a cookie from before `began` lives on from its last use
    user = db.session.get(User, user_id, options=[joinedload(User.unit)], populate_existing=True)
    if (
        user is None
        or not user.active
        or user.session_epoch != cookie.get("epoch")
        or _over(began, seen, now)
    ):
        cookie.clear()
        return None
    if _since(seen, now) > TOUCH_EVERY:
        cookie.update(began=began, seen=now.timestamp())
    return as_actor(user)


def _over(began: float, seen: float, now: datetime) -> bool:
    return _since(seen, now) > IDLE or _since(began, now) > LIFETIME


def _since(moment: float, now: datetime) -> timedelta:
    return now - datetime.fromtimestamp(moment, now.tzinfo)
