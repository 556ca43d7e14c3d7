"""What a file is, by its content. The name and the browser's word for it are not believed."""

from __future__ import annotations

import io
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

from portal.errors import BadInput
from portal.files import pictures
from portal.forms import LINE_ENDS, has_control

MAX_NAME = 100
MAX_PARTS = 2000
MAX_UNPACKED = 200 * 1024 * 1024
MAX_RATIO = 200
PDF_HEAD, PDF_TAIL = b"%PDF-", b"%%EOF"
OTHER_PICTURES = (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftyphevc", b"ftypavif")
MACROS = ("vbaproject.bin", "basic/", "scripts/")
MAX_MIMETYPE = 100


class Refused(BadInput):
    """This file is not taken; the message says why and what to do."""


@dataclass(frozen=True)
class Kind:
    """A kind of file that is taken. `code` is also the ending of its name."""

    code: str
    title: str
    mimetype: str


KINDS = {
    kind.code: kind
    for kind in (
        Kind("jpg", "照片", "image/jpeg"),
        Kind("png", "圖片", "image/png"),
        Kind("pdf", "PDF", "application/pdf"),
        Kind("docx", "Word", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        Kind("xlsx", "Excel", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        Kind("odt", "ODF 文字", "application/vnd.oasis.opendocument.text"),
        Kind("ods", "ODF 試算表", "application/vnd.oasis.opendocument.spreadsheet"),
        Kind("txt", "純文字", "text/plain"),
    )
}
ACCEPT = ".jpg,.jpeg,.png,.webp,.gif,.pdf,.docx,.xlsx,.odt,.ods,.txt"
"""For the browser's file chooser; a telephone converts its own picture format when it reads this."""

TAKEN = "可以附照片（JPEG、PNG、WebP、GIF）、PDF、Word（docx）、Excel（xlsx）、ODF（odt、ods）與純文字檔。"
UNKNOWN = f"這種檔案不能收。{TAKEN}"
HEIC = "這是 HEIC 或 AVIF 格式的照片，請先在手機上轉存成 JPEG 再附上。"
BROKEN = "檔案打不開，可能壞了或有密碼保護，請另存一份再附上。"
MACRO = "文件裡有巨集，不能收。請另存成沒有巨集的文件或 PDF。"
BOMB = "壓縮檔展開後太大，不能收。"


@dataclass(frozen=True)
class Accepted:
    """A file as it may be kept: pictures are new ones without hidden data, all else as it came."""

    kind: Kind
    data: bytes


def accept(data: bytes) -> Accepted:
    """What the file is and what is kept of it. Raises Refused."""
    if not data:
        raise Refused("檔案是空的。")
    for starts, read in _READERS:
        if starts(data):
            return read(data)
    if any(mark in data[:32] for mark in OTHER_PICTURES):
        raise Refused(HEIC)
    return _text(data)


def _picture(data: bytes) -> Accepted:
    try:
        code, clean = pictures.redraw(data)
    except pictures.TooLarge as fault:
        raise Refused(fault.message) from None
    except pictures.Unreadable:
        raise Refused(BROKEN) from None
    return Accepted(KINDS[code], clean)


def _pdf(data: bytes) -> Accepted:
    if PDF_TAIL not in data[-2048:]:
        raise Refused(BROKEN)
    return Accepted(KINDS["pdf"], data)


def _office(data: bytes) -> Accepted:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            return Accepted(_office_kind(packed, len(data)), data)
    except Refused:
        raise
    except Exception:  # zipfile, zlib and codecs each have errors of their own for broken files
        raise Refused(BROKEN) from None


def _office_kind(packed: zipfile.ZipFile, size: int) -> Kind:
    """Word, Excel or OpenDocument, by its parts. Nothing is unpacked but one line of at most 100 bytes."""
    parts = packed.infolist()
    unpacked = sum(part.file_size for part in parts)
    if len(parts) > MAX_PARTS or unpacked > MAX_UNPACKED or unpacked > MAX_RATIO * size:
        raise Refused(BOMB)
    names = {part.filename.lower() for part in parts}
    if any(part.flag_bits & 1 for part in parts):
        raise Refused(BROKEN)
    if any(name.endswith(MACROS[0]) or name.startswith(MACROS[1:]) for name in names):
        raise Refused(MACRO)
    if "[content_types].xml" in names:
        for code, part in (("docx", "word/document.xml"), ("xlsx", "xl/workbook.xml")):
            if part in names:
                return KINDS[code]
    if "mimetype" in names:
        with packed.open("mimetype") as line:
            declared = line.read(MAX_MIMETYPE).decode("ascii", "replace").strip()
        for code in ("odt", "ods"):
            if declared == KINDS[code].mimetype:
                return KINDS[code]
    raise Refused(UNKNOWN)


def _text(data: bytes) -> Accepted:
    """Plain text in an encoding that Taiwan writes, without characters that no text has."""
    encodings = ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp950")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        # What begins like a page or a program's data is not what a citizen calls text.
        if has_control(LINE_ENDS.sub("\n", text)) or text.lstrip().startswith("<"):
            break
        return Accepted(KINDS["txt"], text.encode())
    raise Refused(UNKNOWN)


def _starts(*marks: bytes) -> Callable[[bytes], bool]:
    return lambda data: data.startswith(marks)


def _webp(data: bytes) -> bool:
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


_READERS: tuple[tuple[Callable[[bytes], bool], Callable[[bytes], Accepted]], ...] = (
    (_starts(b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8"), _picture),
    (_webp, _picture),
    (_starts(PDF_HEAD), _pdf),
    (_starts(b"PK\x03\x04"), _office),
)


def tidy_name(name: str, kind: Kind | None) -> str:
    """What the sender calls a file, safe to show and to save: no path, nothing invisible, the true ending.

    Without a kind (a file that was refused) the ending stays what it was.
    """
    name = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    name = "".join(" " if unicodedata.category(char).startswith(("C", "Z")) else char for char in name)
    name = " ".join(name.split())
    if kind is None:
        return name[:MAX_NAME] or "沒有名稱的檔案"
    stem = (name.rpartition(".")[0] if "." in name else name).strip(" .")
    return f"{stem[: MAX_NAME - len(kind.code) - 1] or '附件'}.{kind.code}"
