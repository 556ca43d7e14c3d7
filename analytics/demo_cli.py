"""`flask demo prepare`: everything `make run` needs before the servers start; safe to repeat."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import click
import sqlalchemy as sa
from flask import current_app
from flask_migrate import upgrade

from analytics.checks import fault_of
from analytics.demo_plot import demo_folder, read_plot
from analytics.resources import resources
from analytics.services.versions import active_version
from feedback.models import Case
from portal import cli
from portal.access import Role
from portal.accounts.models import User
from portal.accounts.services import add_user
from portal.app import profile as app_profile
from portal.clock import utcnow
from portal.db import db, transaction
from portal.errors import BadInput
from portal.instance import DEMO, MODE, InstanceFact, fact, set_fact
from portal.profile import Profile
from portal.units import answering_units, sync_units

demo_cli = cli.PlainGroup("demo", help="展示環境。")


@demo_cli.command("prepare")
def prepare() -> None:
    """準備展示環境：資料表、機關設定、帳號、分類模型、一年的示範資料。"""
    profile = app_profile()
    plot = read_plot(demo_folder(resources()))
    _refuse_real()
    upgrade()
    _claim_instance()
    sync_units(profile)
    for step in cli.set_up_steps():
        step()
    active = active_version()
    if active is None or fault_of(active):
        _train()
    if not db.session.scalar(sa.select(sa.func.count()).select_from(Case)):
        click.echo("載入一年的示範資料……")
        _load_year(plot)
    _print_accounts(plot, profile)


def _refuse_real() -> None:
    """Raise BadInput for a real or used installation, before anything of it is touched."""
    tables = set(sa.inspect(db.engine).get_table_names())
    mode = fact(MODE) if InstanceFact.__tablename__ in tables else None
    used = User.__tablename__ in tables and db.session.scalar(sa.select(sa.exists().where(User.id > 0)))
    db.session.rollback()  # the migration that follows needs the database for itself
    if mode != DEMO and (mode is not None or used):
        raise BadInput("這個資料庫已有正式資料，不能載入示範資料；請用另一個 QINGTING_INSTANCE。")


def _claim_instance() -> None:
    with transaction() as session:
        set_fact(session, MODE, DEMO)


def _train() -> None:
    from analytics.jobs import train_now  # loads the text libraries: seconds that a repeat need not wait
    from analytics.services.training import score

    click.echo("訓練分類模型……")
    version = train_now(utcnow(), force=True).version
    click.echo(f"分類模型 {version.id}：交叉驗證 macro-F1 {score(version, 'macro_f1'):.3f}")


def _load_year(plot: dict[str, Any]) -> None:
    from analytics import demo  # likewise
    from analytics.jobs import unit_summaries, watch_issues

    config = current_app.config["QINGTING"]
    now = utcnow()
    with transaction():
        _add_people(plot)
        counts = demo.tell(
            profile=app_profile(),
            resources=resources(),
            site_url=config.base_url,
            signing_key=config.secret_key,
            now=now,
        )
    watch_issues(now)
    summaries = unit_summaries(now)
    click.echo(f"已載入 {counts['letters']} 封信、{counts['responses']} 份問卷、{summaries} 份單位摘要。")


def _add_people(plot: dict[str, Any]) -> None:
    """The accounts of the story, and a head and a handler for every other unit."""
    taken = {(row["unit"], row["role"]) for row in plot["accounts"]}
    rows = list(plot["accounts"])
    names = cycle(plot["names"])
    for unit in answering_units():
        for role, suffix in ((Role.HEAD, "head"), (Role.HANDLER, "staff")):
            if (unit.code, role.value) not in taken:
                rows.append(
                    {
                        "username": f"{unit.code}-{suffix}",
                        "name": next(names),
                        "role": role.value,
                        "unit": unit.code,
                    }
                )
    now = utcnow()
    for row in rows:
        add_user(
            username=row["username"], name=row["name"], role=Role(row["role"]), unit_code=row["unit"],
            password=plot["password"], now=now, first_login=False,
        )  # fmt: skip


def _print_accounts(plot: dict[str, Any], profile: Profile) -> None:
    click.echo(f"\n展示帳號（密碼都是 {plot['password']}）：")
    for row in plot["accounts"]:
        unit = next(spec.name for spec in profile.units if spec.code == row["unit"])
        click.echo(f"  {row['username']:<11}{profile.role_name(row['role'])}　{unit}")
