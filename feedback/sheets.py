"""Reading the first sheet of Excel and OpenDocument files, row by row, from files nobody vouches for."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, time
from pathlib import Path
from typing import IO, Any
from xml.parsers import expat

import openpyxl

MEBIBYTE = 1 << 20
MAX_BYTES = 200 * MEBIBYTE
MAX_COLUMNS = 64
MAX_ROWS = 200_000
PIECE = 1 << 16
PROLOG = 4096
BROKEN = "這個 {} 檔已損壞或內容不完整，請用試算表軟體打開、另存新檔後再匯入。"
BREAKS = (
    zipfile.BadZipFile,
    zlib.error,
    expat.ExpatError,
    EOFError,
    KeyError,
    NotImplementedError,
    ValueError,
    OSError,
)

Cells = tuple[int, list[str]]

OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0 "
TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0 "
TEXT = "urn:oasis:names:tc:opendocument:xmlns:text:1.0 "
CELLS = frozenset({TABLE + "table-cell", TABLE + "covered-table-cell"})


class UnreadableError(ValueError):
    """The file cannot be read at all; the message is one line for the person who gave it."""


def read_xlsx(path: Path) -> Iterator[Cells]:
    """(row number, texts) of the first sheet. Raises UnreadableError."""
    _check(path, "Excel（.xlsx）")
    try:
        with path.open("rb") as file, closing(_open_book(file)) as book:
            sheet = book.worksheets[0]
            sheet.reset_dimensions()  # a file may claim any size
            for number, row in enumerate(sheet.iter_rows(max_col=MAX_COLUMNS, values_only=True), start=1):
                yield number, [_text(value) for value in row]
    except Exception as error:  # openpyxl lets every kind of error through for a broken file
        raise UnreadableError(BROKEN.format("Excel")) from error


def _open_book(file: IO[bytes]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a file without styles is no worse for us
        return openpyxl.load_workbook(file, read_only=True, data_only=True)


def read_ods(path: Path) -> Iterator[Cells]:
    """(row number, texts) of the first sheet. Raises UnreadableError."""
    _check(path, "ODS 試算表（.ods）")
    try:
        with zipfile.ZipFile(path) as archive, archive.open("content.xml") as content:
            yield from _OdsRows().read(content)
    except UnreadableError:
        raise
    except BREAKS as error:
        raise UnreadableError(BROKEN.format("ODS")) from error


def _check(path: Path, kind: str) -> None:
    """Refuse an archive that is broken, locked, or would unpack to too much.

    The sizes it declares bind: Python stops unpacking a member at its declared size.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if any(member.flag_bits & 1 for member in members):
                raise UnreadableError("檔案設有密碼，請先取消密碼再匯入。")
            if sum(member.file_size for member in members) > MAX_BYTES:
                raise UnreadableError(f"檔案解開後超過 {MAX_BYTES // MEBIBYTE} MB，請分成幾個檔案。")
            for member in members:
                if member.filename.endswith((".xml", ".rels")):
                    _refuse_doctype(archive, member)
    except UnreadableError:
        raise
    except BREAKS as error:
        raise UnreadableError(f"這不是{kind}檔，或檔案已損壞、設有密碼。") from error


def _refuse_doctype(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Entities, which can blow up a small file, need a document type; office files have none."""
    with archive.open(member) as part:
        if b"<!DOCTYPE" in part.read(PROLOG):
            raise UnreadableError("檔案裡有不該出現的文件宣告，為了安全不匯入。")


def _text(value: Any) -> str:
    """A cell as a person would have typed it."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


class _OdsRows:
    """Collects the rows of the first table while the XML streams by."""

    def __init__(self) -> None:
        self.ready: list[tuple[int, list[str]]] = []
        self.number = 0
        self.row: list[str] = []
        self.paragraphs: list[str] = []
        self.typed = ""
        self.row_repeat = self.cell_repeat = 1
        self.depth_table = self.depth_note = 0
        self.in_cell = self.in_paragraph = self.done = False

    def read(self, content: IO[bytes]) -> Iterator[Cells]:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._doctype
        while not self.done and (piece := content.read(PIECE)):
            parser.Parse(piece, False)
            yield from self.ready
            self.ready.clear()
        if not self.done:
            parser.Parse(b"", True)  # says so when the XML breaks off

    def _doctype(self, *_about: Any) -> None:
        raise UnreadableError("檔案裡有不該出現的文件宣告，為了安全不匯入。")

    def _start(self, tag: str, given: dict[str, str]) -> None:
        if tag == TABLE + "table":
            self.depth_table += 1
        elif tag == TABLE + "table-row":
            self.row, self.row_repeat = [], _repeat(given, TABLE + "number-rows-repeated")
        elif tag in CELLS:
            self.in_cell, self.paragraphs = True, []
            self.typed = given.get(OFFICE + "date-value", "")
            self.cell_repeat = _repeat(given, TABLE + "number-columns-repeated")
        elif tag == OFFICE + "annotation":
            self.depth_note += 1
        elif self.in_cell and not self.depth_note:
            self._start_text(tag, given)

    def _start_text(self, tag: str, given: dict[str, str]) -> None:
        if tag == TEXT + "p":
            self.in_paragraph = True
            self.paragraphs.append("")
        elif tag == TEXT + "s":
            self._characters(" " * min(_repeat(given, TEXT + "c"), 100))
        elif tag in {TEXT + "tab", TEXT + "line-break"}:
            self._characters("\t" if tag == TEXT + "tab" else "\n")

    def _characters(self, text: str) -> None:
        if self.in_paragraph and not self.depth_note:
            self.paragraphs[-1] += text

    def _end(self, tag: str) -> None:
        if tag == TEXT + "p" and not self.depth_note:
            self.in_paragraph = False
        elif tag == OFFICE + "annotation":
            self.depth_note -= 1
        elif tag in CELLS:
            text = self.typed.removesuffix("T00:00:00") or "\n".join(self.paragraphs)
            self.row += [text] * min(self.cell_repeat, MAX_COLUMNS - len(self.row))
            self.in_cell = False
        elif tag == TABLE + "table-row":
            self._end_row()
        elif tag == TABLE + "table":
            self.depth_table -= 1
            self.done = self.depth_table == 0

    def _end_row(self) -> None:
        """A row repeated a million times at the end of a sheet is empty; others are really there."""
        filled = any(self.row)
        if filled and self.number + self.row_repeat > MAX_ROWS:
            raise UnreadableError(f"超過 {MAX_ROWS:,} 列，請分成幾個檔案。")
        if filled:
            self.ready += [(self.number + turn, self.row) for turn in range(1, self.row_repeat + 1)]
        self.number += self.row_repeat


def _repeat(given: dict[str, str], name: str) -> int:
    return max(1, int(given.get(name, "1")))
