"""Resident memory of the two processes of an installation, at work on the demonstration."""

from __future__ import annotations

import re
import sqlite3
import sys
import time
import urllib.parse
from collections.abc import Mapping
from contextlib import closing
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa
import yaml

from analytics.resources import DATA
from feedback.models import Case
from portal.clock import utcnow
from surveys.standard import DIMENSIONS
from tests import servers
from tests.bench.classify import CORPUS
from tests.bench.figures import Figure
from tests.bench.letters import short_letters, unread
from tests.bench.processes import HELLO, OURS, Worker, peak_mb, resident_mb, worker

PAGES, NEW_LETTERS = 200, 600
WEB_LIMIT, JOBS_LIMIT = 200.0, 450.0
PATIENCE_SECONDS = 120
WAITING = "SELECT count(*) FROM cases WHERE classified_at IS NULL"
SUMMED_UP = "SELECT count(*) FROM job_runs WHERE job = 'unit-summary' AND finished_at IS NOT NULL"


def measure(folder: Path, env: dict[str, str], plain: Mapping[str, Any]) -> list[Figure]:
    """`env` is an installation that holds the demonstration; `plain` the plain pipeline's own
    figures, empty when it was not measured."""
    database = Path(env["QINGTING_INSTANCE"]) / "qingting.db"
    return [_web(folder, env, database), _jobs(folder, env, database, plain)]


def _web(folder: Path, env: Mapping[str, str], database: Path) -> Figure:
    with worker(HELLO, env, folder / "hello.log") as bare:
        for _ in range(PAGES):
            bare.ask("/")
        hello = resident_mb(bare.process)
    with worker(OURS, env, folder / "web.log") as ours:
        fresh = resident_mb(ours.process)
        cookie = _sign_in(ours)
        pages = _pages(database)
        for page in islice(cycle(pages), PAGES):
            answer, _text = ours.ask(page, cookie=cookie)
            assert answer.status == 200, f"{page}: {answer.status}"
        used, peak = resident_mb(ours.process), peak_mb(ours.process)
    return Figure(
        key="web_resident_mb", what="網頁程序的記憶體", measured=used, unit="MB", limit=WEB_LIMIT,
        yardstick=f"空白 Flask {hello:.0f} MB",
        note=f"看過 {PAGES} 頁（{len(pages)} 種，含各面向的趨勢圖）；剛啟動 {fresh:.0f} MB，"
        f"最高 {peak or used:.0f} MB。",
        detail={"fresh_mb": fresh, "peak_mb": peak, "hello_mb": hello, "pages": PAGES},
    )  # fmt: skip


def _sign_in(site: Worker) -> str:
    """The secretariat's cookie: it sees the letters of every unit and the trends."""
    plot = yaml.safe_load((DATA / "bsmi" / "demo" / "story.yaml").read_text(encoding="utf-8"))
    username = next(row["username"] for row in plot["accounts"] if row["role"] == "secretariat")
    answer, page = site.ask("/staff/sign-in")
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert token, page[:2000]
    fields = {"csrf_token": token[1], "username": username, "password": plot["password"]}
    cookie = (answer.getheader("Set-Cookie") or "").split(";", 1)[0]
    answer, page = site.ask("/staff/sign-in", form=urllib.parse.urlencode(fields), cookie=cookie)
    assert answer.status == 303, page[:2000]
    return (answer.getheader("Set-Cookie") or "").split(";", 1)[0]


def _pages(database: Path) -> list[str]:
    """Every kind of page that people open, some of them with each of several letters and charts."""
    with closing(sqlite3.connect(database)) as stored:
        cases = [row[0] for row in stored.execute("SELECT id FROM cases WHERE NOT restricted LIMIT 8")]
        months = [row[0] for row in stored.execute("SELECT id FROM unit_summaries ORDER BY id DESC LIMIT 4")]
        (slug,) = stored.execute("SELECT slug FROM surveys LIMIT 1").fetchone()
    return [
        "/", "/sitemap", "/privacy", "/feedback/new", "/feedback/track", "/surveys/", f"/surveys/{slug}",
        "/staff/", "/staff/cases/", "/staff/cases/?state=all", "/staff/summaries/", "/staff/improvements/",
        "/staff/surveys/", f"/staff/surveys/{slug}", "/staff/trends/",
        *(f"/staff/trends/?dimension={code}" for code in DIMENSIONS),
        *(f"/staff/cases/{case_id}" for case_id in cases),
        *(f"/staff/summaries/{summary_id}" for summary_id in months),
    ]  # fmt: skip


def _jobs(folder: Path, env: dict[str, str], database: Path, plain: Mapping[str, Any]) -> Figure:
    _give_work(database)
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "jobs", "serve"]
    with servers.process(command, env, folder / "jobs.log") as child, closing(_reader(database)) as stored:
        until = time.monotonic() + PATIENCE_SECONDS
        while _count(stored, WAITING) or not _count(stored, SUMMED_UP):
            assert child.poll() is None, "the job process ended"
            assert time.monotonic() < until, "the job process did not finish"
            time.sleep(0.2)
        process = psutil.Process(child.pid)
        used, peak = resident_mb(process), peak_mb(process)
        summaries = _count(stored, "SELECT count(*) FROM unit_summaries")
    return Figure(
        key="jobs_resident_mb", what="背景工作程序的記憶體", measured=used, unit="MB", limit=JOBS_LIMIT,
        yardstick=f"原生 jieba＋TF-IDF＋LinearSVC {plain['resident_mb']:.0f} MB" if plain else "",
        note=f"為 {NEW_LETTERS} 封新信建議主題、寫了 {summaries} 份單位摘要；最高 {peak or used:.0f} MB。",
        detail={"peak_mb": peak, "letters": NEW_LETTERS, "summaries": summaries},
    )  # fmt: skip


def _give_work(database: Path) -> None:
    """New letters, and no summaries, as if the runner had been away."""
    engine = sa.create_engine(f"sqlite:///{database}")
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM job_runs"))
        connection.execute(sa.text("DELETE FROM unit_summaries"))
        last = connection.execute(sa.text("SELECT max(id) FROM cases")).scalar_one()
        unit_id = connection.execute(sa.text("SELECT id FROM units WHERE code = 'secretariat'")).scalar_one()
        texts = short_letters(CORPUS, NEW_LETTERS)
        rows = unread(NEW_LETTERS, first_id=last + 1, unit_id=unit_id, texts=texts, now=utcnow())
        connection.execute(sa.insert(Case), list(rows))
    engine.dispose()


def _reader(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)


def _count(stored: sqlite3.Connection, query: str) -> int:
    found: int = stored.execute(query).fetchone()[0]
    return found
