"""`flask accounts …`: what the system administrator does from the shell."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from click.testing import Result
from flask import Flask

from portal.access import Role
from portal.accounts import services
from portal.accounts.models import User
from portal.clock import utcnow
from portal.db import db, transaction
from tests.factories import NOW

PASSWORD = "correct horse 7 battery"
NEW = "another horse 8 battery"


@pytest.fixture(autouse=True)
def lin(ctx: Flask, monkeypatch: pytest.MonkeyPatch) -> int:
    """An account; passwords are hashed cheaply."""
    monkeypatch.setattr(services, "hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    return add("lin", "林怡君")


def add(username: str, name: str, *, first_login: bool = False) -> int:
    return services.add_user(
        username=username, name=name, role=Role.HANDLER, unit_code="standards",
        password=PASSWORD, now=NOW, first_login=first_login,
    )  # fmt: skip


def run(ctx: Flask, *args: str, typed: str | None = None) -> Result:
    return ctx.test_cli_runner().invoke(args=["accounts", *args], input=typed)


def user() -> User:
    wanted = sa.select(User).where(User.username == "lin").execution_options(populate_existing=True)
    return db.session.scalars(wanted).one()


def test_a_forgotten_password_is_reset_at_a_prompt_that_does_not_show_it(ctx: Flask, lin: int) -> None:
    result = run(ctx, "reset", " lin ", typed=f"{NEW}\n{NEW}\n")
    assert result.exit_code == 0
    assert "已重設帳號 lin 的密碼" in result.output
    assert NEW not in result.output
    assert user().must_change_password
    assert services.sign_in(username="lin", password=NEW, now=NOW) == lin


def test_a_leavers_account_is_disabled(ctx: Flask) -> None:
    result = run(ctx, "disable", "lin")
    assert (result.exit_code, user().active) == (0, False)
    assert "已停用帳號 lin" in result.output


@pytest.mark.parametrize("args", [("reset", "nobody", "--password", NEW), ("disable", "nobody")])
def test_an_account_that_does_not_exist_is_one_clear_line(args: tuple[str, ...], ctx: Flask) -> None:
    result = run(ctx, *args)
    assert (result.exit_code, result.output.strip()) == (1, "Error: 沒有帳號「nobody」。")


def test_the_list_shows_who_may_sign_in_and_no_hash(ctx: Flask) -> None:
    add("away", "陳志明")
    add("fresh", "黃美玲", first_login=True)
    add("locked", "張文雄")
    services.deactivate("away", NOW)
    with transaction() as session:
        until = utcnow() + timedelta(minutes=5)
        session.execute(sa.update(User).where(User.username == "locked").values(locked_until=until))
    result = run(ctx, "list")
    assert result.exit_code == 0
    assert [line.split() for line in result.output.splitlines()] == [
        ["away", "陳志明", "handler", "standards", "停用"],
        ["fresh", "黃美玲", "handler", "standards", "須換密碼"],
        ["lin", "林怡君", "handler", "standards", "啟用"],
        ["locked", "張文雄", "handler", "standards", "暫停登入"],
    ]
    assert "argon2" not in result.output


def test_a_value_that_cannot_be_used_is_one_clear_line(ctx: Flask) -> None:
    options = ("--name", "林怡君", "--role", "handler", "--unit", "standards", "--password", PASSWORD)
    result = run(ctx, "add", "lin yi", *options)
    assert result.exit_code == 1
    assert result.output.startswith("Error: 帳號須為 1 到 64 個字")
    assert len(result.output.strip().splitlines()) == 1
