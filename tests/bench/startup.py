"""`make run` without the installation: from the command to the first healthy answer."""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter

from tests import servers
from tests.bench.figures import Figure
from tests.bench.processes import HELLO, wait_until_healthy, worker

EMPTY_LIMIT, AGAIN_LIMIT = 180.0, 10.0


def measure(folder: Path, env: dict[str, str]) -> list[Figure]:
    """Leaves the demonstration in the instance of `env` for the other measures."""
    with worker(HELLO, env, folder / "hello.log") as bare:
        yardstick = f"空白 Flask 啟動 {bare.started_in:.1f} 秒"
    empty, again = _start(env, folder / "empty.log"), _start(env, folder / "again.log")
    return [
        Figure(
            key="run_empty_seconds", what="make run，空白環境（不含安裝）", measured=empty, unit="秒",
            limit=EMPTY_LIMIT, yardstick=yardstick,
            note="建立資料表、訓練分類模型、載入一年示範資料，直到 /healthz 回應。",
        ),
        Figure(
            key="run_again_seconds", what="make run，再次啟動", measured=again, unit="秒",
            limit=AGAIN_LIMIT, yardstick=yardstick,
        ),
    ]  # fmt: skip


def _start(env: dict[str, str], log: Path) -> float:
    port = servers.free_port()
    begun = perf_counter()
    with servers.process([sys.executable, "-m", "portal.run", "--port", str(port)], env, log) as child:
        wait_until_healthy(child, port, log, EMPTY_LIMIT)
        return perf_counter() - begun
