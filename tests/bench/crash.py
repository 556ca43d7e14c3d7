"""What is lost when web workers are killed in the middle of their work: it must be nothing."""

from __future__ import annotations

from pathlib import Path

from tests.bench.figures import Figure
from tests.crash import storm

SUBMISSIONS, EVERY_SECONDS = 2_000, 3.0


def measure(folder: Path) -> list[Figure]:
    instance = folder / "crash"
    instance.mkdir()
    found = storm(
        instance, f"sqlite:///{instance / 'qingting.db'}", submissions=SUBMISSIONS, every=EVERY_SECONDS
    )
    told, mailed, there = set(found.acknowledged), set(found.mailed), set(found.stored)
    note = f"{SUBMISSIONS:,} 封，其間以 SIGKILL 結束 web worker {found.killed} 次。"
    counted = {
        "crash_lost": ("已回覆編號而不在資料庫的信", found.lost),
        "crash_doubled": ("多收的信", found.doubled),
        "crash_unmailed": ("沒有寄出收件通知的信", len(told - mailed)),
        "crash_mailed_for_nothing": ("為不存在的信寄出的通知", len(mailed - there)),
    }
    return [
        Figure(key=key, what=what, measured=number, unit="封", limit=0, note=note)
        for key, (what, number) in counted.items()
    ]
