"""What one letter costs: CPU of a real web worker for the form, its submission and the receipt."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from tests import servers
from tests.bench import helpdesk
from tests.bench.figures import Figure, middle_and_p95
from tests.bench.processes import HELLO, OURS, Worker, environment, worker

ROUNDS, LETTERS, HELLOS, WARM_UP = 3, 150, 800, 20
LIMIT_MS = 6.0
HIDDEN = re.compile(r'name="(csrf_token|submission_key)"[^>]*value="([^"]+)"')
SUBJECT = "延長線發熱，想確認檢驗標識"
BODY = (
    "上週在賣場買的延長線插上去沒多久就發熱，外殼摸起來很燙，插頭附近有一點焦味。"
    "包裝上有商品檢驗標識，但是我在網站上查不到這個字軌號碼。請問這樣的商品可以繼續使用嗎？"
    "如果是不合格的商品，我應該向誰反映，需要保留哪些東西？謝謝。"
)


@dataclass
class Citizen:
    """A browser's cookie and the form it was shown."""

    serial: int
    cookie: str = ""
    form: tuple[str, bytes] = ("", b"")

    def open_form(self, site: Worker) -> None:
        answer, page = site.ask("/feedback/new")
        hidden = dict(HIDDEN.findall(page))
        assert answer.status == 200, page[:2000]
        assert len(hidden) == 2, page[:2000]
        self.cookie = _cookie(answer.getheader("Set-Cookie"))
        # As a browser sends a form that may hold files: in parts, the chooser's without a name.
        self.form = encode_multipart(
            hidden
            | {
                "subject": f"{SUBJECT}（第 {self.serial} 封）",
                "body": BODY,
                "county": "臺中市",
                "name": "王小明",
                "email": f"citizen{self.serial}@example.com",
                "files": FileStorage(filename=""),
            }
        )

    def send(self, site: Worker) -> None:
        boundary, body = self.form
        kind = f"multipart/form-data; boundary={boundary}"
        answer, page = site.ask("/feedback/new", form=body, kind=kind, cookie=self.cookie)
        assert answer.status == 303, page[:2000]
        self.cookie = _cookie(answer.getheader("Set-Cookie"))

    def read_receipt(self, site: Worker) -> None:
        answer, page = site.ask("/feedback/receipt", cookie=self.cookie)
        assert answer.status == 200, page[:2000]
        assert re.search(r"\d{3}-\d{6}", page), page[:2000]


def _cookie(header: str | None) -> str:
    return (header or "").split(";", 1)[0]


def measure(folder: Path) -> list[Figure]:
    instance = folder / "submission"
    instance.mkdir()
    env = environment(instance, folder / "compiled")
    servers.flask(env, "db", "upgrade")
    servers.flask(env, "setup")
    steps: dict[str, list[float]] = {"hello": [], "get": [], "post": [], "receipt": []}
    times: list[float] = []
    with worker(HELLO, env, folder / "hello.log") as bare, worker(OURS, env, folder / "web.log") as ours:
        for round_number in range(-1, ROUNDS):
            count = LETTERS if round_number >= 0 else WARM_UP
            citizens = [Citizen(round_number * LETTERS + index) for index in range(count)]
            found = {
                "hello": _cost(bare, [lambda: _hello(bare)] * (HELLOS if round_number >= 0 else WARM_UP)),
                "get": _cost(ours, [_bound(Citizen.open_form, one, ours) for one in citizens]),
                "post": _cost(ours, [_bound(Citizen.send, one, ours) for one in citizens], times),
                "receipt": _cost(ours, [_bound(Citizen.read_receipt, one, ours) for one in citizens]),
            }
            if round_number < 0:
                times.clear()
                continue
            for step, cost in found.items():
                steps[step].append(cost)
    _check_rows(instance / "qingting.db", ROUNDS * LETTERS + WARM_UP)
    return _figures(steps, times) + helpdesk.measure(folder, median(steps["post"]), SUBJECT, BODY)


def _bound(act: Callable[[Citizen, Worker], None], citizen: Citizen, site: Worker) -> Callable[[], None]:
    return lambda: act(citizen, site)


def _hello(site: Worker) -> None:
    assert site.ask("/")[1] == "hello"


def _cost(site: Worker, acts: list[Callable[[], None]], times: list[float] | None = None) -> float:
    """CPU milliseconds of the worker for one act; each act's own duration goes to `times`."""
    before = site.cpu_seconds()
    for act in acts:
        begun = perf_counter()
        act()
        if times is not None:
            times.append((perf_counter() - begun) * 1000)
    return (site.cpu_seconds() - before) * 1000 / len(acts)


def _check_rows(database: Path, letters: int) -> None:
    """Nothing was skipped: each letter has its contact, its key, its audit row and its mail."""
    with closing(sqlite3.connect(database)) as stored:
        for table in ("cases", "case_contacts", "intake_keys", "outbox_messages"):
            (kept,) = stored.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608  # our names
            assert kept == letters, f"{table}: {kept} != {letters}"
        opened = "SELECT count(*) FROM audit_events WHERE action = 'case.opened'"
        assert stored.execute(opened).fetchone()[0] == letters


def _figures(steps: dict[str, list[float]], times: list[float]) -> list[Figure]:
    cost = {step: median(values) for step, values in steps.items()}
    middle, slow = middle_and_p95(times)
    yardstick = f"空白 Flask {cost['hello']:.2f} ms"
    spread = f"{ROUNDS} 輪為 " + "、".join(f"{value:.2f}" for value in steps["post"]) + " ms"
    return [
        Figure(
            key="submission_post_cpu_ms",
            what="送出一封信的 CPU",
            measured=cost["post"],
            unit="ms",
            limit=LIMIT_MS,
            yardstick=yardstick,
            note=f"{ROUNDS * LETTERS} 封，每封寫入信件、聯絡資料、稽核與待寄郵件；{spread}；"
            f"含磁碟等候的時間中位數 {middle:.1f} ms、p95 {slow:.1f} ms。",
            detail={"rounds": steps, "wall_ms": {"median": middle, "p95": slow}, "letters": ROUNDS * LETTERS},
        ),
        *(
            Figure(
                key=f"submission_{step}_cpu_ms",
                what=what,
                measured=cost[step],
                unit="ms",
                yardstick=yardstick,
            )
            for step, what in (("get", "開啟寫信表單的 CPU"), ("receipt", "收件回條的 CPU"))
        ),
    ]
