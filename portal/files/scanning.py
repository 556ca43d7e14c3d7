"""An optional virus scanner: clamd, asked over its INSTREAM command."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

CHUNK = 64 * 1024
SECONDS = 20.0
MAX_ANSWER = 4096


class ScannerDown(RuntimeError):
    """The scanner does not answer; the file waits for it."""


class Scanner(Protocol):
    def scan(self, data: bytes) -> str:
        """The name of what was found; empty for a clean file. Raises ScannerDown."""


@dataclass(frozen=True)
class Clamd:
    """A clamd at `unix:/path` or `tcp://host:port`.

    INSTREAM (clamd's manual): chunks, each after its length as four bytes in network order; a length of
    zero ends them. The answer is "stream: OK", "stream: NAME FOUND" or an error.
    """

    address: str

    def scan(self, data: bytes) -> str:
        try:
            with self._connect() as line:
                line.sendall(b"zINSTREAM\0")
                for start in range(0, len(data), CHUNK):
                    chunk = data[start : start + CHUNK]
                    line.sendall(struct.pack("!L", len(chunk)) + chunk)
                line.sendall(struct.pack("!L", 0))
                answer = self._answer(line)
        except OSError as fault:
            raise ScannerDown from fault
        if answer.endswith("FOUND"):
            return answer.removeprefix("stream: ").removesuffix("FOUND").strip() or "?"
        if answer != "stream: OK":
            raise ScannerDown
        return ""

    def _connect(self) -> socket.socket:
        parts = urlsplit(self.address)
        if parts.scheme == "tcp":
            return socket.create_connection((parts.hostname or "", parts.port or 3310), timeout=SECONDS)
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(SECONDS)
        try:
            line.connect(parts.path)
        except OSError:
            line.close()
            raise
        return line

    @staticmethod
    def _answer(line: socket.socket) -> str:
        answer = b""
        while not answer.endswith(b"\0") and len(answer) < MAX_ANSWER:
            part = line.recv(MAX_ANSWER)
            if not part:
                break
            answer += part
        return answer.rstrip(b"\0\n").decode("utf-8", "replace").strip()


def scanner_at(address: str) -> Scanner | None:
    return Clamd(address) if address else None
