"""`python -m tests.bench`: measure, print a table, write bench.json. A missed limit is told, not punished."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from tests import servers
from tests.bench import classify, crash, inbox, issues, masking, memory, search, startup, submission
from tests.bench.figures import Figure, table
from tests.bench.processes import environment

GROUPS = ("startup", "classify", "memory", "submission", "inbox", "issues", "masking", "search", "crash")


class Bench:
    """The measures of one run. The first leaves a demonstration that the next two use."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.plain = folder, dict[str, Any]()
        (folder / "demo").mkdir()
        self.demo = environment(folder / "demo", folder / "compiled")

    def startup(self) -> list[Figure]:
        return startup.measure(self.folder, self.demo)

    def classify(self) -> list[Figure]:
        figures, self.plain = classify.measure(self.folder, self.demo)
        return figures

    def memory(self) -> list[Figure]:
        return memory.measure(self.folder, self.demo, self.plain)

    def submission(self) -> list[Figure]:
        return submission.measure(self.folder)

    def issues(self) -> list[Figure]:
        return issues.measure(self.demo)

    def masking(self) -> list[Figure]:
        return masking.measure()

    def crash(self) -> list[Figure]:
        return crash.measure(self.folder)

    def search(self) -> list[Figure]:
        return search.measure(self.folder)

    def inbox(self) -> list[Figure]:
        return inbox.measure(self.folder)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="測量速度與用量。")
    parser.add_argument("--only", action="append", choices=GROUPS, help="只測這一組，可重複；預設全部")
    wanted = parser.parse_args().only or GROUPS
    begun, load = perf_counter(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="qingting-bench-") as name:
        bench = Bench(Path(name))
        if "startup" not in wanted and {"classify", "memory"} & set(wanted):
            servers.flask(bench.demo, "demo", "prepare")
        figures, failed = [], []
        for group in GROUPS:
            if group in wanted:
                found = _attempt(group, getattr(bench, group))
                figures += found or []
                failed += [] if found is not None else [group]
    print(f"\n{table(figures)}\n")
    path = _write(figures, failed, load, perf_counter() - begun)
    missed = [figure.what for figure in figures if figure.ok is False]
    print(f"未達成 {len(missed)} 項：{'、'.join(missed)}" if missed else "每一項有限制的都達成。")
    print(f"測量 {perf_counter() - begun:.0f} 秒，開始時負載 {load:.2f}；已寫入 {path}")
    if failed:
        print(f"無法測量：{'、'.join(failed)}（原因見上）", file=sys.stderr)
    return 1 if failed else 0


def _attempt(group: str, measure: Callable[[], list[Figure]]) -> list[Figure] | None:
    """One group's figures; None, with the reason on stderr, when it could not be measured."""
    begun = perf_counter()
    print(f"測量 {group} ……", end="", file=sys.stderr, flush=True)
    try:
        figures = measure()
    except Exception:
        print("失敗", file=sys.stderr)
        traceback.print_exc()
        return None
    print(f" {perf_counter() - begun:.0f} 秒", file=sys.stderr, flush=True)
    return figures


def _write(figures: list[Figure], failed: list[str], load: float, seconds: float) -> Path:
    folder = Path(os.environ.get("QINGTING_INSTANCE") or servers.ROOT / "instance")
    folder.mkdir(parents=True, exist_ok=True)
    report = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "machine": {
            "cores": len(os.sched_getaffinity(0)),
            "load_at_start": round(load, 2),
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "failed": failed,
        "figures": [figure.as_json() for figure in figures],
    }
    path = folder / "bench.json"
    path.write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    sys.exit(main())
