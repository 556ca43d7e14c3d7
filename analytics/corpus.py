"""The labelled letters a classifier learns from: reading, checking and identifying them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

VOICES = ("建議", "詢問", "申訴或抱怨", "檢舉", "讚揚")
"""What a letter wants, one per letter; the order of the petitions law, §168, with praise added."""

POSITIVE, NEUTRAL, NEGATIVE = "正面", "中性", "負面"
SENTIMENTS = (POSITIVE, NEUTRAL, NEGATIVE)
DIMENSION_CODES = tuple("ABCDEFGH")
"""The service dimensions a comment can be about; I and J are of the whole service."""

MAX_SECONDARY = 2
"""A letter has one owner and at most two further topics."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One labelled letter. `voice` and `urgent` are None where nobody has judged them."""

    subject: str
    text: str
    topic: str
    secondary: tuple[str, ...] = ()
    voice: str | None = None
    urgent: bool | None = None

    @property
    def full_text(self) -> str:
        """Subject and body as the classifier reads them."""
        return join(self.subject, self.text)


class CorpusError(ValueError):
    """The corpus cannot be used. `problems` name file and line, for people; the message is the first."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        more = f"（另有 {len(problems) - 1} 處）" if len(problems) > 1 else ""
        super().__init__(f"{problems[0]}{more}")


def join(subject: str, text: str) -> str:
    """Subject and body as one text, the subject on its own line."""
    return f"{subject}\n{text}" if subject else text


def read_corpus(folder: Path, topics: Collection[str], *, voices: Collection[str] = VOICES) -> list[Letter]:
    """All letters of `<folder>/<TOPIC>.jsonl`, in the order of file names and lines.

    A letter met twice is kept once. Raises `CorpusError` for anything unreadable, a topic or voice that does
    not exist, a topic other than its file's, a topic without letters, and one text under two topics.
    """
    files = sorted(folder.glob("*.jsonl"))
    if not files:
        raise CorpusError([f"{folder} 裡沒有訓練語料（應為 <主題代碼>.jsonl）。"])
    problems: list[str] = []
    seen: dict[str, tuple[Letter, str]] = {}
    for file in files:
        for place, line in _lines(file, problems):
            try:
                letter = parse_letter(line, topics, voices)
                if letter.topic != file.stem:
                    raise ValueError(f"topic 是「{letter.topic}」，與檔名不符")
                first, where = seen.setdefault(letter.full_text, (letter, place))
                if first.topic != letter.topic:
                    raise ValueError(f"與 {where} 文字相同而主題不同")
            except ValueError as error:
                problems.append(f"{place}：{error}。")
    empty = sorted(set(topics) - {letter.topic for letter, _ in seen.values()})
    if empty and not problems:
        problems.append(f"{folder} 缺少這些主題的語料：{'、'.join(empty)}。")
    if problems:
        raise CorpusError(problems)
    return [letter for letter, _ in seen.values()]


def _lines(file: Path, problems: list[str]) -> Iterator[tuple[str, str]]:
    try:
        lines = file.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{file.name}：無法以 UTF-8 讀取（{type(error).__name__}）。")
        return
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield f"{file.name} 第 {number} 行", line


def parse_letter(line: str, topics: Collection[str] | None, voices: Collection[str] = VOICES) -> Letter:
    """One JSON line as a letter; `topics` None takes any. Raises ValueError with a message for people."""
    row = _json_object(line)
    subject, text = row.get("subject") or "", row.get("text")
    if not isinstance(subject, str) or not isinstance(text, str) or not text.strip():
        raise ValueError("text 應為非空白的文字，subject 應為文字")
    topic, secondary = row.get("topic"), row.get("secondary") or []
    voice, urgent = row.get("voice"), row.get("urgent")
    if not _is_topic(topic, topics):
        raise ValueError(f"沒有主題「{topic}」")
    if not isinstance(secondary, list) or not all(_is_topic(item, topics) for item in secondary):
        raise ValueError("secondary 應為主題代碼的陣列")
    if topic in secondary or len(set(secondary)) != len(secondary) or len(secondary) > MAX_SECONDARY:
        raise ValueError(f"secondary 不得重複、不得含主要主題，且最多 {MAX_SECONDARY} 個")
    if voice is not None and (not isinstance(voice, str) or voice not in voices):
        raise ValueError(f"沒有意見性質「{voice}」")
    if urgent is not None and not isinstance(urgent, bool):
        raise ValueError("urgent 應為 true 或 false")
    return Letter(subject, text, str(topic), tuple(secondary), voice, urgent)


def _json_object(line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError("不是正確的 JSON") from error
    if not isinstance(row, dict):
        raise ValueError("應為一個 JSON 物件")
    return row


def _is_topic(value: object, topics: Collection[str] | None) -> bool:
    return isinstance(value, str) and bool(value) and (topics is None or value in topics)


def digest(letters: Iterable[Letter]) -> str:
    """sha256 over content and labels, independent of order: the same corpus has the same digest."""
    rows = sorted(json.dumps(astuple(letter), ensure_ascii=True) for letter in letters)
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def folds(labels: Sequence[str], *, count: int, seed: int) -> NDArray[np.int64]:
    """Fold number of each row: shuffled, every label dealt evenly; works for labels with a single row."""
    order = np.random.default_rng(seed).permutation(len(labels))
    by_label = sorted(order.tolist(), key=lambda index: labels[index])
    result = np.empty(len(labels), dtype=np.int64)
    result[by_label] = np.arange(len(labels)) % count
    return result


@dataclass(frozen=True, slots=True)
class Comment:
    """One labelled open survey answer; `dimension` is a code A–H or None."""

    text: str
    sentiment: str
    dimension: str | None


def read_comments(file: Path) -> list[Comment]:
    """The labelled comments of a JSONL file, each text once. Raises `CorpusError`."""
    problems: list[str] = []
    found: dict[str, tuple[Comment, str]] = {}
    for place, line in _lines(file, problems):
        try:
            comment = parse_comment(line)
            first, where = found.setdefault(comment.text, (comment, place))
            if first != comment:
                raise ValueError(f"與 {where} 文字相同而標記不同")
        except ValueError as error:
            problems.append(f"{place}：{error}。")
    if problems:
        raise CorpusError(problems)
    return [comment for comment, _ in found.values()]


def parse_comment(line: str) -> Comment:
    """One JSON line as a comment. Raises ValueError with a message for people."""
    row = _json_object(line)
    text, sentiment, dimension = row.get("text"), row.get("sentiment"), row.get("dimension")
    if not isinstance(text, str) or not text.strip():
        raise ValueError("text 應為非空白的文字")
    if sentiment not in SENTIMENTS:
        raise ValueError(f"sentiment 應為{'、'.join(SENTIMENTS)}之一")
    if dimension is not None and dimension not in DIMENSION_CODES:
        raise ValueError("dimension 應為 A 至 H 之一，或 null")
    return Comment(text, str(sentiment), dimension)
