"""Finding letters by their words: which ones a person may know of, and where the words stand.

Every figure and every row comes out of `queries.reachable_by`: what a person may not open is not counted and
not hinted at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from feedback.models import Case
from feedback.queries import MAX_ID, PAGE, reachable_by
from feedback.search_models import SEARCHED, IndexedCase
from feedback.secrets import tidy_number
from feedback.staff_words import Pieces, pieces
from portal import fulltext, masking
from portal.access import Actor
from portal.db import db
from portal.fulltext import Query

MOST_COUNTED = 1000
STATES = {"all": "全部", "open": "待辦", "settled": "已答復、結案或移出"}
SHOWN = 60
"""Characters of a letter before and after the found word."""
CONTEXT = 200
"""Characters around them that are read to recognise personal data, and not shown."""
CHUNK = 1000


@dataclass(frozen=True)
class Hit:
    """A found letter: its subject and a line around the first found word, in pieces (words, marked?).

    `part` says where the line stands: in the letter, an answer or a supplement; empty without a line.
    """

    case: Case
    subject: Pieces
    part: str
    line: Pieces


@dataclass(frozen=True)
class Found:
    """One page of hits, newest letter first. `count` stops at `MOST_COUNTED` + 1.

    `newer` and `older` are the keys of the pages beside this one, None at either end.
    """

    hits: list[Hit]
    count: int
    newer: int | None
    older: int | None

    @property
    def how_many(self) -> str:
        return f"超過 {MOST_COUNTED:,}" if self.count > MOST_COUNTED else f"{self.count:,}"


def number(actor: Actor, typed: str) -> int | None:
    """Id of the letter whose number this is, if the person may open it."""
    wanted = reachable_by(actor).where(Case.number == tidy_number(typed))
    return db.session.scalar(wanted.with_only_columns(Case.id))


def find(actor: Actor, query: Query, *, state: str = "all", before: int = 0, after: int = 0) -> Found:
    """The letters with every word of a query, by the order in which they were taken in.

    `before` and `after` are ids: a page ends where the letters of its key begin. One of them at most counts.
    """
    found = fulltext.matching(db.session(), "case", query).subquery()
    wanted = reachable_by(actor).join(found, found.c.key == Case.id).where(*_by_state(state))
    before, after = (key if 0 < key <= MAX_ID else 0 for key in (before, after))
    rows, order = wanted, found.c.key.desc()
    if after:
        rows, order = wanted.where(found.c.key > after), found.c.key.asc()
    elif before:
        rows = wanted.where(found.c.key < before)
    ids = list(db.session.scalars(rows.with_only_columns(found.c.key).order_by(order).limit(PAGE + 1)))
    more, ids = len(ids) > PAGE, sorted(ids[:PAGE], reverse=True)
    has_newer, has_older = (more, True) if after else (bool(before), more)
    return Found(
        [_hit(case, query) for case in _load(actor, ids)],
        _count(wanted),
        ids[0] if ids and has_newer else None,
        ids[-1] if ids and has_older else None,
    )


def is_behind(actor: Actor) -> bool:
    """Whether letters that the person may open are too new to be found."""
    newest = sa.select(sa.func.coalesce(sa.func.max(IndexedCase.case_id), 0)).scalar_subquery()
    unknown = reachable_by(actor).where(Case.id > newest).with_only_columns(Case.id)
    return db.session.scalar(unknown.limit(1)) is not None


def _by_state(state: str) -> list[sa.ColumnElement[bool]]:
    is_open = Case.settled_at.is_(None)
    conditions: dict[str, list[sa.ColumnElement[bool]]] = {"open": [is_open], "settled": [~is_open]}
    return conditions.get(state, [])


def _count(wanted: sa.Select[Case]) -> int:
    some = wanted.with_only_columns(Case.id).limit(MOST_COUNTED + 1).subquery()
    return db.session.scalar(sa.select(sa.func.count()).select_from(some)) or 0


def _load(actor: Actor, ids: list[int]) -> list[Case]:
    wanted = reachable_by(actor).where(Case.id.in_(ids)).order_by(Case.id.desc())
    loaded = (joinedload(Case.unit), joinedload(Case.reply), selectinload(Case.messages))
    return list(db.session.scalars(wanted.options(*loaded)))


def _hit(case: Case, query: Query) -> Hit:
    subject = pieces(case.subject, fulltext.spans(case.subject, query))
    for part, text in _parts(case):
        line = excerpt(text, query)
        if line:
            return Hit(case, subject, part, line)
    return Hit(case, subject, "", [])


def _parts(case: Case) -> Iterator[tuple[str, str]]:
    yield "來信", case.body
    if case.reply:
        yield "答復", case.reply.body
    for message in case.messages:
        if message.kind in SEARCHED:
            yield "補充" if message.author_id is None else message.kind.label, message.body


def excerpt(text: str, query: Query) -> Pieces:
    """A line around the first word of a query in a text, masked; empty without one.

    What was found may itself be personal data: then its mask is shown, and nothing is marked.
    """
    for start, passage in _passages(text):
        plain = fulltext.folded(passage)
        # Finding the way back to what was written is slow, so it is done where there is something to find.
        found = fulltext.spans(passage, query) if any(word in plain for word in query.words) else []
        if found:
            return _line(text, start + found[0][0], start + found[0][1], query)
    return []


def _passages(text: str) -> Iterator[tuple[int, str]]:
    """A text in passages that overlap by more than a query is long."""
    step = CHUNK - 2 * fulltext.LONGEST_QUERY
    for start in islice(range(0, max(len(text), 1), step), fulltext.LONGEST_TEXT // step + 1):
        yield start, text[start : start + CHUNK]


def _line(text: str, start: int, end: int, query: Query) -> Pieces:
    """The words from `start` to `end` and what stands around them, masked and marked.

    Personal data are looked for with more around, so that no number is cut in two and passes for none.
    """
    offset = max(0, start - SHOWN - CONTEXT)
    around = text[offset : end + SHOWN + CONTEXT]
    left, right = max(0, start - SHOWN - offset), min(len(around), end + SHOWN - offset)
    personal = masking.find(around)
    for span in personal:
        if span.start < left < span.end:
            left = span.start
        if span.start < right < span.end:
            right = span.end
    shown, at = [], left
    for span in personal:
        if left <= span.start < right:
            shown += [around[at : span.start], f"〔{span.kind}〕"]
            at = span.end
    words = " ".join("".join([*shown, around[at:right]]).split())
    line = f"{'…' if offset + left else ''}{words}{'…' if offset + right < len(text) else ''}"
    return pieces(line, fulltext.spans(line, query))
