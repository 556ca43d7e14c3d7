"""One mail as a letter: who wrote, what, with which files; or why it is none. No I/O, never raises."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime
from enum import Enum

from feedback.mail_words import decode, header, html_text, plain

MAX_TEXT = 200_000
"""Characters of a mail that a letter holds, some twenty times the form's. Of a longer one the whole text
comes first among the files."""

FULL_TEXT = "來信全文.txt"
NO_TEXT = "（這封郵件沒有文字，請看附件。）"
CUT = f"\n\n（系統註：郵件太長，以上是前 {MAX_TEXT:,} 個字，全文在附件「{FULL_TEXT}」。）"
ADDRESS = re.compile(r"[^\s<>()\[\],;:\"]+@[^\s<>()\[\],;:\"]+")
PUNCTUATION = re.compile(r'[<>()"]')
NUMBER = re.compile(r"(?<!\d)\d{2,3}-\d{6,9}(?!\d)")
OUTBOX_ID = re.compile(r"<outbox-\d+@")
BULK = frozenset({"bulk", "junk", "auto_reply"})
LIST_HEADERS = ("List-Id", "List-Unsubscribe")
AUTO_HEADERS = ("X-Autoreply", "X-Autorespond")


class Kind(Enum):
    """What a mail is. Only a LETTER is taken in; to answer the others would be the beginning of a loop."""

    LETTER = ""
    OWN = "own"
    BOUNCE = "bounce"
    AUTO = "auto"
    BULK = "bulk"

    @property
    def label(self) -> str:
        return {
            "": "來信", "own": "本系統寄出的信", "bounce": "退信", "auto": "自動回覆", "bulk": "大量郵件",
        }[self.value]  # fmt: skip


@dataclass(frozen=True)
class Mail:
    """A mail as it was understood.

    `key` names it (hash of its Message-ID, of everything without one), `content` its sender and words.
    `arrived` is when the agency's mail server had it, by the topmost Received line. `quiet` is one that no
    receipt is sent for. `refers` is the number of a letter that stands in the subject.
    """

    kind: Kind
    key: str
    content: str
    message_id: str
    name: str
    address: str
    subject: str
    body: str
    arrived: datetime | None
    quiet: bool
    refers: str
    files: list[tuple[str, bytes]] = field(repr=False)


def read_mail(raw: bytes, *, own_address: str = "") -> Mail:
    """Understand one mail. What a parser trips over is still a letter: its raw text."""
    try:
        message = message_from_bytes(raw)
        text, files = _content(message)
    except Exception:  # RecursionError of nested parts and whatever else broken MIME makes the parser raise
        message = BytesHeaderParser().parsebytes(raw)
        text, files = plain(decode(raw.replace(b"\r\n", b"\n").partition(b"\n\n")[2])), []
    return _mail(message, text, files, raw, own_address)


def _mail(message: Message, text: str, files: list[tuple[str, bytes]], raw: bytes, own_address: str) -> Mail:
    name, address = _sender(message)
    subject, message_id = header(_raw(message, "Subject")), header(_raw(message, "Message-ID"))
    refers = NUMBER.search(subject)
    if len(text) > MAX_TEXT:
        files = [(FULL_TEXT, text.encode()), *files]
        text = text[:MAX_TEXT] + CUT
    return Mail(
        kind=_kind(message, message_id, address, own_address),
        key=_hash(message_id.encode() if message_id else raw),
        content=_hash("\0".join((address, subject, text)).encode()),
        message_id=message_id[:998],
        name=name,
        address=address,
        subject=subject,
        body=text or NO_TEXT,
        arrived=_arrived(message),
        quiet=_precedence(message) == "list" or any(_raw(message, name) for name in LIST_HEADERS),
        refers=refers[0] if refers else "",
        files=files,
    )


def _hash(data: bytes) -> str:
    return hashlib.sha256(b"mail:" + data).hexdigest()


def _raw(message: Message, wanted: str) -> str:
    """The first header of this name as it stands in the mail; empty without one."""
    return next((str(value) for name, value in message.raw_items() if name.lower() == wanted.lower()), "")


def _precedence(message: Message) -> str:
    return header(_raw(message, "Precedence")).lower()


def _sender(message: Message) -> tuple[str, str]:
    """Display name and address. The standard library's parser follows nested comments without bound."""
    written = _raw(message, "From")
    found = list(ADDRESS.finditer(written))
    if not found:
        return header(PUNCTUATION.sub(" ", written)), ""
    bracketed = [match for match in found if written[: match.start()].endswith("<")]
    match = (bracketed or found)[-1]
    rest = written[: match.start()] + written[match.end() :]
    return header(PUNCTUATION.sub(" ", rest)), header(match[0])


def _kind(message: Message, message_id: str, address: str, own_address: str) -> Kind:
    """Whether a person wrote this (RFC 3834; null senders and reports are bounces, RFC 5321)."""
    submitted = header(_raw(message, "Auto-Submitted")).partition(";")[0].strip().lower()
    domain = own_address.partition("@")[2].lower()
    ours = OUTBOX_ID.match(message_id) and message_id.lower().endswith(f"@{domain}>")
    if ours or _raw(message, "X-Qingting-Outbox") or (own_address and address.lower() == own_address.lower()):
        return Kind.OWN
    null_sender = header(_raw(message, "Return-Path")) == "<>"
    if null_sender or _type(message) == "multipart/report" or address.lower().startswith("mailer-daemon@"):
        return Kind.BOUNCE
    if submitted not in {"", "no"} or any(_raw(message, name) for name in AUTO_HEADERS):
        return Kind.AUTO
    return Kind.BULK if _precedence(message) in BULK else Kind.LETTER


def _type(message: Message) -> str:
    return header(_raw(message, "Content-Type")).partition(";")[0].strip().lower()


def _arrived(message: Message) -> datetime | None:
    stamp = header(_raw(message, "Received")).rpartition(";")[2].strip()
    try:
        moment = parsedate_to_datetime(stamp)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


def _content(message: Message) -> tuple[str, list[tuple[str, bytes]]]:
    """All words that are meant to be read at once, and all files."""
    files: list[tuple[str, bytes]] = []
    text = _text(message, files)
    return plain(text), files


def _text(part: Message, files: list[tuple[str, bytes]]) -> str:
    """The words of a part. What is not text, or is called an attachment, is added to `files`."""
    if part.get_content_maintype() == "multipart" and part.is_multipart():
        texts = [_text(child, files) for child in _children(part)]
        if part.get_content_subtype() == "alternative":
            return _best(texts, [child.get_content_type() for child in _children(part)])
        return "\n\n".join(text for text in texts if text)
    kind = part.get_content_type()
    if part.get_content_maintype() == "multipart":  # its boundary is missing or wrong
        return plain(decode(_bytes(part)))
    if kind in {"text/plain", "text/html"} and not _is_file(part):
        words = decode(_bytes(part), part.get_content_charset() or "")
        return html_text(words) if kind == "text/html" else plain(words)
    files.append((_file_name(part), _bytes(part)))
    return ""


def _children(part: Message) -> Iterator[Message]:
    return (child for child in part.get_payload() if isinstance(child, Message))


def _best(texts: list[str], kinds: list[str]) -> str:
    """The plain alternative, unless it is a stub: another one with more than twice the words."""
    longest = max(texts, key=len, default="")
    text = next((text for text, kind in zip(texts, kinds, strict=True) if kind == "text/plain"), longest)
    return longest if len(longest) > 2 * len(text) else text


def _is_file(part: Message) -> bool:
    return part.get_content_disposition() == "attachment" or bool(part.get_filename())


def _file_name(part: Message) -> str:
    """What the sender calls a file; without path and control characters, never empty."""
    name = header(str(part.get_filename() or "")).replace("\\", "/").rpartition("/")[2]
    kind = part.get_content_type()
    ending = {"message/rfc822": ".eml", "text/plain": ".txt", "text/html": ".html"}.get(kind, ".bin")
    return name[:200] or f"附件{ending}"


def _bytes(part: Message) -> bytes:
    if part.is_multipart():  # a mail within the mail
        return b"\n".join(child.as_bytes() for child in _children(part))
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""
