"""`flask accounts …`: create people from the command line."""

from __future__ import annotations

import click


from portal.access import Role
from portal.accounts import services
from portal.cli import PlainGroup
from portal.clock import utcnow

accounts_cli = PlainGroup("accounts", help="管理人員帳號。")


@accounts_cli.command("add")
@click.argument("username")
@click.option("--name", required=True, help="顯示的姓名。")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True, help="角色。")
@click.option("--unit", required=True, help="單位代碼（見機關設定檔）。")
@click.password_option(help="第一次登入時須變更。")
def add(username: str, name: str, role: str, unit: str, password: str) -> None:
    """新增一個帳號；第一次登入要換密碼。"""
    services.add_user(
        username=username, name=name, role=Role(role), unit_code=unit, password=password, now=utcnow()
    )
    click.echo(f"已新增帳號 {username}。")
