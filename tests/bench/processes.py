"""Web workers and other processes under measure: their CPU time, their memory, one request to them."""

from __future__ import annotations

import http.client
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from urllib.error import URLError

import psutil

from tests import servers

MEBIBYTE = 1024 * 1024
OURS, HELLO = "wsgi:create_app()", "tests.bench.hello:app"
THREADS = 4
PATIENCE_SECONDS = 120


FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Worker:
    """The one worker behind a port, and how long it took to answer."""

    port: int
    process: psutil.Process
    started_in: float

    def ask(
        self, path: str, *, form: str | bytes | None = None, kind: str = FORM, cookie: str = ""
    ) -> tuple[http.client.HTTPResponse, str]:
        """One request on a connection of its own, redirects not followed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Cookie": cookie} if cookie else {}
        if form is not None:
            headers["Content-Type"] = kind
        try:
            connection.request("GET" if form is None else "POST", path, form, headers)
            answer = connection.getresponse()
            return answer, answer.read().decode()
        finally:
            connection.close()

    def cpu_seconds(self) -> float:
        """User and system time of the worker and of all its children, ended ones included."""
        times = self.process.cpu_times()
        total: float = times.user + times.system + times.children_user + times.children_system
        for child in self.process.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                own = child.cpu_times()
                total += own.user + own.system
        return total


def environment(folder: Path, cache: Path) -> dict[str, str]:
    """An installation of its own that keeps compiled Python as pip does, but in a folder of the bench."""
    kept = servers.environment(folder) | {"PYTHONPYCACHEPREFIX": str(cache)}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept


def wait_until_healthy(child: subprocess.Popen[bytes], port: int, log: Path, seconds: float) -> None:
    """Until /healthz answers. Raises RuntimeError with the end of the log when it does not come up."""
    until = time.monotonic() + seconds
    while child.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError(f"did not come up:\n{log.read_text(encoding='utf-8', errors='replace')[-2000:]}")


@contextmanager
def worker(app: str, env: Mapping[str, str], log: Path, *, python: str = sys.executable) -> Iterator[Worker]:
    """A real gunicorn with one worker, as `make run` starts it but for their number."""
    port = servers.free_port()
    command = [
        python, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "1",
        "--threads", str(THREADS), "--log-level", "warning", app,
    ]  # fmt: skip
    begun = perf_counter()
    with servers.process(command, dict(env), log) as master:
        wait_until_healthy(master, port, log, PATIENCE_SECONDS)
        took = perf_counter() - begun
        (only,) = psutil.Process(master.pid).children()
        yield Worker(port, only, took)


def resident_mb(process: psutil.Process) -> float:
    """Resident memory of a process and its children."""
    family = [process, *process.children(recursive=True)]
    return float(sum(member.memory_info().rss for member in family)) / MEBIBYTE


def peak_mb(process: psutil.Process) -> float | None:
    """The most memory a process ever had resident; None where the system does not say."""
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        return None
    lines = dict(line.split(":", 1) for line in status.read_text(encoding="ascii").splitlines())
    return int(lines["VmHWM"].split()[0]) / 1024
