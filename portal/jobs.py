"""Scheduled work: jobs are data, each firing is claimed in the database, missed ones are caught up.

APScheduler only says when; who does the work is settled by UNIQUE(job, window). `window` is the
planned moment of the firing, so two runners that wake a little apart still meet at one row.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import FrameType

import sqlalchemy as sa
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.cron import CronTrigger
from flask import Flask, current_app
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.utils import import_string

from portal.clock import TAIPEI, local, utcnow
from portal.db import Model, db, insert, transaction
from portal.errors import Conflict

log = logging.getLogger(__name__)

TAKE_OVER_AFTER = timedelta(minutes=30)
RETRY_AFTER = timedelta(minutes=5)
MAX_ATTEMPTS = 3
KEEP_RUNS = timedelta(days=35)
LOOK_BACK = (timedelta(minutes=2), timedelta(hours=2), timedelta(days=2), timedelta(days=370))


@dataclass(frozen=True)
class Job:
    """A service that takes `now` and returns a count, and when it is due.

    `service` is named as "package.module:function", so that a web process, which only knows the
    schedule, does not load what the work needs. `cron` holds APScheduler's cron fields in Taipei
    time. `has_work`, for jobs that fire every few seconds, is a cheap look that spares an idle
    firing its claim.
    """

    name: str
    title: str
    service: str
    cron: dict[str, str]
    has_work: Callable[[datetime], bool] | None = None

    def work(self, now: datetime) -> int:
        service: Callable[[datetime], int] = import_string(self.service)
        return service(now)

    @property
    def trigger(self) -> CronTrigger:
        return CronTrigger(timezone=TAIPEI, **self.cron)

    def last_due(self, now: datetime) -> datetime | None:
        """The latest planned moment at or before `now`; None when there was none for a year."""
        for span in LOOK_BACK:
            latest = None
            for moment in _firings(self.trigger, now - span, now):
                latest = moment
            if latest is not None:
                return latest
        return None


def _firings(trigger: CronTrigger, after: datetime, until: datetime) -> Iterator[datetime]:
    previous, moment = None, trigger.get_next_fire_time(None, local(after))
    while moment is not None and moment <= until:
        yield moment
        previous = moment
        moment = trigger.get_next_fire_time(previous, previous + timedelta(microseconds=1))


class JobRun(Model):
    """One claimed firing: who took it, how it ended."""

    __tablename__ = "job_runs"
    __table_args__ = (sa.UniqueConstraint("job", "window"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    job: Mapped[str] = mapped_column(sa.String(48))
    window: Mapped[str] = mapped_column(sa.String(40))
    runner: Mapped[str] = mapped_column(sa.String(80))
    attempts: Mapped[int] = mapped_column(default=1)
    claimed_at: Mapped[datetime] = mapped_column(index=True)
    finished_at: Mapped[datetime | None]
    count: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(sa.String(80))


class RunnerBeat(Model):
    """The last sign of life of each job runner."""

    __tablename__ = "runner_beats"

    runner: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    seen_at: Mapped[datetime]


def register(app: Flask, *jobs: Job) -> None:
    app.extensions.setdefault("jobs", {}).update({job.name: job for job in jobs})


def registered() -> dict[str, Job]:
    jobs: dict[str, Job] = current_app.extensions.get("jobs", {})
    return jobs


def newest_runs() -> dict[str, JobRun]:
    """The last claimed run of each job, by the job's name."""
    newest = sa.select(sa.func.max(JobRun.id)).group_by(JobRun.job)
    return {run.job: run for run in db.session.scalars(sa.select(JobRun).where(JobRun.id.in_(newest)))}


def old_runs(now: datetime) -> sa.ColumnElement[bool]:
    """Runs that nobody looks at any more; each job's newest is never among them."""
    newest = sa.select(sa.func.max(JobRun.id)).group_by(JobRun.job)
    return sa.and_(JobRun.claimed_at < now - KEEP_RUNS, JobRun.id.not_in(newest))


def runner_name() -> str:
    return f"{socket.gethostname()[:50]}:{os.getpid()}"


def claim(job: str, window: str, *, runner: str, now: datetime) -> int | None:
    """Take one firing; return its run id, or None when another runner has it.

    A run that failed is retried after a while, one whose runner died is taken over.
    """
    with transaction() as session:
        taken = session.execute(
            insert(session, JobRun)
            .values(job=job, window=window, runner=runner, claimed_at=now, attempts=1)
            .on_conflict_do_nothing(index_elements=["job", "window"])
            .returning(JobRun.id)
        ).scalar()
        if taken is not None:
            return int(taken)
        abandoned = sa.and_(JobRun.finished_at.is_(None), JobRun.claimed_at < now - TAKE_OVER_AFTER)
        failed = sa.and_(JobRun.error.is_not(None), JobRun.finished_at < now - RETRY_AFTER)
        again = session.execute(
            sa.update(JobRun)
            .where(JobRun.job == job, JobRun.window == window, JobRun.attempts < MAX_ATTEMPTS)
            .where(sa.or_(abandoned, failed))
            .values(runner=runner, claimed_at=now, finished_at=None, error=None, attempts=JobRun.attempts + 1)
            .returning(JobRun.id)
        ).scalar()
        return None if again is None else int(again)


def run_due(job: Job, now: datetime, *, runner: str) -> int | None:
    """Run the latest planned firing unless somebody has done so; return its count.

    Firings missed while no runner was up collapse into this one.
    """
    due = job.last_due(now)
    if due is None or (job.has_work is not None and not job.has_work(now)):
        return None
    run_id = claim(job.name, due.isoformat(timespec="seconds"), runner=runner, now=now)
    return None if run_id is None else _work(job, run_id, now)


def run_now(job: Job, now: datetime, *, runner: str) -> int:
    """One run by hand, beside the schedule. Raises what the service raises."""
    run_id = claim(job.name, f"manual {now.isoformat()}", runner=runner, now=now)
    if run_id is None:
        raise Conflict("這個工作剛剛才手動執行過，請稍候再試。")
    return _work(job, run_id, now, swallow=False) or 0


def _work(job: Job, run_id: int, now: datetime, *, swallow: bool = True) -> int | None:
    count, error = None, None
    try:
        count = job.work(now)
    except Exception as fault:
        error = type(fault).__name__
        log.exception("job failed", extra={"job": job.name, "run": run_id})
        db.session.rollback()
        if not swallow:
            raise
    finally:
        with transaction() as session:
            session.execute(
                sa.update(JobRun)
                .where(JobRun.id == run_id)
                .values(finished_at=utcnow(), count=count, error=error)
            )
    return count


def beat(now: datetime, *, runner: str) -> None:
    """Say that this runner lives, and forget dead runners."""
    with transaction() as session:
        session.execute(
            insert(session, RunnerBeat)
            .values(runner=runner, seen_at=now)
            .on_conflict_do_update(index_elements=["runner"], set_={"seen_at": now})
        )
        session.execute(sa.delete(RunnerBeat).where(RunnerBeat.seen_at < now - timedelta(days=1)))


def serve(app: Flask) -> None:
    """Run every registered job until SIGTERM or Ctrl-C."""
    runner = runner_name()
    scheduler = BlockingScheduler(
        timezone=TAIPEI, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": 3600}
    )
    with app.app_context():
        jobs = list(registered().values())

    def fire(job: Job) -> None:
        with app.app_context():
            run_due(job, utcnow(), runner=runner)

    def watch() -> None:
        """Every minute: a sign of life, and a second look at whatever is due and undone."""
        with app.app_context():
            beat(utcnow(), runner=runner)
        for job in jobs:
            fire(job)

    for job in jobs:
        scheduler.add_job(fire, job.trigger, args=[job], id=job.name)
    scheduler.add_job(watch, CronTrigger(second="7", timezone=TAIPEI), id="watch", next_run_time=utcnow())

    def stop(signum: int, frame: FrameType | None) -> None:
        scheduler.shutdown(wait=False)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    log.info("job runner started", extra={"runner": runner, "jobs": len(jobs)})
    scheduler.start()
