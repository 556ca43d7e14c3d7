"""`flask analytics classify` on one core, beside a plain pipeline on the same core and letters."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from analytics.resources import DATA
from tests import servers
from tests.bench.figures import Figure
from tests.bench.letters import short_letters

LETTERS = 40_000
LIMIT = 15_000.0
LOAD_SECONDS, RESIDENT_MB, SINGLE_MS = 1.5, 350.0, 2.0
CORPUS = DATA / "bsmi" / "letters"
PATIENCE_SECONDS = 120
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Run:
    """One command on one core: how long it took, and how much of that the core was its own."""

    seconds: float
    cpu_seconds: float
    output: str


def measure(folder: Path, env: Mapping[str, str]) -> tuple[list[Figure], dict[str, Any]]:
    """The figures, and what the yardstick said of itself."""
    texts = short_letters(CORPUS, LETTERS)
    many, one = folder / "letters.jsonl", folder / "letter.jsonl"
    many.write_text("".join(_line(serial, text) for serial, text in enumerate(texts)), encoding="utf-8")
    one.write_text(_line(0, texts[0]), encoding="utf-8")
    plain = json.loads(_on_one_core(["-m", "tests.bench.plain", str(CORPUS), str(many)], env).output)
    command = ["-m", "flask", "--app", "wsgi", "analytics", "classify"]
    start, whole = _on_one_core([*command, str(one)], env), _on_one_core([*command, str(many)], env)
    assert whole.output.count("\n") == LETTERS, "every letter gets one line"
    seconds, cpu = whole.seconds - start.seconds, whole.cpu_seconds - start.cpu_seconds
    length = sum(map(len, texts)) / len(texts)
    figure = Figure(
        key="classify_per_second",
        what="分類，單一核心的每秒",
        measured=(LETTERS - 1) / cpu,
        unit="封/秒",
        limit=LIMIT,
        at_least=True,
        yardstick=f"原生 jieba＋TF-IDF＋LinearSVC {plain['per_second']:,.0f} 封/秒",
        note=f"{LETTERS:,} 封、平均 {length:.0f} 字，以核心時間計並扣除啟動；同時有別的程式在用這個核心時，"
        f"時鐘上為 {(LETTERS - 1) / seconds:,.0f} 封/秒，含啟動（{start.seconds:.1f} 秒）"
        f"{LETTERS / whole.seconds:,.0f} 封/秒。",
        detail={
            "letters": LETTERS,
            "start_seconds": start.seconds,
            "whole_seconds": whole.seconds,
            "per_second_with_start": LETTERS / whole.seconds,
            "per_second_by_clock": (LETTERS - 1) / seconds,
            "plain_per_second": plain["per_second"],
        },
    )
    return [figure, *_reader(env)], plain


def _reader(env: Mapping[str, str]) -> list[Figure]:
    """Loading the active model into a fresh process, and reading one letter at a time."""
    told = json.loads(_on_one_core(["-m", "tests.bench.reader", str(CORPUS)], env).output)
    return [
        Figure(
            key="model_load_seconds", what="載入分類模型和詞庫", measured=told["load_seconds"], unit="秒",
            limit=LOAD_SECONDS, note="核心時間，套件匯入之後。", detail=told,
        ),
        Figure(
            key="reader_resident_mb", what="讀信程序的記憶體", measured=told["resident_mb"], unit="MB",
            limit=RESIDENT_MB, note=f"載入模型、讀過 {told['letters']} 封信之後。",
        ),
        Figure(
            key="one_letter_ms", what="讀一封信（p95）", measured=told["p95_ms"], unit="毫秒",
            limit=SINGLE_MS, note=f"核心時間，中位數 {told['median_ms']:.2f} 毫秒；主題、性質、緊急都判讀。",
        ),
    ]  # fmt: skip


def _line(serial: int, text: str) -> str:
    return json.dumps({"id": serial, "text": text}, ensure_ascii=False) + "\n"


def _on_one_core(arguments: list[str], env: Mapping[str, str]) -> Run:
    core = max(os.sched_getaffinity(0))
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=servers.ROOT, env=dict(env) | ONE_THREAD, capture_output=True, text=True, check=False,
        timeout=PATIENCE_SECONDS, preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )  # fmt: skip
    seconds, after = perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Run(seconds, cpu, done.stdout)
