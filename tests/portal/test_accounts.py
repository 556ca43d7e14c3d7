"""Signing in, being locked out, being forgotten."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient

from portal.access import Role
from portal.accounts import services, sessions
from portal.accounts.models import User
from portal.accounts.services import AccountLocked, SignInRefused, WrongPassword
from portal.audit import AuditEvent
from portal.db import UNIT_OF_WORK, db, transaction
from portal.errors import BadInput
from tests.factories import NOW

PASSWORD = "correct horse 7 battery"
NEW = "another horse 8 battery"
REAL_HASHER = services.hasher
EXTRA = ("--email", "lin@example.tw", "--password", PASSWORD)
Clock = Callable[[datetime], None]


@pytest.fixture(autouse=True)
def clock(ctx: Flask, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Sets the time for pages and sessions; passwords are hashed cheaply."""

    def at(moment: datetime) -> None:
        for module in ("portal.accounts.views", "portal.accounts.sessions"):
            monkeypatch.setattr(f"{module}.utcnow", lambda: moment)

    at(NOW)
    monkeypatch.setattr(services, "hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    return at


def add(username: str = "lin", **values: Any) -> int:
    given = {
        "name": "林怡君",
        "role": Role.HANDLER,
        "unit_code": "standards",
        "password": PASSWORD,
        "now": NOW,
    }
    return services.add_user(username=username, **(given | {"first_login": False} | values))


def enter(browser: FlaskClient, password: str = PASSWORD, path: str = "/staff/sign-in") -> Any:
    return browser.post(path, data={"username": "lin", "password": password})


def attempt(password: str, now: datetime = NOW) -> int:
    return services.sign_in(username="lin", password=password, now=now)


def change(browser: FlaskClient, old: str, new: str) -> Any:
    return browser.post("/staff/password", data={"old": old, "new": new, "again": new})


def field_error(page: str, field: str) -> str:
    """What the page says at one field, or nothing."""
    found = re.search(rf'id="{field}-error"[^>]*>(.*?)</p>', page, re.DOTALL)
    return found.group(1) if found else ""


def actions() -> list[str]:
    return list(db.session.scalars(sa.select(AuditEvent.action).order_by(AuditEvent.id)))


def signed_in(browser: FlaskClient) -> bool:
    return browser.get("/staff/cases/").status_code == 200


def user() -> User:
    return db.session.scalars(sa.select(User).execution_options(populate_existing=True)).one()


def test_the_right_password_opens_and_is_audited(client: FlaskClient) -> None:
    user_id = add()
    answer = enter(client)
    assert (answer.status_code, answer.location) == (303, "/staff/")
    assert signed_in(client)
    assert user().last_sign_in_at == NOW
    acts = db.session.scalars(sa.select(AuditEvent.action).where(AuditEvent.object_id == str(user_id))).all()
    assert acts == ["account.added", "account.signed_in"]


@pytest.mark.parametrize(("username", "password"), [("lin", "wrong"), ("nobody", PASSWORD)])
def test_a_wrong_name_and_a_wrong_password_look_alike(
    username: str, password: str, client: FlaskClient
) -> None:
    add()
    answer = client.post("/staff/sign-in", data={"username": username, "password": password})
    assert answer.status_code == 422
    assert "帳號或密碼不正確" in answer.text
    assert password not in answer.text


def test_an_unknown_name_costs_the_work_of_a_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the time of the answer would tell which names exist."""
    monkeypatch.setattr(services, "hasher", REAL_HASHER)
    add()
    checked: list[str] = []
    monkeypatch.setattr(services, "_matches", lambda stored, _password: bool(checked.append(stored)))
    for username in ("lin", "nobody"):
        with pytest.raises(SignInRefused):
            services.sign_in(username=username, password="x", now=NOW)
    assert checked == [user().password_hash, services.DECOY]
    parameters = [stored.split("$")[1:4] for stored in checked]
    assert parameters[0] == parameters[1]


class FreeHasher(PasswordHasher):
    """Fails the test when Argon2 runs while other writers wait."""

    def hash(self, *args: Any, **kwargs: Any) -> str:
        assert UNIT_OF_WORK not in db.session().info
        return super().hash(*args, **kwargs)

    def verify(self, *args: Any) -> bool:
        assert UNIT_OF_WORK not in db.session().info
        return super().verify(*args)


def test_no_password_is_hashed_or_checked_while_other_writers_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "hasher", FreeHasher(time_cost=1, memory_cost=64, parallelism=1))
    user_id = add()
    attempt(PASSWORD)
    for username in ("lin", "nobody"):
        with pytest.raises(SignInRefused):
            services.sign_in(username=username, password="wrong", now=NOW)
    services.change_password(user_id, old=PASSWORD, new=NEW, now=NOW)
    services.reset_password("lin", PASSWORD, NOW)
    assert attempt(PASSWORD) == user_id


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody resets the password between the check and the count."""
    check = services._matches

    def checked(stored: str, password: str) -> bool:
        right = check(stored, password)
        with transaction() as session:
            session.execute(sa.update(User).values(password_hash=services.hasher.hash("reset 9 meanwhile")))
        return right

    monkeypatch.setattr(services, "_matches", checked)


def test_a_password_that_changes_during_the_check_does_not_open(meanwhile: None) -> None:
    add()
    with pytest.raises(SignInRefused):
        attempt(PASSWORD)
    assert (user().failures, user().last_sign_in_at) == (1, None)


def test_a_password_that_changes_during_the_check_is_not_overwritten(meanwhile: None) -> None:
    user_id = add()
    with pytest.raises(WrongPassword):
        services.change_password(user_id, old=PASSWORD, new=NEW, now=NOW)
    services.hasher.verify(user().password_hash, "reset 9 meanwhile")
    assert user().session_epoch == 0


def test_five_failures_lock_for_fifteen_minutes_even_with_the_right_password() -> None:
    add()
    for _ in range(4):
        with pytest.raises(SignInRefused) as refusal:
            attempt("wrong")
        assert not isinstance(refusal.value, AccountLocked)
    with pytest.raises(AccountLocked):
        attempt("wrong")
    with pytest.raises(AccountLocked):
        attempt(PASSWORD, NOW + timedelta(minutes=14, seconds=59))
    assert attempt(PASSWORD, NOW + timedelta(minutes=15)) == user().id


def test_a_success_forgets_earlier_failures() -> None:
    add()
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(SignInRefused):
                attempt("wrong")
        attempt(PASSWORD)
    assert user().failures == 0


def test_the_lock_is_said_on_the_page_and_kept_in_the_audit(client: FlaskClient) -> None:
    add()
    answers = [enter(client, "wrong") for _ in range(5)]
    assert "已暫停登入 15 分鐘" not in answers[3].text
    assert "已暫停登入 15 分鐘" in answers[4].text
    refused = sa.select(sa.func.count()).where(AuditEvent.action == "account.sign_in_refused")
    assert db.session.scalar(refused) == 5


def test_an_inactive_account_does_not_open() -> None:
    add()
    with transaction() as session:
        session.execute(sa.update(User).values(active=False))
    with pytest.raises(SignInRefused):
        attempt(PASSWORD)


def test_an_idle_session_ends_and_a_used_one_goes_on(client: FlaskClient, clock: Clock) -> None:
    add()
    enter(client)
    for minutes in (29, 58, 87):
        clock(NOW + timedelta(minutes=minutes))
        assert signed_in(client)
    clock(NOW + timedelta(minutes=87) + sessions.IDLE + timedelta(seconds=1))
    answer = client.get("/staff/cases/?state=overdue")
    assert answer.status_code == 302
    assert answer.location == "/staff/sign-in?next=/staff/cases/?state%3Doverdue"


def test_a_session_in_constant_use_ends_after_twelve_hours(client: FlaskClient, clock: Clock) -> None:
    add()
    enter(client)
    for minutes in range(20, 721, 20):
        clock(NOW + timedelta(minutes=minutes))
        assert signed_in(client), minutes
    clock(NOW + timedelta(hours=12, seconds=1))
    assert not signed_in(client)
    enter(client)
    assert signed_in(client)


def test_a_session_from_before_the_limit_gets_one_at_its_next_use(client: FlaskClient, clock: Clock) -> None:
    add()
    with client.session_transaction() as cookie:
        cookie.update(user_id=user().id, epoch=0, seen=NOW.timestamp())
    for minutes in range(20, 721, 20):
        clock(NOW + timedelta(minutes=minutes))
        assert signed_in(client), minutes
    clock(NOW + timedelta(hours=12, seconds=1))
    assert not signed_in(client)


def test_a_changed_password_ends_other_sessions_and_keeps_this_one(ctx: Flask, client: FlaskClient) -> None:
    add()
    other = ctx.test_client()
    for browser in (client, other):
        enter(browser)
        assert signed_in(browser)
    answer = change(client, PASSWORD, NEW)
    assert answer.status_code == 303
    assert signed_in(client)
    assert not signed_in(other)
    with pytest.raises(SignInRefused):
        attempt(PASSWORD)
    assert attempt(NEW) == user().id


def test_somebody_made_inactive_is_out_at_once(client: FlaskClient) -> None:
    add()
    enter(client)
    with transaction() as session:
        session.execute(sa.update(User).values(active=False))
    assert not signed_in(client)


def test_signing_out_ends_every_session_and_says_so(ctx: Flask, client: FlaskClient) -> None:
    add()
    other = ctx.test_client()
    for browser in (client, other):
        enter(browser)
        assert signed_in(browser)
    answer = client.post("/staff/sign-out", follow_redirects=True)
    assert "您已登出，其他裝置上的登入也一併結束。" in answer.text
    assert not signed_in(client)
    assert not signed_in(other)
    assert actions()[-1] == "account.signed_out"
    assert client.get("/staff/sign-out").status_code == 405


def test_a_cookie_copied_before_signing_out_is_worth_nothing(ctx: Flask, client: FlaskClient) -> None:
    add()
    enter(client)
    with client.session_transaction() as cookie:
        copied = dict(cookie)
    client.post("/staff/sign-out")
    thief = ctx.test_client()
    with thief.session_transaction() as cookie:
        cookie.update(copied)
    assert not signed_in(thief)


def test_a_first_password_must_be_changed_before_anything_else(client: FlaskClient) -> None:
    add(first_login=True)
    enter(client)
    assert client.get("/staff/cases/").location == "/staff/password"
    assert client.get("/staff/").location == "/staff/password"
    assert client.get("/staff/password").status_code == 200


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/staff/",
        "//evil.example/staff/",
        "/\\evil.example",
        "/staff/\\evil.example",
        "javascript:alert(1)",
        "//[",
        "staff/cases/",
        "/feedback/new",
        "/\t/evil.example",
        "/staff/\r\nSet-Cookie: x=1",
        "",
    ],
)
def test_signing_in_never_leads_to_another_site(target: str, client: FlaskClient) -> None:
    add()
    answer = client.post(
        "/staff/sign-in", query_string={"next": target}, data={"username": "lin", "password": PASSWORD}
    )
    assert (answer.status_code, answer.location) == (303, "/staff/")
    again = client.get("/staff/sign-in", query_string={"next": target})
    assert (again.status_code, again.location) == (302, "/staff/")


@pytest.mark.parametrize("target", ["/staff/cases/?state=overdue", "/staff/cases/7"])
def test_signing_in_leads_back_to_where_one_was(target: str, client: FlaskClient) -> None:
    add()
    answer = client.post(
        "/staff/sign-in", query_string={"next": target}, data={"username": "lin", "password": PASSWORD}
    )
    assert answer.location == target


@pytest.mark.parametrize("password", ["short 7", "123456789012", "abcdefghijkl", ""])
def test_easy_passwords_are_refused(password: str) -> None:
    with pytest.raises(BadInput):
        add(password=password)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("wrong", NEW, "目前的密碼不正確"),
        (PASSWORD, PASSWORD, "不能和目前的密碼相同"),
        (PASSWORD, "short", "至少 12 個字元"),
    ],
)
def test_a_password_that_cannot_be_changed_says_why(
    old: str, new: str, says: str, client: FlaskClient
) -> None:
    add()
    enter(client)
    answer = change(client, old, new)
    assert answer.status_code == 422
    at, elsewhere = ("old", "new") if old == "wrong" else ("new", "old")
    assert says in field_error(answer.text, at)
    assert field_error(answer.text, elsewhere) == ""
    assert attempt(PASSWORD)


def test_wrong_current_passwords_are_counted_and_lock_like_failed_sign_ins(client: FlaskClient) -> None:
    add()
    enter(client)
    answers = [change(client, "wrong", NEW) for _ in range(5)]
    says = [field_error(answer.text, "old") for answer in answers]
    assert ["目前的密碼不正確" in said for said in says] == [True] * 4 + [False]
    assert "已暫停登入 15 分鐘" in says[4]
    assert actions()[-5:] == ["account.password_refused"] * 5
    locked = change(client, PASSWORD, NEW)
    assert (locked.status_code, "已暫停登入 15 分鐘" in field_error(locked.text, "old")) == (422, True)
    with pytest.raises(AccountLocked):
        attempt(PASSWORD)


def test_failures_on_both_pages_are_counted_together(client: FlaskClient) -> None:
    add()
    enter(client)
    for _ in range(4):
        change(client, "wrong", NEW)
    with pytest.raises(AccountLocked):
        attempt("wrong")


def test_a_changed_password_forgets_earlier_failures(client: FlaskClient) -> None:
    add()
    enter(client)
    change(client, "wrong", NEW)
    assert change(client, PASSWORD, NEW).status_code == 303
    assert user().failures == 0


def test_a_reset_password_unlocks_ends_sessions_and_must_be_changed(client: FlaskClient) -> None:
    add()
    enter(client)
    for _ in range(5):
        with pytest.raises(SignInRefused):
            attempt("wrong")
    services.reset_password("lin", NEW, NOW)
    assert not signed_in(client)
    enter(client, NEW)
    assert client.get("/staff/cases/").location == "/staff/password"
    with pytest.raises(SignInRefused):
        attempt(PASSWORD)
    assert "account.password_reset" in actions()


def test_a_reset_password_is_not_an_easy_one() -> None:
    add()
    with pytest.raises(BadInput, match="至少 12 個字元"):
        services.reset_password("lin", "short", NOW)
    assert attempt(PASSWORD)


def test_a_leaver_is_out_at_once_and_does_not_come_back(client: FlaskClient) -> None:
    add()
    enter(client)
    services.deactivate("lin", NOW)
    assert not signed_in(client)
    assert (user().active, user().session_epoch) == (False, 1)
    with pytest.raises(SignInRefused):
        attempt(PASSWORD)
    assert "account.deactivated" in actions()


def test_only_accounts_that_exist_are_reset_or_closed() -> None:
    with pytest.raises(BadInput, match="沒有帳號「nobody」"):
        services.reset_password("nobody", NEW, NOW)
    with pytest.raises(BadInput, match="沒有帳號「nobody」"):
        services.deactivate("nobody", NOW)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"username": ""}, "帳號須為"),
        ({"username": "\u200b "}, "帳號須為"),
        ({"username": "x" * 65}, "帳號須為"),
        ({"username": "lin yi"}, "帳號須為"),
        ({"username": "lin\u3000yi"}, "帳號須為"),
        ({"username": "lin\x00"}, "帳號須為"),
        ({"username": "lin\udcff"}, "帳號須為"),
        ({"name": " "}, "姓名須為"),
        ({"name": "林" * 81}, "姓名須為"),
        ({"name": "林\n怡君"}, "姓名須為"),
        ({"name": "林\x1b[2J"}, "姓名須為"),
        ({"email": "x" * 190 + "@example.tw"}, "電子郵件最長"),
        ({"email": "lin@example.tw\nBcc: x@example.tw"}, "電子郵件最長"),
        ({"password": "long 7 " * 29}, "密碼最長"),
    ],
)
def test_values_that_cannot_be_kept_or_shown_are_refused(values: dict[str, str], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        add(**values)


def test_values_are_kept_without_invisible_marks_and_outer_space() -> None:
    add(" lin\u200b", name="\ufeff林 怡君 ", email=" lin@example.tw ")
    assert (user().username, user().name, user().email) == ("lin", "林 怡君", "lin@example.tw")


def test_the_longest_values_are_kept() -> None:
    add("x" * 64, name="林" * 80, email="x" * 189 + "@example.tw")
    assert (len(user().username), len(user().name), len(user().email)) == (64, 80, 200)


def test_a_name_is_given_once_and_only_in_units_that_exist() -> None:
    add()
    with pytest.raises(BadInput, match="已經有人使用"):
        add()
    with pytest.raises(BadInput, match="沒有代碼"):
        add("chen", unit_code="nowhere")


@pytest.mark.parametrize(("unit", "code"), [("standards", 0), ("nowhere", 1)])
def test_accounts_are_added_from_the_command_line(unit: str, code: int, ctx: Flask) -> None:
    result = ctx.test_cli_runner().invoke(
        args=["accounts", "add", "lin", "--name", "林怡君", "--role", "handler", "--unit", unit, *EXTRA]
    )
    assert result.exit_code == code
    assert len(result.output.strip().splitlines()) == 1
    if code == 0:
        assert (user().email, user().must_change_password) == ("lin@example.tw", True)
