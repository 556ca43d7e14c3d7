"""`flask accounts …`: create, reset, disable and list people from the command line."""

from __future__ import annotations

from datetime import datetime

import click

from portal.access import Role
from portal.accounts import services
from portal.accounts.models import User
from portal.cli import PlainGroup
from portal.clock import utcnow
from portal.forms import clean

accounts_cli = PlainGroup("accounts", help="管理人員帳號。")


@accounts_cli.command("add")
@click.argument("username")
@click.option("--name", required=True, help="顯示的姓名。")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True, help="角色。")
@click.option("--unit", required=True, help="單位代碼（見機關設定檔）。")
@click.option("--email", default="", help="收到期提醒的電子郵件。")
@click.password_option(help="第一次登入時須變更。")
def add(username: str, name: str, role: str, unit: str, email: str, password: str) -> None:
    """新增一個帳號；第一次登入要換密碼。"""
    services.add_user(
        username=username,
        name=name,
        role=Role(role),
        unit_code=unit,
        password=password,
        email=email,
        now=utcnow(),
    )
    click.echo(f"已新增帳號 {clean(username)}。")


@accounts_cli.command("reset")
@click.argument("username")
@click.password_option(help="下次登入時須變更。")
def reset(username: str, password: str) -> None:
    """重設密碼並解除暫停登入；下次登入要換密碼。"""
    services.reset_password(username, password, utcnow())
    click.echo(f"已重設帳號 {clean(username)} 的密碼，原有的登入都已結束。")


@accounts_cli.command("disable")
@click.argument("username")
def disable(username: str) -> None:
    """停用離職者的帳號，並立刻結束其所有登入。"""
    services.deactivate(username, utcnow())
    click.echo(f"已停用帳號 {clean(username)}，原有的登入都已結束。")


@accounts_cli.command("list")
def list_accounts() -> None:
    """列出帳號、姓名、角色、單位與狀態。"""
    now = utcnow()
    for user in services.everybody():
        click.echo(
            f"{user.username:<20}  {user.name:<12}  {user.role.value:<12}  {user.unit.code:<16}  "
            f"{_state(user, now)}"
        )


def _state(user: User, now: datetime) -> str:
    if not user.active:
        return "停用"
    if user.locked_until and user.locked_until > now:
        return "暫停登入"
    return "須換密碼" if user.must_change_password else "啟用"
