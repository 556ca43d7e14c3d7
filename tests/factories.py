"""Makers of rows with sensible defaults; a test names only what it is about."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from feedback.letters import Letter
from feedback.models import Case
from feedback.secrets import derive_secret, new_key
from feedback.services import answering, intake, suggesting
from portal.access import Actor, Role
from portal.accounts.models import User
from portal.accounts.services import as_actor
from portal.app import profile
from portal.clock import TAIPEI
from portal.db import db, transaction
from portal.profile import Profile
from portal.units import Unit

NOW = datetime(2026, 11, 23, 10, 30, tzinfo=TAIPEI)
SITE = "https://mailbox.test"
SIGNING_KEY = "a key for tests only, long enough to pass"

_serial = itertools.count(1)


def unit(code: str) -> Unit:
    return db.session.scalars(sa.select(Unit).where(Unit.code == code)).one()


def make_actor(role: Role = Role.HANDLER, unit_code: str = "standards", **values: Any) -> Actor:
    """A person with an account, as services and views see them."""
    with transaction() as session:
        user = User(
            username=values.pop("username", f"person{next(_serial)}"),
            name=values.pop("name", "王小明"),
            role=role,
            unit_id=unit(unit_code).id,
            password_hash="not a hash: nobody signs in with it",
            must_change_password=False,
            created_at=NOW,
            **values,
        )
        session.add(user)
    loaded = db.session.scalars(
        sa.select(User).where(User.id == user.id).options(joinedload(User.unit))
    ).one()
    return as_actor(loaded)


def letter(**values: Any) -> Letter:
    return replace(Letter(subject="請問國家標準", body="請問哪裡可以閱覽國家標準？"), **values)


def make_case(
    *, unit_code: str | None = None, received: datetime | None = None, secret: str = "", **values: Any
) -> Case:
    """A letter taken in through the service, then put where the test needs it.

    `received` defaults to a day before NOW. Remaining values go to the Letter, and those that are
    columns of Case (status excepted: use the services) are set afterwards.
    """
    columns = {name: values.pop(name) for name in list(values) if name in {"restricted", "urgent", "due_at"}}
    receipt = intake.open_case(
        letter(**values),
        profile=profile(),
        secret=secret or derive_secret(SIGNING_KEY, new_key()),
        now=received or NOW - timedelta(days=1),
        site_url=SITE,
    )
    if unit_code:
        columns["unit_id"] = unit(unit_code).id
    if columns:
        with transaction() as session:
            session.execute(sa.update(Case).where(Case.id == receipt.case_id).values(**columns))
    return get_case(receipt.case_id)


def get_case(case_id: int) -> Case:
    """The letter as the database has it now."""
    wanted = sa.select(Case).where(Case.id == case_id).execution_options(populate_existing=True)
    return db.session.scalars(wanted).one()


def guess(**values: Any) -> suggesting.Guess:
    """A confident guess that a letter asks about standards."""
    defaults: dict[str, Any] = {
        "model_version": "test",
        "topic": "ST-CNS",
        "probability": 0.97,
        "abstained": False,
        "voice": "詢問",
        "candidates": [{"topic": "ST-CNS", "probability": 0.97}, {"topic": "PI-SCOPE", "probability": 0.02}],
        "words": ["國家標準"],
    }
    return suggesting.Guess(**(defaults | values))


def answered_case(
    by: Actor, *, at: datetime | None = None, body: str = "您好，國家標準可線上閱覽。", **values: Any
) -> Case:
    """A letter of the person's unit, already answered by them."""
    case = make_case(unit_code=by.unit_code, **values)
    answering.answer(case.id, body=body, by=by, profile=unsigned(), site_url=SITE, now=at or NOW)
    return get_case(case.id)


def unsigned() -> Profile:
    """The agency as if handlers sent answers themselves, for tests that are not about the sign-off."""
    agency = profile()
    return agency.model_copy(update={"answering": agency.answering.model_copy(update={"sign_off": False})})
