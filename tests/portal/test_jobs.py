"""Each planned firing runs once, whoever wakes up for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import jobs
from portal.db import db
from portal.jobs import Job, JobRun, RunnerBeat, beat, claim, run_due, run_now
from tests.factories import NOW

HERE = "tests.portal.test_jobs"
worked: list[datetime] = []


def work(now: datetime) -> int:
    worked.append(now)
    return 3


def fail(now: datetime) -> int:
    worked.append(now)
    raise RuntimeError("not today")


DAILY = Job("daily", "每日", f"{HERE}:work", {"hour": "8", "minute": "30"})
FAILING = Job("failing", "失敗", f"{HERE}:fail", {"hour": "8", "minute": "30"})


@pytest.fixture(autouse=True)
def clock(ctx: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Sets the moment at which work ends."""
    worked.clear()

    def at(moment: datetime) -> None:
        monkeypatch.setattr(jobs, "utcnow", lambda: moment)

    at(NOW)
    return at


def runs(job: str) -> list[JobRun]:
    wanted = sa.select(JobRun).where(JobRun.job == job).order_by(JobRun.id)
    return list(db.session.scalars(wanted.execution_options(populate_existing=True)))


def test_two_runners_and_one_firing_make_one_run() -> None:
    assert run_due(DAILY, NOW, runner="a") == 3
    assert run_due(DAILY, NOW + timedelta(seconds=2), runner="b") is None
    (run,) = runs("daily")
    assert (run.runner, run.count, run.error, len(worked)) == ("a", 3, None, 1)


def test_two_claims_of_one_window_meet_at_one_row() -> None:
    assert claim("daily", "w", runner="a", now=NOW) is not None
    assert claim("daily", "w", runner="b", now=NOW) is None
    assert claim("daily", "w2", runner="b", now=NOW) is not None


@pytest.mark.parametrize("away", [timedelta(minutes=5), timedelta(days=1), timedelta(days=9)])
def test_missed_firings_are_caught_up_once(away: timedelta) -> None:
    run_due(DAILY, NOW, runner="a")
    later = NOW + away + timedelta(days=1)
    assert run_due(DAILY, later, runner="a") == 3
    assert run_due(DAILY, later + timedelta(minutes=1), runner="a") is None
    assert len(worked) == 2


def test_the_last_planned_moment_is_found_for_every_rhythm() -> None:
    due = NOW.replace(hour=8, minute=30)
    assert DAILY.last_due(NOW) == due
    assert DAILY.last_due(due - timedelta(seconds=1)) == due - timedelta(days=1)
    often = Job("often", "常", f"{HERE}:work", {"second": "*/5"})
    assert often.last_due(NOW.replace(second=13)) == NOW.replace(second=10)
    monthly = Job("monthly", "每月", f"{HERE}:work", {"day": "1", "hour": "6"})
    assert monthly.last_due(NOW) == NOW.replace(day=1, hour=6, minute=0)
    leap = Job("leap", "閏日", f"{HERE}:work", {"month": "2", "day": "29"})
    assert leap.last_due(NOW) is None


def test_a_failed_run_is_tried_three_times_in_all(clock: Callable[[datetime], None]) -> None:
    for minute in range(120):
        moment = NOW + timedelta(minutes=minute)
        clock(moment)
        run_due(FAILING, moment, runner="a")
    assert len(worked) == 3
    assert all(later - earlier > jobs.RETRY_AFTER for earlier, later in pairwise(worked))
    (run,) = runs("failing")
    assert (run.attempts, run.error, run.count) == (3, "RuntimeError", None)


def test_a_failed_run_that_succeeds_later_is_done(
    clock: Callable[[datetime], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_due(FAILING, NOW, runner="a")
    monkeypatch.setattr(f"{HERE}.fail", work)
    later = NOW + timedelta(minutes=6)
    clock(later)
    assert run_due(FAILING, later, runner="b") == 3
    assert run_due(FAILING, later + timedelta(minutes=6), runner="b") is None
    (run,) = runs("failing")
    assert (run.runner, run.attempts, run.error, run.count) == ("b", 2, None, 3)


def test_a_dead_runners_run_is_taken_over_after_a_while() -> None:
    window = DAILY.last_due(NOW)
    assert window is not None
    claim("daily", window.isoformat(timespec="seconds"), runner="dead", now=NOW)
    assert run_due(DAILY, NOW + timedelta(minutes=29), runner="b") is None
    assert run_due(DAILY, NOW + timedelta(minutes=31), runner="b") == 3
    (run,) = runs("daily")
    assert (run.runner, run.attempts) == ("b", 2)


def test_an_idle_job_writes_nothing() -> None:
    idle = Job("idle", "閒置", f"{HERE}:work", {"second": "*/5"}, has_work=lambda now: False)
    statements: list[str] = []

    def note(_c: object, _u: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert run_due(idle, NOW, runner="a") is None
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)
    assert (statements, worked) == ([], [])


def test_the_mail_job_rests_while_no_mail_waits(ctx: Flask) -> None:
    assert run_due(ctx.extensions["jobs"]["deliver-mail"], NOW, runner="a") is None
    assert runs("deliver-mail") == []


def test_a_run_by_hand_stands_beside_the_schedule_and_says_what_failed() -> None:
    assert run_now(DAILY, NOW, runner="me") == 3
    assert run_due(DAILY, NOW, runner="a") == 3
    with pytest.raises(RuntimeError, match="not today"):
        run_now(FAILING, NOW, runner="me")
    assert runs("failing")[0].error == "RuntimeError"


def test_what_a_failed_job_had_begun_is_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    def half(now: datetime) -> int:
        db.session.add(RunnerBeat(runner="half", seen_at=now))
        db.session.flush()
        raise RuntimeError

    monkeypatch.setattr(f"{HERE}.fail", half)
    run_due(FAILING, NOW, runner="a")
    assert db.session.get(RunnerBeat, "half") is None


def test_a_beat_forgets_dead_runners() -> None:
    beat(NOW - timedelta(days=2), runner="dead")
    beat(NOW, runner="a")
    beat(NOW, runner="a")
    assert list(db.session.scalars(sa.select(RunnerBeat.runner))) == ["a"]


def test_every_registered_job_can_be_loaded_and_is_planned(ctx: Flask) -> None:
    for job in ctx.extensions["jobs"].values():
        assert job.last_due(NOW) is not None, job.name
        module, _, function = job.service.partition(":")
        assert callable(getattr(__import__(module, fromlist=[function]), function)), job.name
