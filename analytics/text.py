"""Turn what people type into comparable words: width, script and noise folding, then segmentation.

jieba's own dictionary is Simplified, so plain jieba is poor at Traditional text. Every character is therefore
folded to its Simplified form (OpenCC's character table, one to one, so lengths and positions stay) before
segmentation; the words handed back are cut from the writer's own text.
"""

from __future__ import annotations

import hashlib
import logging
import re
import unicodedata
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import opencc

with warnings.catch_warnings():  # jieba 0.42.1 has invalid escapes and imports pkg_resources
    warnings.simplefilter("ignore")
    import jieba

MAX_CHARS = 20_000
"""Characters of one letter that count. A pasted megabyte must not hold up everybody else's letters."""

FEATURES_VERSION = 1
"""Raise it when `analyse` or `normalise` changes: older models would then read letters wrongly."""

URL_CLASS = "<url>"
EMAIL_CLASS = "<email>"
NUMBER_CLASS = "<number>"

_CJK = r"\u3400-\u9fff\uf900-\ufaff\u3000-\u303f\uff00-\uffef"
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\ud800-\udfff\ue000-\uf8ff"
    "\U000e0000-\U000e0fff\U000f0000-\U0010ffff]+"
)
_LINE_BREAKS = re.compile(r"\s*[\n\r\u2028\u2029\x85]\s*")
_BLANKS = re.compile(r"[^\S\n]+")
_BLANK_IN_CJK = re.compile(rf"(?<=[{_CJK}])[^\S\n]+(?=[{_CJK}])")
_URL = re.compile(r"(?:https?://|www\.)[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+;=%]+", re.IGNORECASE)
_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9._%+\-]{1,64}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){1,8}"
)
# Seven digits or more, perhaps grouped: telephones, case numbers, tariff codes. CNS numbers (at most five
# digits) carry meaning and stay.
_NUMBER = re.compile(r"(?<!\d)\d(?:[.\-/]?\d){6,}")
_HAS_DIGIT = re.compile(r"\d")
_WORD = re.compile(r"\w")


class TermsError(ValueError):
    """The dictionary file cannot be used; the message names file and line and is meant for people."""


def normalise(text: str) -> str:
    """Fold spellings that mean the same: width (NFKC), 臺/台, invisible characters, blanks inside Chinese.

    Web addresses, e-mail addresses and numbers of seven digits or more become the class tokens `<url>`,
    `<email>` and `<number>`: which one it is says nothing about the topic, and personal data stay out of
    the vocabulary. Only the first `MAX_CHARS` characters count.
    Never raises, whatever the string holds.
    """
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text[: 4 * MAX_CHARS]))
    text = _INVISIBLE.sub("", text).replace("臺", "台")
    if "://" in text or "www." in text or "WWW." in text:
        text = _URL.sub(URL_CLASS, text)
    if "@" in text:
        text = _EMAIL.sub(EMAIL_CLASS, text)
    if _HAS_DIGIT.search(text):
        text = _NUMBER.sub(NUMBER_CLASS, text)
    text = _LINE_BREAKS.sub("\n", text)
    text = _BLANK_IN_CJK.sub("", _BLANKS.sub(" ", text))
    return text.strip()[:MAX_CHARS]


def _fold_table() -> dict[int, str]:
    """Traditional→Simplified and A→a, one character to one character."""
    characters = "".join(map(chr, range(0x3400, 0xA000)))
    simplified = opencc.OpenCC("t2s").convert(characters)
    if len(simplified) != len(characters):
        raise RuntimeError("OpenCC 的字元表不是一對一，無法保留文字位置。")
    table = {ord(a): b for a, b in zip(characters, simplified, strict=True) if a != b}
    return table | {code: chr(code + 32) for code in range(ord("A"), ord("Z") + 1)}


_FOLD = _fold_table()


def fold(text: str) -> str:
    """The same text in one script and one case, of the same length: for comparing, never for showing."""
    return text.translate(_FOLD)


@dataclass(frozen=True, slots=True)
class _Setting:
    cache_dir: Path
    digest: str


_setting: _Setting | None = None


def configure(*, terms: Path | None, cache_dir: Path) -> None:
    """Load the segmenter once per process with the agency's terms; repeating the call is free.

    `terms` holds one term per line with an optional frequency, `#` starts a comment. `cache_dir` is a folder
    of our own: jieba would otherwise trust a cache file in the shared temporary folder. Raises `TermsError`.
    """
    global _setting
    entries = read_terms(terms) if terms is not None else []
    wanted = _Setting(cache_dir.resolve(), _digest(entries))
    if wanted == _setting:
        return
    cache_dir.mkdir(parents=True, exist_ok=True)
    jieba.setLogLevel(logging.CRITICAL)
    engine = jieba.dt
    engine.tmp_dir = str(wanted.cache_dir)
    engine.initialized = False
    engine.initialize()
    for term, frequency in entries:
        engine.add_word(fold(term), frequency)
    _setting = wanted


def dictionary_digest() -> str:
    """sha256 of the terms now loaded, so that a model can say with which dictionary it was trained."""
    return _loaded().digest


def read_terms(path: Path) -> list[tuple[str, int | None]]:
    """The terms of a dictionary file, normalised, each with its frequency or None. Raises `TermsError`."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TermsError(f"無法讀取詞庫 {path}：{error}") from error
    entries: list[tuple[str, int | None]] = []
    for number, line in enumerate(lines, start=1):
        parts = line.split("#", 1)[0].split()
        if not parts:
            continue
        if len(parts) > 2 or (len(parts) == 2 and not parts[1].isdecimal()):
            raise TermsError(f"詞庫 {path} 第 {number} 行的格式應為「詞」或「詞 詞頻」。")
        entries.append((normalise(parts[0]), int(parts[1]) if len(parts) == 2 else None))
    return entries


def _digest(entries: list[tuple[str, int | None]]) -> str:
    return hashlib.sha256(repr(sorted(entries, key=repr)).encode()).hexdigest()


def _loaded() -> _Setting:
    if _setting is None:
        raise RuntimeError("斷詞詞庫尚未載入：請先呼叫 analytics.text.configure()。")
    return _setting


def segment(folded: str) -> Iterator[str]:
    """jieba's pieces of a folded text; joined they give the text back.

    Without the hidden Markov guesser: on folded text it gained nothing in accuracy and halves the speed.
    """
    _loaded()
    pieces: Iterator[str] = jieba.dt.cut(folded, HMM=False)
    return pieces


def tokenize(text: str) -> list[str]:
    """The words of a text as the writer spelt them (after `normalise`), without punctuation and blanks."""
    clean = normalise(text)
    words: list[str] = []
    start = 0
    for piece in segment(fold(clean)):
        end = start + len(piece)
        if _WORD.search(piece):
            words.append(clean[start:end])
        start = end
    return words


def analyse(text: str) -> list[str]:
    """The features of one text: words of two characters or more, single characters and character pairs.

    At module level so that a pickled model refers to it by name.
    """
    folded = fold(normalise(text))
    features = ["w:" + piece for piece in segment(folded) if len(piece) > 1 and _WORD.search(piece)]
    features += folded
    features += map("".join, pairwise(folded))
    return features


def spread(clean: str, shares: Mapping[str, float]) -> dict[str, float]:
    """Feature values of a normalised text as values of its pieces, so that they can be told as words.

    A character pair is split between its characters, a character belongs to the piece it stands in, and a
    word feature to its word. The values add up to what all occurrences of the features add up to.
    """
    folded = fold(clean)
    per_char = [shares.get(char, 0.0) for char in folded]
    for start in range(len(folded) - 1):
        half = shares.get(folded[start : start + 2], 0.0) / 2
        per_char[start] += half
        per_char[start + 1] += half
    totals: dict[str, float] = {}
    start = 0
    for piece in segment(folded):
        end = start + len(piece)
        value = sum(per_char[start:end]) + shares.get("w:" + piece, 0.0)
        totals[clean[start:end]] = totals.get(clean[start:end], 0.0) + value
        start = end
    return totals


def has_phrase(text: str, phrases: Sequence[str]) -> bool:
    """Whether a text holds one of the folded phrases."""
    if not phrases:
        return False
    folded = fold(normalise(text))
    return any(phrase in folded for phrase in phrases)
