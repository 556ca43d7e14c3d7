"""Reading files of letters: what they are, how they are encoded, which column means what.

A file is read to its end once before anything is taken from it, so that a broken one changes nothing.
"""

from __future__ import annotations

import codecs
import csv
import json
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from feedback.services.importing import Row
from feedback.sheets import MAX_BYTES, UnreadableError, read_ods, read_xlsx

PIECE = 1 << 20
MAX_CELL = 1 << 20
TEXT_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}

NAMES = {
    "text": ("text", "body", "內容", "來信內容", "陳情內容", "意見內容"),
    "subject": ("subject", "主旨", "標題"),
    "date": ("date", "日期", "來信日期", "收件日期", "收文日期"),
    "channel": ("channel", "管道", "來信管道"),
    "name": ("name", "姓名"),
    "email": ("email", "e-mail", "電子郵件", "電子信箱"),
    "phone": ("phone", "電話", "聯絡電話"),
    "county": ("county", "縣市"),
    "unit": ("unit", "單位", "承辦單位"),
    "external_id": ("external_id", "外部編號"),
}
FIELDS = {name: field_name for field_name, names in NAMES.items() for name in names}

Cells = tuple[int, list[str]]


@dataclass(frozen=True)
class LetterFile:
    """A file of letters that can be read. `ignored` are the columns that mean nothing here."""

    rows: Callable[[], Iterator[Row]]
    ignored: list[str]


def open_letters(path: Path) -> LetterFile:
    """The letters of a .csv, .xlsx, .ods or .jsonl file. Raises UnreadableError with one clear line."""
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise UnreadableError(f"不支援「{path.suffix or path.name}」檔；可以用 .csv、.xlsx、.ods 或 .jsonl。")
    try:
        size = path.stat().st_size if path.is_file() else -1
        if size <= 0:
            raise UnreadableError("檔案是空的。" if size == 0 else "找不到這個檔案。")
        if size > MAX_BYTES:
            raise UnreadableError(f"檔案超過 {MAX_BYTES >> 20} MB，請分成幾個檔案。")
        ignored: dict[str, None] = {}
        for _row in reader(path, ignored):
            pass
    except OSError as error:
        raise UnreadableError(f"檔案讀不到（{error.strerror or type(error).__name__}）。") from error
    return LetterFile(lambda: reader(path, {}), list(ignored))


def _from_csv(path: Path, ignored: dict[str, None]) -> Iterator[Row]:
    return _from_cells(_csv_cells(path, _encoding(path)), ignored)


def _csv_cells(path: Path, encoding: str) -> Iterator[Cells]:
    csv.field_size_limit(MAX_CELL)
    with path.open(encoding=encoding, newline="") as file:
        heading = file.readline()
        file.seek(0)
        lines = csv.reader(file, delimiter=max(",;\t", key=heading.count), strict=True)
        try:
            yield from enumerate(lines, start=1)
        except csv.Error as error:
            raise UnreadableError(
                f"第 {lines.line_num} 行附近的引號沒有成對，或欄位太長，請修正後再匯入。"
            ) from error


def _encoding(path: Path) -> str:
    """UTF-8 or, when it is not, Big5 as Windows writes it. Raises UnreadableError for anything else."""
    with path.open("rb") as file:
        start = file.read(4)
    for mark, name in TEXT_BOMS.items():
        if start.startswith(mark):
            return _proved(path, name)
    return _proved(path, "utf-8", "cp950")


def _proved(path: Path, *encodings: str) -> str:
    for encoding in encodings:
        try:
            for piece in _decoded(path, encoding):
                if "\0" in piece:
                    raise UnreadableError("這不是文字檔，請另存成 CSV（UTF-8）再匯入。")
        except UnicodeError:
            continue
        return encoding
    raise UnreadableError("看不懂文字編碼，請另存成「CSV UTF-8」再匯入。")


def _decoded(path: Path, encoding: str) -> Iterator[str]:
    with path.open(encoding=encoding, newline="") as file:
        while piece := file.read(PIECE):
            yield piece


def _from_cells(rows: Iterable[Cells], ignored: dict[str, None]) -> Iterator[Row]:
    """Rows under a heading line, by field; empty lines are passed over."""
    lines = ((number, cells) for number, cells in rows if any(cell.strip() for cell in cells))
    heading = next(lines, None)
    if heading is None:
        raise UnreadableError("檔案裡沒有任何資料。")
    columns = _columns(heading[1], ignored)
    for number, cells in lines:
        if any(cell.strip() for cell in cells[len(heading[1]) :]):
            yield Row(number, fault="這一列的欄數比標題列多，請檢查逗號與引號。")
            continue
        yield Row(number, {name: cells[index] for name, index in columns.items() if index < len(cells)})


def _columns(heading: list[str], ignored: dict[str, None]) -> dict[str, int]:
    columns: dict[str, int] = {}
    for index, title in enumerate(heading):
        name = _field(title)
        if name and name not in columns:
            columns[name] = index
        elif title.strip():
            ignored[_shown(title)] = None
    if "text" not in columns:
        found = "、".join(_shown(title) for title in heading[:8] if title.strip())
        raise UnreadableError(f"找不到內容欄；第一列要有「內容」或「text」，這個檔案的第一列是：{found}。")
    return columns


def _field(title: str) -> str | None:
    return FIELDS.get(unicodedata.normalize("NFKC", title).strip().strip("\ufeff").casefold())


def _from_jsonl(path: Path, ignored: dict[str, None]) -> Iterator[Row]:
    with path.open(encoding=_encoding(path), newline="\n") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield _json_row(number, line, ignored)


def _json_row(number: int, line: str, ignored: dict[str, None]) -> Row:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return Row(number, fault="這一行不是正確的 JSON。")
    if not isinstance(data, dict):
        return Row(number, fault='這一行要是一個 JSON 物件，例如 {"text": "…"}。')
    values: dict[str, str] = {}
    for key, value in data.items():
        name = _field(key)
        if name is None:
            ignored[_shown(key)] = None
        elif not isinstance(value, str | int | float | None) or isinstance(value, bool):
            return Row(number, fault=f"「{key}」要是文字。")
        elif value is not None and not values.get(name):
            values[name] = str(value)
    return Row(number, values)


def _shown(text: str) -> str:
    """A column's name as it can be printed."""
    return "".join(char for char in text.strip()[:40] if char.isprintable()) or "（無名稱）"


READERS: dict[str, Callable[[Path, dict[str, None]], Iterator[Row]]] = {
    ".csv": _from_csv,
    ".xlsx": lambda path, ignored: _from_cells(read_xlsx(path), ignored),
    ".ods": lambda path, ignored: _from_cells(read_ods(path), ignored),
    ".jsonl": _from_jsonl,
}
