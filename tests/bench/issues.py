"""Hot issues: quality on known incidents, cost against N, one new letter and memory with a full window.

`python -m tests.bench.issues` prints what the figures are made of; `measure` runs it in a fresh process, on
one core.
"""

from __future__ import annotations

import gc
import json
import math
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import psutil

from analytics.hotspots_cli import moment
from analytics.issues.detect import Letter, detect
from analytics.issues.stream import IssueStream
from analytics.resources import DATA
from analytics.text import configure
from tests import servers
from tests.bench.classify import ONE_THREAD
from tests.bench.figures import Figure, middle_and_p95
from tests.bench.letters import SEED, SENTENCE, corpus

CORPUS = DATA / "bsmi" / "letters"
NLP = servers.ROOT.parent / "shared" / "data" / "nlp"
SIZES = (1_000, 10_000, 50_000, 100_000, 200_000)
WINDOW = 100_000
GROWTH_LENGTH, LENGTH = 200, 400
"""Characters of the letters that fill the window (so that 200,000 take three minutes) and of the new ones."""
NEW = 2_000
PATIENCE_SECONDS = 600
QUALITY, LIMIT_MS = 0.85, 10.0


def measure(env: Mapping[str, str]) -> list[Figure]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.issues"],
        cwd=servers.ROOT, env=dict(env) | ONE_THREAD, capture_output=True, text=True, check=False,
        timeout=PATIENCE_SECONDS, preexec_fn=lambda: os.sched_setaffinity(0, {max(os.sched_getaffinity(0))}),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    return [*_quality(told["quality"]), *_cost(told["cost"])]


def _quality(told: dict[str, Any] | None) -> list[Figure]:
    if told is None:
        print(f"【略過】熱門議題的品質沒有測量：沒有 {NLP}/teddy_messages_4326.jsonl", file=sys.stderr)
        return []
    return [
        Figure(
            key="issues_f1",
            what="熱門議題，已知事件的平均 F1",
            measured=told["f1"],
            unit="",
            limit=QUALITY,
            at_least=True,
            note=f"{told['letters']:,} 封真實留言、{len(told['each'])} 個已知事件；"
            f"找出 {told['issues']} 個議題，{told['seconds']:.1f} 秒。",
            detail=told,
        )
    ]


def _cost(told: dict[str, Any]) -> list[Figure]:
    seconds = {int(size): value for size, value in told["seconds"].items()}
    first, last = min(seconds), max(seconds)
    growth = seconds[last] / seconds[first] / (last * math.log(last) / (first * math.log(first)))
    each = "、".join(f"{size:,} 封 {value:.1f} 秒" for size, value in seconds.items())
    middle, p95 = told["middle_ms"], told["p95_ms"]
    return [
        Figure(
            key="issues_growth",
            what=f"熱門議題，{first:,} 封到 {last:,} 封的成本比 N log N",
            measured=growth,
            unit="倍",
            limit=1.0,
            note=f"平均 {told['length']:.0f} 字，視窗 {WINDOW:,} 封，核心時間：{each}。",
            detail={"seconds": seconds, "groups": told["groups"]},
        ),
        Figure(
            key="issues_new_letter_ms",
            what="熱門議題，視窗全滿時的一封新信（p95）",
            measured=p95,
            unit="毫秒",
            limit=LIMIT_MS,
            note=f"平均 {told['new_length']:.0f} 字；中位數 {middle:.2f} 毫秒，"
            f"最久 {told['longest_ms']:.1f} 毫秒；找相似來信（p95）{told['similar_ms']:.2f} 毫秒。",
            detail={"middle_ms": middle, "longest_ms": told["longest_ms"], "similar_ms": told["similar_ms"]},
        ),
        Figure(
            key="issues_memory_mb",
            what="熱門議題，全滿的視窗所占記憶體",
            measured=told["memory_mb"],
            unit="MB",
            note=f"{WINDOW:,} 封；再加 {last - WINDOW:,} 封之後多 {told['memory_later_mb']:.1f} MB。",
            detail={"later_mb": told["memory_later_mb"]},
        ),
    ]


def known_incidents() -> dict[str, Any] | None:
    """Mean over known issues of the F1 of the detected issue that matches best."""
    messages, known = NLP / "teddy_messages_4326.jsonl", NLP / "teddy_hot_gold.json"
    if not messages.exists() or not known.exists():
        return None
    rows = [json.loads(line) for line in messages.read_text(encoding="utf-8").splitlines()]
    begun = perf_counter()
    issues = detect(Letter(row["id"], moment("", row["time"]), row["text"]) for row in rows)
    seconds = perf_counter() - begun
    found = [set(issue.members) for issue in issues]
    gold = {name: set(keys) for name, keys in json.loads(known.read_text(encoding="utf-8")).items()}
    each = {
        name: max(2 * len(keys & members) / (len(keys) + len(members)) for members in found)
        for name, keys in gold.items()
    }
    f1 = sum(each.values()) / len(each)
    return {"f1": f1, "each": each, "letters": len(rows), "issues": len(issues), "seconds": seconds}


def long_letters(count: int, length: int, seed: int) -> Iterator[str]:
    """Letters of `length` characters or a sentence more: a title and sentences of the starter corpus."""
    rows = corpus(CORPUS)
    titles = sorted({row["subject"] for row in rows if row.get("subject")}) or ["來信"]
    parts = sorted({part.strip() for row in rows for part in SENTENCE.findall(row["text"]) if part.strip()})
    rng = random.Random(seed)  # noqa: S311  # the same letters every time
    for _ in range(count):
        text = rng.choice(titles) + "\n"
        while len(text) < length:
            text += rng.choice(parts)
        yield text


def full_stream() -> dict[str, Any]:
    """One stream of all letters: seconds of its core at each size, then single letters with a full window."""
    day, process = date(2026, 1, 1), psutil.Process()
    gc.collect()
    before, memory = process.memory_info().rss, 0
    stream = IssueStream(capacity=WINDOW, days=36_525)
    spent, seconds, characters = 0.0, {}, 0
    for serial, text in enumerate(long_letters(max(SIZES), GROWTH_LENGTH, SEED), start=1):
        begun = process_time()
        stream.add(serial, day + timedelta(days=serial // 200), text)
        spent += process_time() - begun
        characters += len(text)
        if serial in SIZES:
            seconds[serial] = spent
        if serial == WINDOW:
            memory = process.memory_info().rss - before
    later = process.memory_info().rss - before - memory
    return {
        "seconds": seconds,
        "length": characters / max(SIZES),
        "memory_mb": memory / 2**20,
        "memory_later_mb": later / 2**20,
        "groups": sum(1 for _ in stream.groups(least=2)),
    } | single_letters(stream, day + timedelta(days=max(SIZES) // 200))


def single_letters(stream: IssueStream, day: date) -> dict[str, Any]:
    """Milliseconds of one letter of `LENGTH` characters with a full window, taken in and asked for."""
    texts = list(long_letters(NEW, LENGTH, SEED + 1))
    similar = [_milliseconds(lambda text=text: stream.similar(text)) for text in texts]
    added = [
        _milliseconds(lambda key=f"new {place}", text=text: stream.add(key, day, text))
        for place, text in enumerate(texts)
    ]
    middle, p95 = middle_and_p95(added)
    return {
        "new_length": sum(map(len, texts)) / len(texts),
        "middle_ms": middle,
        "p95_ms": p95,
        "longest_ms": max(added),
        "similar_ms": middle_and_p95(similar)[1],
    }


def _milliseconds(work: Callable[[], object]) -> float:
    begun = process_time()
    work()
    return 1_000 * (process_time() - begun)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="qingting-bench-") as folder:
        configure(terms=DATA / "bsmi" / "terms.txt", cache_dir=Path(folder))
    cost = full_stream()
    print(json.dumps({"cost": cost, "quality": known_incidents()}))


if __name__ == "__main__":
    main()
