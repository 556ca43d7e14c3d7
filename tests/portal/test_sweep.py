"""What is no record is cleared when it has served; a dry run only counts."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from feedback.models import Case, IntakeKey
from feedback.secrets import new_key
from feedback.services import intake
from portal import sweep
from portal.app import profile
from portal.audit import AuditEvent
from portal.db import db, transaction
from portal.jobs import JobRun, claim
from portal.outbox import OutboxMessage, enqueue
from tests.factories import NOW, SITE, letter


@pytest.fixture(autouse=True)
def _database(ctx: Flask) -> None:
    pass


def counts(now: datetime) -> dict[str, int]:
    return {item.name: item.count(now) for item in sweep.registered() if item.count(now)}


def mail(ref: str, *, sent: datetime | None) -> None:
    with transaction() as session:
        enqueue(
            session, kind="case.answered", ref=ref, recipient="a@example.com", subject="主旨", body="答復",
            now=NOW,
        )  # fmt: skip
        session.execute(sa.update(OutboxMessage).where(OutboxMessage.ref == ref).values(sent_at=sent))


def test_the_texts_of_old_mails_go_their_rows_stay_and_waiting_mails_are_left_alone() -> None:
    days = profile().retention.mail_days
    mail("old", sent=NOW - timedelta(days=days + 1))
    mail("young", sent=NOW - timedelta(days=days - 1))
    mail("waiting", sent=None)
    assert counts(NOW) == {"mail-texts": 1}
    assert sweep.run(NOW) == 1
    rows = {
        row.ref: (row.body, row.recipient) for row in db.session.execute(sa.select(OutboxMessage.__table__))
    }
    assert rows == {
        "old": ("", ""),
        "young": ("答復", "a@example.com"),
        "waiting": ("答復", "a@example.com"),
    }
    assert (counts(NOW), sweep.run(NOW)) == ({}, 0)


def test_old_runs_go_except_each_jobs_newest() -> None:
    for days in (50, 40):
        claim("old", f"{days}", runner="a", now=NOW - timedelta(days=days))
    claim("new", "1", runner="a", now=NOW)
    assert counts(NOW) == {"job-runs": 1}
    sweep.run(NOW)
    assert sorted(db.session.scalars(sa.select(JobRun.window))) == ["1", "40"]


def test_keys_of_old_submissions_go_and_their_letters_stay() -> None:
    days = profile().retention.key_days
    for age in (days + 1, days - 1):
        intake.open_case(
            letter(), profile=profile(), secret="A" * 12, key=new_key(), now=NOW - timedelta(days=age),
            site_url=SITE,
        )  # fmt: skip
    assert counts(NOW) == {"intake-keys": 1}
    sweep.run(NOW)
    left = [db.session.scalar(sa.select(sa.func.count()).select_from(model)) for model in (IntakeKey, Case)]
    assert left == [1, 2]


def test_each_sweep_says_in_the_audit_trail_how_much_it_took() -> None:
    claim("old", "1", runner="a", now=NOW - timedelta(days=50))
    claim("old", "2", runner="a", now=NOW - timedelta(days=40))
    sweep.run(NOW)
    trail = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "sweep.done")).all()
    assert [(event.object_id, event.detail) for event in trail] == [("job-runs", {"count": 1})]
