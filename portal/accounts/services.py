"""Sign-in, lock-out and account changes: the only writers of accounts.

資通安全責任等級分級辦法 附表十: five failures lock an account for fifteen minutes; a first password is
changed at first sign-in; an idle session ends by itself.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import session as cookie
from sqlalchemy.orm import joinedload

from portal.access import Actor, Role
from portal.accounts.models import User
from portal.audit import record
from portal.clock import utcnow
from portal.db import db, transaction
from portal.errors import BadInput, DomainError
from portal.units import Unit

MAX_FAILURES = 5
LOCK = timedelta(minutes=15)
IDLE = timedelta(minutes=30)
TOUCH_EVERY = timedelta(minutes=1)
MIN_PASSWORD = 12

hasher = PasswordHasher()
DECOY = hasher.hash("an unknown user costs as much time as a known one")


class SignInRefused(DomainError):
    message = "帳號或密碼不正確。"


class AccountLocked(SignInRefused):
    message = "連續 5 次輸入錯誤，這個帳號已暫停登入 15 分鐘。"


def add_user(
    *, username: str, name: str, role: Role, unit_code: str, password: str, now: datetime, first_login: bool = True
) -> int:
    """Create an account and return its id. Raises BadInput when a value cannot be used."""
    check_password(password)
    with transaction() as session:
        unit = session.scalar(sa.select(Unit).where(Unit.code == unit_code))
        if unit is None:
            raise BadInput(f"沒有代碼為「{unit_code}」的單位。")
        if session.scalar(sa.select(User.id).where(User.username == username)):
            raise BadInput(f"帳號「{username}」已經有人使用。")
        user = User(
            username=username,
            name=name,
            role=role,
            unit_id=unit.id,
            password_hash=hasher.hash(password),
            must_change_password=first_login,
            created_at=now,
        )
        session.add(user)
        session.flush()
        record(session, "account.added", "user", user.id, actor_id=None, now=now, role=role.value)
    return user.id


def check_password(password: str) -> None:
    """Raise BadInput when a password is too easy."""
    if len(password) < MIN_PASSWORD or password.isdigit() or password.isalpha():
        raise BadInput(f"密碼至少 {MIN_PASSWORD} 個字元，而且不能全是數字或全是英文字母。")


def sign_in(*, username: str, password: str, now: datetime) -> int:
    """Check a password and return the account's id.

    Raises SignInRefused, or AccountLocked from the fifth failure on. The attempt is counted before
    the refusal is raised, so it is kept.
    """
    with transaction() as session:
        user = session.scalar(sa.select(User).where(User.username == username).with_for_update())
        refused = _refusal(user, password, now)
        if user is not None:
            action = "account.signed_in" if refused is None else "account.sign_in_refused"
            record(session, action, "user", user.id, actor_id=user.id, now=now)
    if refused is not None:
        raise refused
    assert user is not None
    return user.id


def _refusal(user: User | None, password: str, now: datetime) -> SignInRefused | None:
    correct = _matches(user.password_hash if user else DECOY, password)
    if user is None or not user.active:
        return SignInRefused()
    if user.locked_until and user.locked_until > now:
        return AccountLocked()
    if correct:
        user.failures, user.locked_until, user.last_sign_in_at = 0, None, now
        return None
    user.failures += 1
    if user.failures < MAX_FAILURES:
        return SignInRefused()
    user.failures, user.locked_until = 0, now + LOCK
    return AccountLocked()


def _matches(stored: str, password: str) -> bool:
    try:
        return hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def change_password(user_id: int, *, old: str, new: str, now: datetime) -> None:
    """Set a new password and end every open session of the account."""
    check_password(new)
    with transaction() as session:
        user = session.get_one(User, user_id)
        if not _matches(user.password_hash, old):
            raise BadInput("目前的密碼不正確。")
        if _matches(user.password_hash, new):
            raise BadInput("新密碼不能和目前的密碼相同。")
        user.password_hash, user.must_change_password = hasher.hash(new), False
        user.session_epoch += 1
        record(session, "account.password_changed", "user", user_id, actor_id=user_id, now=now)


def open_session(user_id: int, *, now: datetime) -> None:
    """Begin a browser session; anything from before sign-in is dropped."""
    user = db.session.get_one(User, user_id)
    cookie.clear()
    cookie.update(user_id=user.id, epoch=user.session_epoch, seen=now.timestamp())


def actor_from_session() -> Actor | None:
    """The signed-in person, or None. An idle or revoked session is forgotten."""
    user_id = cookie.get("user_id")
    if user_id is None:
        return None
    now = utcnow()
    seen = datetime.fromtimestamp(cookie.get("seen", 0), now.tzinfo)
    user = db.session.get(User, user_id, options=[joinedload(User.unit)])
    if user is None or not user.active or user.session_epoch != cookie.get("epoch") or now - seen > IDLE:
        cookie.clear()
        return None
    if now - seen > TOUCH_EVERY:
        cookie["seen"] = now.timestamp()
    return as_actor(user)


def as_actor(user: User) -> Actor:
    """A snapshot of an account whose unit is loaded."""
    return Actor(
        id=user.id,
        name=user.name,
        role=user.role,
        unit_id=user.unit_id,
        unit_code=user.unit.code,
        unit_name=user.unit.name,
        must_change_password=user.must_change_password,
    )


def colleagues(unit_id: int) -> list[User]:
    """Active people of a unit, by name, for the assignment list."""
    wanted = sa.select(User).where(User.unit_id == unit_id, User.active).order_by(User.name)
    return list(db.session.scalars(wanted))
