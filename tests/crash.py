"""Letters that come in while web workers are killed, and what is found of them afterwards."""

from __future__ import annotations

import http.client
import os
import re
import signal
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from http.cookiejar import CookieJar
from itertools import count
from pathlib import Path

import sqlalchemy as sa

from feedback.secrets import new_key
from portal.clock import utcnow
from portal.db import db
from portal.outbox import deliver
from tests import servers
from tests.conftest import config_for
from wsgi import create_app

CLIENTS, WORKERS, TRIES = 8, 3, 20
BROKEN = (OSError, http.client.HTTPException)  # what a client sees of a killed worker


class Client:
    """A browser that sends letter after letter, and the same one again when the line broke."""

    def __init__(self, site: str) -> None:
        self.site = site
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        page = self._ask("/feedback/new")
        self.token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]  # type: ignore[index]

    def send(self, serial: int) -> str:
        """Send one letter; return the number that was acknowledged."""
        letter = {
            "csrf_token": self.token, "submission_key": new_key(), "subject": f"第 {serial} 封",
            "body": "請問檢定合格單的有效期限？", "email": f"citizen{serial}@example.com",
        }  # fmt: skip
        receipt = self._ask("/feedback/new", urllib.parse.urlencode(letter).encode())
        found = re.search(r"\d{3}-\d{6}", receipt)
        assert found, receipt[:2000]
        return found[0]

    def _ask(self, path: str, data: bytes | None = None) -> str:
        for _ in range(TRIES):
            try:
                with self.opener.open(f"{self.site}{path}", data, timeout=30) as answer:
                    text: str = answer.read().decode()
                return text
            except urllib.error.HTTPError:
                raise  # an answer, and not the right one
            except BROKEN:
                continue
        raise AssertionError(f"{path} was not answered in {TRIES} tries")


@contextmanager
def killing(master: int, every: float) -> Iterator[Counter[str]]:
    """Kill one of a gunicorn's workers now and then; gunicorn starts others in their place."""
    stop, done = threading.Event(), Counter[str]()

    def kill() -> None:
        for turn in count():
            if stop.wait(every):
                return
            workers = Path(f"/proc/{master}/task/{master}/children").read_text().split()
            if len(workers) == WORKERS:
                os.kill(int(workers[turn % WORKERS]), signal.SIGKILL)
                done["killed"] += 1

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield done
    finally:
        stop.set()
        thread.join()


@dataclass(frozen=True)
class Storm:
    """What was acknowledged and what is there: numbers of letters, of receipts by mail and of mails sent."""

    killed: int
    acknowledged: list[str]
    stored: list[str]
    queued: list[str]
    mailed: list[str]

    @property
    def lost(self) -> int:
        return len(set(self.acknowledged) - set(self.stored))

    @property
    def doubled(self) -> int:
        """Letters beyond those that were acknowledged: one that was taken in twice, or for nobody."""
        return len(self.stored) - len(set(self.acknowledged))


def storm(folder: Path, url: str, *, submissions: int, every: float) -> Storm:
    """Send so many letters to a fresh installation, one of its web workers killed every so many seconds."""
    env = servers.environment(folder, url)
    servers.flask(env, "db", "upgrade")
    servers.flask(env, "setup")
    with (
        servers.web(env, folder, workers=WORKERS) as site,
        killing(site.pid, every) as done,
        ThreadPoolExecutor(CLIENTS) as pool,
    ):
        shares = pool.map(lambda first: send_many(site.url, first, submissions), range(CLIENTS))
        acknowledged = [number for share in shares for number in share]
    queued = stored(url, "SELECT ref FROM outbox_messages WHERE kind = 'case.received'")
    deliver_all(folder, url)
    mailed = list(mail_numbers(folder / "mail"))
    return Storm(done["killed"], acknowledged, stored(url, "SELECT number FROM cases"), queued, mailed)


def send_many(site: str, first: int, submissions: int) -> list[str]:
    """One browser's share of the letters; the numbers that it was told."""
    client = Client(site)
    return [client.send(serial) for serial in range(first, submissions, CLIENTS)]


def deliver_all(folder: Path, url: str) -> None:
    app = create_app(config_for(folder, url))
    with app.app_context():
        while deliver(utcnow()):
            pass
        db.session.remove()
        db.engine.dispose()


def stored(url: str, query: str) -> list[str]:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = list(connection.execute(sa.text(query)).scalars())
    engine.dispose()
    return found


def mail_numbers(folder: Path) -> Iterator[str]:
    """The letter that each mail in the folder is about."""
    for path in folder.glob("*.eml"):
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        found = re.search(r"\d{3}-\d{6}", str(mail["Subject"]) + mail.get_body().get_content())  # type: ignore[union-attr]
        assert found, mail["Subject"]
        yield found[0]
