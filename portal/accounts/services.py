"""Sign-in, lock-out and account changes: the only writers of accounts.

資通安全責任等級分級辦法 附表十: five failures lock an account for fifteen minutes; a first password is
changed at first sign-in.

Argon2 is slow on purpose, so no password is hashed or checked inside transaction(): SQLite's one writer
would wait for it. A check outside holds only for the hash it read; see `_proven`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy.orm import Session, joinedload

from portal.access import Actor, Role
from portal.accounts.models import User
from portal.audit import record
from portal.db import db, transaction
from portal.errors import BadInput, DomainError
from portal.forms import clean, has_control
from portal.units import Unit

MAX_FAILURES = 5
LOCK = timedelta(minutes=15)
MIN_PASSWORD, MAX_PASSWORD = 12, 200
MAX_USERNAME, MAX_NAME, MAX_EMAIL = 64, 80, 200

hasher = PasswordHasher()
DECOY = hasher.hash("an unknown user costs as much time as a known one")


class SignInRefused(DomainError):
    message = "帳號或密碼不正確。"


class AccountLocked(SignInRefused):
    message = "連續 5 次輸入錯誤，這個帳號已暫停登入 15 分鐘。"


class WrongPassword(BadInput):
    message = "目前的密碼不正確。"


def add_user(
    *,
    username: str,
    name: str,
    role: Role,
    unit_code: str,
    password: str,
    now: datetime,
    first_login: bool = True,
    email: str = "",
) -> int:
    """Create an account and return its id. Raises BadInput when a value cannot be used."""
    username, name, email = clean(username), clean(name), clean(email)
    _check_identity(username, name, email)
    check_password(password)
    password_hash = hasher.hash(password)
    with transaction() as session:
        unit = session.scalar(sa.select(Unit).where(Unit.code == unit_code))
        if unit is None:
            raise BadInput(f"沒有代碼為「{unit_code}」的單位。")
        if session.scalar(sa.select(User.id).where(User.username == username)):
            raise BadInput(f"帳號「{username}」已經有人使用。")
        user = User(
            username=username,
            name=name,
            email=email,
            role=role,
            unit_id=unit.id,
            password_hash=password_hash,
            must_change_password=first_login,
            created_at=now,
        )
        session.add(user)
        session.flush()
        record(session, "account.added", "user", user.id, actor_id=None, now=now, role=role.value)
    return user.id


def _check_identity(username: str, name: str, email: str) -> None:
    """Raise BadInput when a cleaned name or address would not fit, or could not be typed or shown."""
    if not 1 <= len(username) <= MAX_USERNAME or _has_gap(username):
        raise BadInput(f"帳號須為 1 到 {MAX_USERNAME} 個字，不能有空白或控制字元。")
    if not 1 <= len(name) <= MAX_NAME or has_control(name) or "\n" in name or "\t" in name:
        raise BadInput(f"姓名須為 1 到 {MAX_NAME} 個字，不能換行或有控制字元。")
    if len(email) > MAX_EMAIL or _has_gap(email):
        raise BadInput(f"電子郵件最長 {MAX_EMAIL} 個字，不能有空白或控制字元；沒有時請留空。")


def _has_gap(text: str) -> bool:
    return has_control(text) or any(char.isspace() for char in text)


def check_password(password: str) -> None:
    """Raise BadInput when a password is too easy, or longer than the sign-in page takes."""
    if len(password) < MIN_PASSWORD or password.isdigit() or password.isalpha():
        raise BadInput(f"密碼至少 {MIN_PASSWORD} 個字元，而且不能全是數字或全是英文字母。")
    if len(password) > MAX_PASSWORD:
        raise BadInput(f"密碼最長 {MAX_PASSWORD} 個字元。")


def sign_in(*, username: str, password: str, now: datetime) -> int:
    """Check a password and return the account's id.

    Raises SignInRefused, or AccountLocked from the fifth failure on. The attempt is counted before
    the refusal is raised, so it is kept.
    """
    wanted = User.username == username
    proven = _proven(wanted, password)
    with transaction() as session:
        user = _held_row(session, wanted)
        if user is None:
            raise SignInRefused
        refused = _refusal(user, user.password_hash == proven, now)
        if refused is None:
            user.last_sign_in_at = now
        action = "account.signed_in" if refused is None else "account.sign_in_refused"
        record(session, action, "user", user.id, actor_id=user.id, now=now)
    if refused is not None:
        raise refused
    return user.id


def _proven(wanted: sa.ColumnElement[bool], password: str) -> str | None:
    """The stored hash that the password matches, or None. Called outside of transaction().

    A hash that has changed by the time the row is locked was not proven. An unknown account costs
    the same work as a known one.
    """
    stored = db.session.scalar(sa.select(User.password_hash).where(wanted)) or DECOY
    return stored if _matches(stored, password) else None


def _matches(stored: str, password: str) -> bool:
    try:
        return hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def _held_row(session: Session, wanted: sa.ColumnElement[bool]) -> User | None:
    """The account as it is now, kept from other writers until the transaction ends."""
    fresh = sa.select(User).where(wanted).with_for_update().execution_options(populate_existing=True)
    return session.scalar(fresh)


def _refusal(user: User, correct: bool, now: datetime) -> SignInRefused | None:
    """Count one use of a password; None when it was right and the account may use it."""
    if not user.active:
        return SignInRefused()
    if user.locked_until and user.locked_until > now:
        return AccountLocked()
    if correct:
        user.failures, user.locked_until = 0, None
        return None
    user.failures += 1
    if user.failures < MAX_FAILURES:
        return SignInRefused()
    user.failures, user.locked_until = 0, now + LOCK
    return AccountLocked()


def change_password(user_id: int, *, old: str, new: str, now: datetime) -> None:
    """Set a new password and end every open session of the account.

    Raises BadInput when the new password cannot be used, else WrongPassword or AccountLocked: a wrong
    old password is counted like a failed sign-in, before the refusal is raised.
    """
    check_password(new)
    if new == old:
        raise BadInput("新密碼不能和目前的密碼相同。")
    wanted = User.id == user_id
    proven = _proven(wanted, old)
    new_hash = hasher.hash(new)  # always: the time of the answer must not tell whether `old` was right
    with transaction() as session:
        user = _held_row(session, wanted)
        if user is None:
            raise WrongPassword
        refused = _refusal(user, user.password_hash == proven, now)
        if refused is None:
            user.password_hash, user.must_change_password = new_hash, False
            user.session_epoch += 1
        action = "account.password_changed" if refused is None else "account.password_refused"
        record(session, action, "user", user_id, actor_id=user_id, now=now)
    if isinstance(refused, AccountLocked):
        raise refused
    if refused is not None:
        raise WrongPassword


def reset_password(username: str, password: str, now: datetime) -> None:
    """Give somebody a password to change at the next sign-in; unlock, and end every open session."""
    check_password(password)
    password_hash = hasher.hash(password)
    with transaction() as session:
        user = _named(session, username)
        user.password_hash, user.must_change_password = password_hash, True
        user.failures, user.locked_until = 0, None
        user.session_epoch += 1
        record(session, "account.password_reset", "user", user.id, actor_id=None, now=now)


def deactivate(username: str, now: datetime) -> None:
    """Close the account of somebody who left, and end every open session. The row stays for the audit."""
    with transaction() as session:
        user = _named(session, username)
        user.active = False
        user.session_epoch += 1
        record(session, "account.deactivated", "user", user.id, actor_id=None, now=now)


def _named(session: Session, username: str) -> User:
    username = clean(username)
    user = _held_row(session, User.username == username)
    if user is None:
        raise BadInput(f"沒有帳號「{username}」。")
    return user


def sign_out(user_id: int, now: datetime) -> None:
    """End every open session of the account: a copied cookie must not outlive a sign-out."""
    with transaction() as session:
        user = _held_row(session, User.id == user_id)
        if user is not None:
            user.session_epoch += 1
            record(session, "account.signed_out", "user", user_id, actor_id=user_id, now=now)


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


def everybody() -> list[User]:
    """Every account with its unit, by username, for the command line."""
    wanted = sa.select(User).options(joinedload(User.unit)).order_by(User.username)
    return list(db.session.scalars(wanted))
