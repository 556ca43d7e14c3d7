"""Real processes for tests: web workers and job runners on loopback, stopped at the end."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 240


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def environment(folder: Path, database_url: str | None = None) -> dict[str, str]:
    """An installation of its own in `folder`."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("QINGTING_", "DATABASE_URL"))
    }
    env = inherited | {
        "QINGTING_INSTANCE": str(folder),
        "QINGTING_PLAIN_HTTP": "1",
        "QINGTING_LIMITS": "off",  # a test has one address and no patience
    }
    return env | ({"DATABASE_URL": database_url} if database_url else {})


def flask(env: dict[str, str], *command: str) -> str:
    """Run one command of the platform and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *command],
        cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=START_SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def process(command: list[str], env: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One process, asked to stop at the end and killed if it does not."""
    with log.open("wb") as output:
        child = subprocess.Popen(command, cwd=ROOT, env=env, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield child
        finally:
            child.terminate()
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


@dataclass(frozen=True)
class Web:
    """A running gunicorn: its address, and the process whose children are the workers."""

    url: str
    pid: int


@contextmanager
def web(env: dict[str, str], folder: Path, *, workers: int) -> Iterator[Web]:
    """The platform behind gunicorn."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "-b",
        f"127.0.0.1:{port}",
        "-w",
        str(workers),
        "--threads",
        "2",
    ]
    command += ["--log-level", "warning", "wsgi:create_app()"]
    with process(command, env, folder / "web.log") as child:
        wait_for(f"http://127.0.0.1:{port}/healthz", child=child)
        yield Web(f"http://127.0.0.1:{port}", child.pid)


def wait_for(url: str, seconds: float = START_SECONDS, child: subprocess.Popen[bytes] | None = None) -> None:
    """Until the address answers with 200. Raises TimeoutError, also when `child` has ended before."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and (child is None or child.poll() is None):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  # loopback only
                if answer.status == 200:
                    return
        except (URLError, OSError):
            pass
        time.sleep(0.2)
    raise TimeoutError(f"{url} did not come up")
