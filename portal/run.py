"""`make run`: prepare the demonstration, then web server and job runner until Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from portal.config import ROOT, Config

WORKERS, THREADS = 2, 4
POLL_SECONDS = 0.2
PATIENCE_SECONDS = 10


def environment(port: int) -> dict[str, str]:
    """Plain HTTP on this machine only; everything else as the person's own environment says."""
    return os.environ | {
        "QINGTING_PLAIN_HTTP": "1",
        "QINGTING_BASE_URL": os.environ.get("QINGTING_BASE_URL", f"http://localhost:{port}"),
    }


def commands(port: int) -> list[list[str]]:
    """The two processes of an installation: pages, and jobs."""
    gunicorn = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", str(WORKERS)]
    flask = [sys.executable, "-m", "flask", "--app", "wsgi"]
    return [
        [*gunicorn, "--threads", str(THREADS), "--log-level", "warning", "wsgi:create_app()"],
        [*flask, "jobs", "serve"],
    ]


def supervise(port: int, env: dict[str, str], log: Path) -> int:
    """Run both until asked to stop; when one of them ends by itself, stop the other and return 1.

    What they log goes to a file, so that the address and the accounts stay on the screen.
    """
    stopping = False

    def stop(signum: int, frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    with log.open("ab") as output:
        # A session of their own: Ctrl-C reaches this process only, which then stops them in order.
        children = [
            subprocess.Popen(command, cwd=ROOT, env=env, start_new_session=True, stdout=output, stderr=output)
            for command in commands(port)
        ]
    while not stopping and all(child.poll() is None for child in children):
        time.sleep(POLL_SECONDS)
    for child in children:
        child.terminate()
    for child in children:
        try:
            child.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
    if not stopping:
        print(f"伺服器自己停了，原因請看 {log}。", file=sys.stderr)
    return 0 if stopping else 1


def main() -> int:
    parser = argparse.ArgumentParser(description="啟動傾聽的展示環境。")
    parser.add_argument("--port", type=int, default=8000, help="網頁伺服器的埠號")
    port: int = parser.parse_args().port
    env = environment(port)
    prepare = [sys.executable, "-m", "flask", "--app", "wsgi", "demo", "prepare"]
    if subprocess.run(prepare, cwd=ROOT, env=env, check=False).returncode:
        return 1
    log = Config.from_env(env).instance / "run.log"
    print(f"\n傾聽已啟動： http://localhost:{port}/　（按 Ctrl-C 停止；紀錄在 {log}）\n", flush=True)
    return supervise(port, env, log)


if __name__ == "__main__":
    sys.exit(main())
