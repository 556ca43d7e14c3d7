"""Words of a folded text: jieba's dictionary and algorithm with the agency's own terms.

The work is done by rjieba, jieba's algorithm over the same dictionary in compiled code, twelve times as
fast; where it is not installed, by jieba itself. Both cut without the hidden Markov guesser: on folded text
it gained nothing in accuracy and halves the speed. That both give the same words is a test (decision 9).
"""

from __future__ import annotations

import hashlib
import logging
import re
import warnings
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from analytics.normal import fold, normalise

Cutter = Callable[[str], list[str]]
"""A folded text as its pieces; joined they give the text back."""


class TermsError(ValueError):
    """The dictionary file cannot be used; the message names file and line and is meant for people."""


@dataclass(frozen=True, slots=True)
class Term:
    """One entry of the agency's dictionary, normalised.

    `frequency` None means: often enough to be cut out as one word. `stands_for` is today's name of what
    the term calls by an older or a colloquial one.
    """

    word: str
    frequency: int | None = None
    stands_for: str | None = None


@dataclass(frozen=True, slots=True)
class _Loaded:
    cache_dir: Path
    digest: str
    engine: str
    cut: Cutter
    count: Callable[[str], int]
    synonyms: Mapping[str, str]


_loaded: _Loaded | None = None
ENGINES = ("rjieba", "jieba")
COUNTED = 60_101_967
"""Words that jieba's dictionary was counted on."""


def configure(*, terms: Path | None, cache_dir: Path, engine: str | None = None) -> None:
    """Load the segmenter once per process with the agency's terms; repeating the call is free.

    `terms` holds one term per line: `詞`, `詞 詞頻` or `舊稱 = 今稱`; `#` starts a comment. `cache_dir` is a
    folder of our own: jieba would otherwise trust a cache file in the shared temporary folder. `engine` is
    one of `ENGINES`, by default the first that is installed. Raises `TermsError`.
    """
    global _loaded
    entries = read_terms(terms) if terms is not None else []
    engine = engine or next(name for name in ENGINES if find_spec(name))
    wanted = (cache_dir.resolve(), _digest(entries), engine)
    if _loaded and wanted == (_loaded.cache_dir, _loaded.digest, _loaded.engine):
        return
    words = [(fold(entry.word), entry.frequency) for entry in entries]
    cut, count = _compiled(words) if engine == "rjieba" else _plain(words, wanted[0])
    synonyms = {fold(entry.word): fold(entry.stands_for) for entry in entries if entry.stands_for}
    _loaded = _Loaded(*wanted, cut, count, synonyms)


def _compiled(words: list[tuple[str, int | None]]) -> tuple[Cutter, Callable[[str], int]]:
    import rjieba  # optional: see ENGINES

    engine = rjieba.Jieba()
    for word, frequency in words:
        engine.add_word(word, frequency, None)
    cut: Callable[[str, bool], list[str]] = engine.cut
    # What a word would need to be cut out as one is its own count and one, for a word of the dictionary.
    return lambda folded: cut(folded, False), engine.suggest_freq


def _plain(words: list[tuple[str, int | None]], cache_dir: Path) -> tuple[Cutter, Callable[[str], int]]:
    engine = copy(_jieba(cache_dir))
    engine.FREQ = dict(engine.FREQ)
    for word, frequency in words:
        engine.add_word(word, frequency)
    return lambda folded: list(engine.cut(folded, HMM=False)), lambda word: engine.FREQ.get(word, 0)


def reference() -> Any:
    """jieba over its own dictionary and with its word counts, loaded once; costs 0.7 s and 77 MB."""
    return _jieba(active().cache_dir)


@lru_cache(maxsize=1)
def _jieba(folder: Path) -> Any:
    with warnings.catch_warnings():  # jieba 0.42.1 has invalid escapes and imports pkg_resources
        warnings.simplefilter("ignore")
        import jieba  # heavy, and most processes never need it
    folder.mkdir(parents=True, exist_ok=True)
    jieba.setLogLevel(logging.CRITICAL)
    engine = jieba.Tokenizer()
    engine.tmp_dir = str(folder)
    engine.initialize()
    return engine


def active() -> _Loaded:
    if _loaded is None:
        raise RuntimeError("斷詞詞庫尚未載入：請先呼叫 analytics.text.configure()。")
    return _loaded


def segment(folded: str) -> list[str]:
    """The pieces of a folded text; joined they give the text back."""
    return active().cut(folded)


def count_of(word: str) -> int:
    """How often a folded word occurs in general Chinese, by jieba: of `COUNTED` words, about right."""
    return active().count(word)


def synonyms() -> Mapping[str, str]:
    """Folded older or colloquial names → the name in use."""
    return active().synonyms


def dictionary_digest() -> str:
    """sha256 of the terms now loaded, so that a model can say with which dictionary it was trained."""
    return active().digest


_LINE = re.compile(r"(?P<word>\S+)(?:\s+(?P<frequency>[0-9]+)|\s*=\s*(?P<stands_for>[^\s=]+))?")


def read_terms(path: Path) -> list[Term]:
    """The entries of a dictionary file. Raises `TermsError`."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TermsError(f"無法讀取詞庫 {path}：{error}") from error
    entries: list[Term] = []
    for number, line in enumerate(lines, start=1):
        content = line.split("#", 1)[0].strip()
        if not content:
            continue
        found = _LINE.fullmatch(content)
        if found is None:
            raise TermsError(f"詞庫 {path} 第 {number} 行的格式應為「詞」、「詞 詞頻」或「舊稱 = 今稱」。")
        frequency, stands_for = found["frequency"], found["stands_for"]
        entries.append(
            Term(
                normalise(found["word"]),
                int(frequency) if frequency else None,
                normalise(stands_for) if stands_for else None,
            )
        )
    return entries


def _digest(entries: list[Term]) -> str:
    return hashlib.sha256(repr(sorted(entries, key=repr)).encode()).hexdigest()
