"""Masking of personal data: speed beside jieba on the same letters, cost against length on hostile texts."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Callable, Sequence
from time import process_time
from typing import Any

from portal import masking
from tests.bench.classify import CORPUS
from tests.bench.figures import Figure
from tests.bench.letters import corpus
from tests.masking_scores import read

RUNS = 3
SHORTEST_RATIO = 3.0
LARGEST_GROWTH = 3.0
HOSTILE_CHARS = 500_000
HOSTILE = (
    "1", "0", "a", "a@", "a.", "0912", "0 ", "電", "陳", "林美", "王先生", "業務員", "姓名：", "身分證",
    "帳號1-", "生日8", "路1",
    "路一段", "區中山", "一巷", "line", "車A", "護照a", " ", "\n", "〔電話〕", "\x00\xff", "😀",
)  # fmt: skip
"""Each is repeated: beginnings of what the rules look for, that never become a find or always do."""


def measure() -> list[Figure]:
    texts = [f"{row['subject']}\n{row['text']}" for row in corpus(CORPUS)]
    chars = sum(map(len, texts)) / 1000
    ours, plain = chars / _seconds(masking.mask, texts), chars / _seconds(_jieba(), texts)
    written = [case.text for case in read()]
    dense = sum(map(len, written)) / 1000 / _seconds(masking.mask, written)
    worst, unit = max((_growth(unit), unit) for unit in HOSTILE)
    return [
        Figure(
            key="masking_against_jieba",
            what="遮蔽個人資料，速度為 jieba 斷詞的幾倍",
            measured=ours / plain,
            unit="倍",
            limit=SHORTEST_RATIO,
            at_least=True,
            yardstick=f"原生 jieba 斷詞 {plain:,.0f} 千字/秒",
            note=f"{len(texts):,} 封信，每秒 {ours:,.0f} 千字；多有個人資料的短句題組為 {dense:,.0f} 千字。",
            detail={"kchars_per_second": ours, "jieba_per_second": plain, "dense_per_second": dense},
        ),
        Figure(
            key="masking_growth",
            what="遮蔽個人資料，長度加倍時間為幾倍（最壞的一種）",
            measured=worst,
            unit="倍",
            limit=LARGEST_GROWTH,
            yardstick="與長度成正比為 2 倍",
            note=f"{len(HOSTILE)} 種刁鑽文字，{HOSTILE_CHARS:,} 字與兩倍長；最壞的是重複的 {unit!r}。",
        ),
    ]


def _seconds(work: Callable[[str], Any], texts: Sequence[str]) -> float:
    """CPU seconds for all texts, the best of some runs."""
    return min(_once(work, texts) for _ in range(RUNS))


def _once(work: Callable[[str], Any], texts: Sequence[str]) -> float:
    begun = process_time()
    for text in texts:
        work(text)
    return process_time() - begun


def _growth(unit: str) -> float:
    text = unit * (HOSTILE_CHARS // len(unit))
    return _once(masking.find, [text * 2]) / _once(masking.find, [text])


def _jieba() -> Callable[[str], list[str]]:
    with warnings.catch_warnings():  # jieba 0.42.1 has invalid escapes and imports pkg_resources
        warnings.simplefilter("ignore")
        import jieba
    jieba.setLogLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        jieba.dt.tmp_dir = folder
        jieba.initialize()
    segment: Callable[[str], list[str]] = jieba.lcut
    return segment
