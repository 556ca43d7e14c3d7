"""Where mail comes from: a mailbox file, a folder of mails, an IMAP account. Nothing is deleted there."""

from __future__ import annotations

import imaplib
import mailbox
import re
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from portal.errors import Conflict

MAX_MESSAGE = 40 * 1024 * 1024
TIMEOUT_SECONDS = 30
PORT, TLS_PORT = 143, 993
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
OWN_FLAG = "QingtingTaken"
SIZE = re.compile(rb"RFC822\.SIZE (\d+)")


class MailSourceError(Conflict):
    """The mailbox cannot be read now; the message says why, without the password."""


class Source(Protocol):
    """A mailbox. A mail that `done` was not called for comes again."""

    def waiting(self) -> Iterator[tuple[str, bytes | None]]:
        """(reference, mail) of what is not done, oldest first; None for a mail that is too large."""

    def done(self, reference: str) -> None:
        """Mark a mail whose transaction is committed."""


@contextmanager
def open_source(url: str) -> Iterator[Source]:
    """The mailbox of a MAIL_IN_URL. Raises MailSourceError, whatever goes wrong with it."""
    try:
        parts = urlsplit(url)
        makers = {"mbox": _mbox, "maildir": _maildir, "imaps": _imap, "imap": _imap}
        with makers[parts.scheme](parts) as source:
            yield source
    except mailbox.NoSuchMailboxError:
        raise MailSourceError("找不到 MAIL_IN_URL 指的信箱，請檢查路徑。") from None
    except mailbox.Error:
        raise MailSourceError("信箱正被別的程式使用，或格式不對；稍後會再試。") from None
    except ssl.SSLError:
        raise MailSourceError("收信伺服器的憑證無法驗證，所以沒有登入。") from None
    except imaplib.IMAP4.abort:
        raise MailSourceError("和收信伺服器的連線中斷了，稍後會再試。") from None
    except imaplib.IMAP4.error:
        raise MailSourceError("收信伺服器拒絕了我們的要求，請檢查帳號、密碼與信箱名稱。") from None
    except (OSError, EOFError, KeyError, ValueError) as error:
        raise MailSourceError(f"信箱讀不到（{type(error).__name__}），稍後會再試。") from None


class MboxSource:
    """One file in mbox format. It is only read; what was taken is known by the mails' names."""

    def __init__(self, box: mailbox.mbox) -> None:
        self.box = box

    def waiting(self) -> Iterator[tuple[str, bytes | None]]:
        self.box.lock()  # no half-written mail at the end
        try:
            keys = self.box.keys()
        finally:
            self.box.unlock()
        for key in keys:
            raw = self.box.get_bytes(key)
            yield str(key), raw if len(raw) <= MAX_MESSAGE else None

    def done(self, reference: str) -> None:
        """Nothing to do."""


class MaildirSource:
    """A folder in Maildir format. A mail that was taken is moved to `cur`, marked as seen and flagged."""

    def __init__(self, folder: Path) -> None:
        if not (folder / "cur").is_dir():
            raise mailbox.NoSuchMailboxError
        self.folder = folder

    def waiting(self) -> Iterator[tuple[str, bytes | None]]:
        for path in sorted(item for part in ("new", "cur") for item in (self.folder / part).iterdir()):
            if not path.name.startswith(".") and "F" not in _flags(path.name):
                small = path.stat().st_size <= MAX_MESSAGE
                yield str(path.relative_to(self.folder)), path.read_bytes() if small else None

    def done(self, reference: str) -> None:
        path = self.folder / reference
        flags = "".join(sorted({*_flags(path.name), "F", "S"}))
        name = path.name.partition(":2,")[0]
        with suppress(FileNotFoundError):  # another runner was first
            path.rename(self.folder / "cur" / f"{name}:2,{flags}")


def _flags(name: str) -> str:
    return name.partition(":2,")[2]


class ImapSource:
    """A folder of an IMAP account. What was taken gets a flag of ours, or the star where a server knows no
    other; whether a person has read a mail there does not matter."""

    def __init__(self, server: imaplib.IMAP4, folder: str) -> None:
        self.server = server
        quoted = '"' + folder.replace("\\", "\\\\").replace('"', '\\"') + '"'
        self._ask(server.select(quoted))
        permitted = b" ".join(item or b"" for item in server.response("PERMANENTFLAGS")[1])
        self.flag = OWN_FLAG if b"\\*" in permitted else "\\Flagged"

    def waiting(self) -> Iterator[tuple[str, bytes | None]]:
        fresh = f"UNKEYWORD {OWN_FLAG}" if self.flag == OWN_FLAG else "UNFLAGGED"
        found = self._ask(self.server.uid("SEARCH", fresh))
        for uid in (found[0] or b"").decode("ascii").split():
            yield uid, self._fetch(uid)

    def _fetch(self, uid: str) -> bytes | None:
        """The mail, without marking it as read."""
        size = SIZE.search(b" ".join(_lines(self._ask(self.server.uid("FETCH", uid, "(RFC822.SIZE)")))))
        if size is None or int(size[1]) > MAX_MESSAGE:
            return None
        answer = self._ask(self.server.uid("FETCH", uid, "(BODY.PEEK[])"))
        return next((item[1] for item in answer if isinstance(item, tuple)), None)

    def done(self, reference: str) -> None:
        self._ask(self.server.uid("STORE", reference, "+FLAGS.SILENT", f"(\\Seen {self.flag})"))

    def _ask(self, answer: tuple[str, list[Any]]) -> list[Any]:
        state, data = answer
        if state != "OK":
            raise imaplib.IMAP4.error("refused")
        return data


def _lines(answer: list[Any]) -> Iterator[bytes]:
    for item in answer:
        yield item[0] if isinstance(item, tuple) else item or b""


@contextmanager
def _mbox(parts: SplitResult) -> Iterator[Source]:
    with closing(mailbox.mbox(unquote(parts.path), create=False)) as box:
        yield MboxSource(box)


@contextmanager
def _maildir(parts: SplitResult) -> Iterator[Source]:
    yield MaildirSource(Path(unquote(parts.path)))


@contextmanager
def _imap(parts: SplitResult) -> Iterator[Source]:
    server = _connect(parts)
    try:
        server.login(unquote(parts.username or ""), unquote(parts.password or ""))
        yield ImapSource(server, unquote(parts.path).strip("/") or "INBOX")
    finally:
        _leave(server)


def _connect(parts: SplitResult) -> imaplib.IMAP4:
    """A connection whose server is verified. Without TLS only to this machine."""
    host = parts.hostname or ""
    if parts.scheme == "imaps":
        return imaplib.IMAP4_SSL(
            host, parts.port or TLS_PORT, ssl_context=ssl.create_default_context(),
            timeout=TIMEOUT_SECONDS,
        )  # fmt: skip
    if host not in LOOPBACK:
        raise MailSourceError("收信要用加密連線：MAIL_IN_URL 請用 imaps:。")
    return imaplib.IMAP4(host, parts.port or PORT, timeout=TIMEOUT_SECONDS)


def _leave(server: imaplib.IMAP4) -> None:
    """Say good-bye; a server that is gone needs none."""
    try:
        server.logout()
    except (imaplib.IMAP4.error, OSError):
        server.shutdown()
