"""A small IMAP server on this machine: the commands that fetching mail uses, and no others."""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

PASSWORD = "pass word/1"


@dataclass
class Postbox:
    """What the account holds: mails by UID with their flags. `keywords` says whether flags of our own may be
    set; `silent_after` is the number of mails after which the server hangs up."""

    mails: dict[int, bytes] = field(default_factory=dict)
    flags: dict[int, set[str]] = field(default_factory=dict)
    keywords: bool = True
    silent_after: int = 1_000
    port: int = 0
    commands: list[str] = field(default_factory=list)

    def put(self, *mails: bytes) -> None:
        for mail in mails:
            uid = max(self.mails, default=0) + 1
            self.mails[uid], self.flags[uid] = mail, set()

    @property
    def url(self) -> str:
        return f"imap://mailbox%40agency.test:pass%20word%2F1@127.0.0.1:{self.port}/INBOX"


class _Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.say("* OK ready")
        while line := self.rfile.readline().decode(errors="replace").strip():
            tag, command, *rest = line.split(" ", 2)
            box: Postbox = self.server.box  # type: ignore[attr-defined]  # set by `serving`
            box.commands.append(command if command == "LOGIN" else line.partition(" ")[2])
            if box.silent_after <= 0:
                return
            answer = getattr(self, f"do_{command.lower()}")(box, rest[0] if rest else "")
            self.say(f"{tag} {answer}")

    def say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")

    def do_capability(self, box: Postbox, rest: str) -> str:
        self.say("* CAPABILITY IMAP4rev1")
        return "OK done"

    def do_login(self, box: Postbox, rest: str) -> str:
        right = rest == f'mailbox@agency.test "{PASSWORD}"'
        return "OK done" if right else f"NO [AUTHENTICATIONFAILED] wrong: {rest}"

    def do_select(self, box: Postbox, rest: str) -> str:
        if rest != '"INBOX"':
            return "NO no such mailbox"
        self.say(f"* {len(box.mails)} EXISTS")
        others = r" \*" if box.keywords else ""
        self.say(rf"* OK [PERMANENTFLAGS (\Seen \Flagged{others})] limited")
        return "OK done"

    def do_uid(self, box: Postbox, rest: str) -> str:
        command, _, arguments = rest.partition(" ")
        return str(getattr(self, f"uid_{command.lower()}")(box, arguments))

    def uid_search(self, box: Postbox, rest: str) -> str:
        absent = rest.removeprefix("UNKEYWORD ") if rest.startswith("UNKEYWORD ") else r"\Flagged"
        found = [str(uid) for uid in box.mails if absent not in box.flags[uid]]
        self.say(f"* SEARCH {' '.join(found)}")
        return "OK done"

    def uid_fetch(self, box: Postbox, rest: str) -> str:
        uid, _, what = rest.partition(" ")
        mail = box.mails[int(uid)]
        if what == "(RFC822.SIZE)":
            self.say(f"* 1 FETCH (UID {uid} RFC822.SIZE {len(mail)})")
            return "OK done"
        assert what == "(BODY.PEEK[])"
        self.wfile.write(b"* 1 FETCH (UID %s BODY[] {%d}\r\n%s)\r\n" % (uid.encode(), len(mail), mail))
        box.silent_after -= 1
        return "OK done"

    def uid_store(self, box: Postbox, rest: str) -> str:
        found = re.fullmatch(r"(\d+) \+FLAGS.SILENT \((.*)\)", rest)
        assert found
        box.flags[int(found[1])] |= set(found[2].split())
        return "OK done"

    def do_logout(self, box: Postbox, rest: str) -> str:
        self.say("* BYE")
        return "OK done"


@contextmanager
def serving() -> Iterator[Postbox]:
    """A running server with an empty account."""
    socketserver.ThreadingTCPServer.daemon_threads = True
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Session) as server:
        box = server.box = Postbox(port=server.server_address[1])  # type: ignore[attr-defined]  # ours to hang on
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield box
        server.shutdown()
        thread.join()
