"""A public ticket of django-helpdesk beside one of our letters, measured in the same way in the same run."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import urllib.parse
import venv
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from statistics import median

from tests.bench.figures import Figure
from tests.bench.processes import Worker, worker
from tests.servers import ROOT

PACKAGE = "django-helpdesk==2.6.1"
ROUNDS, TICKETS, WARM_UP = 3, 100, 20
AT_LEAST = 3.0
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
QUEUE = re.compile(r'<option value="(\d+)"[^>]*>Letters')
INSTALL_SECONDS = 600


def measure(folder: Path, ours_ms: float, title: str, body: str) -> list[Figure]:
    """How many times the CPU of our submission theirs takes. None of it when the package cannot be had."""
    home = folder / "helpdesk"
    python = _environment(home)
    if python is None:
        return []
    env = {"HELPDESK_FOLDER": str(home), "PYTHONPATH": str(ROOT), "PATH": ""}
    subprocess.run([python, "-m", "tests.bench.helpdesk_site"], env=env, cwd=ROOT, check=True)
    costs = []
    with worker("tests.bench.helpdesk_site:app", env, folder / "helpdesk.log", python=python) as theirs:
        for round_number in range(-1, ROUNDS):
            count = TICKETS if round_number >= 0 else WARM_UP
            sends = [_opened(theirs, title, body, serial) for serial in range(count)]
            before = theirs.cpu_seconds()
            for send in sends:
                send()
            costs += [(theirs.cpu_seconds() - before) * 1000 / count] if round_number >= 0 else []
    _check_rows(home / "helpdesk.db", ROUNDS * TICKETS + WARM_UP)
    cost = median(costs)
    return [
        Figure(
            key="submission_helpdesk_ratio",
            what="django-helpdesk 送出一張公開表單的 CPU 為本系統的幾倍",
            measured=cost / ours_ms,
            unit="倍",
            limit=AT_LEAST,
            at_least=True,
            yardstick=f"django-helpdesk {cost:.2f} ms",
            note=f"{PACKAGE} 裝在自己的環境；SQLite、郵件寫成檔案；{ROUNDS * TICKETS} 張；"
            + "、".join(f"{value:.2f}" for value in costs)
            + " ms。",
        )
    ]


def _environment(home: Path) -> str | None:
    """An interpreter that has the package; None, said loudly, when it could not be installed."""
    venv.create(home / "env", with_pip=True)
    python = str(home / "env" / "bin" / "python")
    done = subprocess.run(
        [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", PACKAGE, "gunicorn"],
        capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS,
    )  # fmt: skip
    if done.returncode:
        print(f"\n略過與 django-helpdesk 的比較：無法安裝 {PACKAGE}\n{done.stderr[-500:]}", file=sys.stderr)
        return None
    return python


def _opened(site: Worker, title: str, body: str, serial: int) -> Callable[[], None]:
    """The form opened and filled in; what is left is to send it."""
    answer, page = site.ask("/tickets/submit/")
    token, queue = TOKEN.search(page), QUEUE.search(page)
    assert answer.status == 200, page[:2000]
    assert token, page[:2000]
    assert queue, page[:2000]
    cookie = (answer.getheader("Set-Cookie") or "").split(";", 1)[0]
    form = urllib.parse.urlencode(
        {
            "csrfmiddlewaretoken": token[1], "queue": queue[1], "title": f"{title}（第 {serial} 封）",
            "body": body, "priority": "3", "submitter_email": f"citizen{serial}@example.com",
        }
    )  # fmt: skip
    return partial(_send, site, form, cookie)


def _send(site: Worker, form: str, cookie: str) -> None:
    answer, page = site.ask("/tickets/submit/", form=form, cookie=cookie)
    assert answer.status == 302, page[:2000]


def _check_rows(database: Path, tickets: int) -> None:
    with closing(sqlite3.connect(database)) as stored:
        (kept,) = stored.execute("SELECT count(*) FROM helpdesk_ticket").fetchone()
    assert kept == tickets, f"{kept} != {tickets}"
