"""Full-text search of Chinese on SQLite (FTS5) and PostgreSQL (GIN): one interface for both.

An index keeps, for each text, the text folded (`folded`) and its grams: every character and every pair of
neighbouring characters. A word is found by its pairs, and what pairs cannot say is looked up in the folded
text, so a find is always a text that holds the folded word. See docs/search.md and decision 13.

Callers own the transaction, and what they put in: no contact data.
"""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from portal.db import db
from portal.folding import Step, align, fold, narrow

Name = Literal["case", "faq"]
"""The indexes there are: letters with their replies; published answers."""

LONGEST_TEXT = 80_000
"""Characters of a text that are searched, counted folded. PostgreSQL holds 1 MB of grams for a text: as many
characters and pairs of them, none twice and each of the longest kind, take 0.96 MB."""

LONGEST_QUERY = 200
"""Characters of a query that count."""

MOST_GRAMS = 48
"""Grams of a query that the index is asked for; the folded text answers for the rest."""

BEST_GRAMS = 160
"""Pairs of a letter that `best` looks at."""

_PHRASE = re.compile('["＂“”]([^"＂“”]+)["＂“”]|「([^」]+)」|『([^』]+)』')
_BETWEEN_WORDS = re.compile(  # 1,000 and a.tw are one word each
    r"(?:[\s，、。；：！？!?…・「」『』\"＂“”()（）〔〕【】《》〈〉]|[,.;:](?![0-9A-Za-z]))+"
)
_RUN = re.compile(r"[^\W_]+")
_EDGES = re.compile(r"^[\W_]+|[\W_]+$")
_DASHES = re.compile("[‐‑‒–—―−─]")
_VARIANTS = str.maketrans("汚衞着吿淸緖", "污卫著告清绪")
"""Forms of one character that OpenCC keeps apart; the right side is written as it comes out of `fold`."""
_STEPS: tuple[Step, ...] = (
    (_DASHES, "-"),
    (re.compile(r"(?<=[0-9A-Za-z])\s*-[\s-]*(?=[0-9A-Za-z])"), ""),
    (re.compile(r"(?<=[A-Za-z])\s+(?=[A-Za-z])"), " "),
    (re.compile(r"(?<![A-Za-z])\s+|\s+(?![A-Za-z])"), ""),
)


def folded(text: str) -> str:
    """A text as it is searched: one width, one script, one case, no blanks but those between Latin words.

    Dashes between digits and letters go too, so that 0912-345-678 and 0912345678 are one number. Any text is
    taken, and what comes out has no control characters and is at most `LONGEST_TEXT` long.
    """
    text = narrow(text)
    for pattern, replacement in _STEPS:
        text = pattern.sub(replacement, text)
    return _plain(text[:LONGEST_TEXT])


def _plain(text: str) -> str:
    return fold(text).translate(_VARIANTS)


def join(parts: Iterable[str]) -> str:
    """Several texts as one, which a word cannot span."""
    return " ‖ ".join(parts)


def spans(text: str, query: Query) -> list[tuple[int, int]]:
    """Where a text as written holds the words of a query: [start, end), for marking. For short texts."""
    found = align(text, _STEPS)
    plain = _plain(found.clean)
    places = (match.span() for word in query.words for match in re.finditer(re.escape(word), plain))
    return sorted(found.original(*place) for place in places)


def grams(plain: str) -> set[str]:
    """Every character and every pair of neighbours of a folded text; signs and blanks are left out."""
    found: set[str] = set()
    for run in _RUN.findall(plain):
        found.update(run)
        found.update(map("".join, pairwise(run)))
    return found


@dataclass(frozen=True)
class Query:
    """What is looked for: folded words, each of which must be in a text. Without words nothing is found."""

    words: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.words)

    @property
    def grams(self) -> list[str]:
        """What the index is asked for: the pairs of each word, a character that stands alone as itself."""
        found: dict[str, None] = {}
        for word in self.words:
            for run in _RUN.findall(word):
                found.update(dict.fromkeys(map("".join, pairwise(run)) if len(run) > 1 else [run]))
        return list(found)[:MOST_GRAMS]

    @property
    def unsure(self) -> list[str]:
        """Words that the index alone cannot vouch for, to be looked up in the folded text."""
        sure = set(self.grams)
        return [word for word in self.words if word not in sure]


def parse(typed: str) -> Query:
    """Read what a person typed; never raises.

    Words are parted by blanks and punctuation, and all of them count. Inside "…" or 「…」 everything
    belongs to one phrase. No sign has another meaning. Only the first `LONGEST_QUERY` characters count.
    """
    typed, words, at = typed[:LONGEST_QUERY], list[str](), 0
    for phrase in _PHRASE.finditer(typed):
        words += _BETWEEN_WORDS.split(typed[at : phrase.start()])
        words.append(next(filter(None, phrase.groups())))
        at = phrase.end()
    words += _BETWEEN_WORDS.split(typed[at:])
    plain = (_EDGES.sub("", folded(word)) for word in words)
    return Query(tuple(dict.fromkeys(filter(None, plain))))


class _Index:
    """The tables of one index: folded texts, and grams in the database's own kind of index.

    The latter is made by a migration: an FTS5 table without content on SQLite, a table with a GIN index on
    PostgreSQL. Its rowid is the text's key.
    """

    def __init__(self, name: str) -> None:
        self.texts = sa.Table(
            f"search_{name}_texts",
            db.metadata,
            sa.Column("key", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("folded", sa.Text, nullable=False),
        )
        self.rows = sa.table(
            f"search_{name}", sa.column("rowid", sa.Integer), sa.column("grams"), sa.column(f"search_{name}")
        )
        self.name = self.rows.name
        self.key = self.rows.c.rowid
        self.own = self.rows.c[self.name]  # the column by which FTS5 knows the whole table


_INDEXES: dict[Name, _Index] = {"case": _Index("case"), "faq": _Index("faq")}


def put(session: Session, name: Name, key: int, text: str) -> None:
    """Add a text under its key, or replace the one that is there."""
    put_many(session, name, {key: text})


def put_many(session: Session, name: Name, texts: dict[int, str]) -> None:
    """`put` for many texts at once."""
    index, plain = _INDEXES[name], {key: folded(text) for key, text in texts.items()}
    drop(session, name, *plain)
    if not plain:
        return
    session.execute(sa.insert(index.texts), [{"key": key, "folded": text} for key, text in plain.items()])
    if _is_sqlite(session):
        _write_fts(session, index, plain)
        return
    lexemes = sa.func.array_to_tsvector(sa.bindparam("found", type_=postgresql.ARRAY(sa.Text)))
    rows = [{"key": key, "found": sorted(grams(text))} for key, text in plain.items()]
    session.execute(sa.insert(index.rows).values(rowid=sa.bindparam("key"), grams=lexemes), rows)


def drop(session: Session, name: Name, *keys: int) -> None:
    """Forget texts; keys without one are passed over."""
    index = _INDEXES[name]
    wanted = index.texts.c.key.in_(keys)
    if _is_sqlite(session):
        # An FTS5 table without content forgets a row when it is told what had been put in.
        old = session.execute(sa.select(index.texts.c.key, index.texts.c.folded).where(wanted)).all()
        _write_fts(session, index, {row.key: row.folded for row in old}, command="delete")
    else:
        session.execute(sa.delete(index.rows).where(index.key.in_(keys)))
    session.execute(sa.delete(index.texts).where(wanted))


def clear(session: Session, name: Name) -> None:
    """Forget every text."""
    index = _INDEXES[name]
    if _is_sqlite(session):
        session.execute(sa.text(f"INSERT INTO {index.name}({index.name}) VALUES ('delete-all')"))  # noqa: S608  # a name of ours
    else:
        session.execute(sa.delete(index.rows))
    session.execute(sa.delete(index.texts))


def optimize(session: Session, name: Name) -> None:
    """Pack an index after it was filled, or count it anew: searches are faster after it."""
    index = _INDEXES[name]
    if _is_sqlite(session):
        session.execute(sa.text(f"INSERT INTO {index.name}({index.name}) VALUES ('optimize')"))  # noqa: S608  # a name of ours
    else:
        session.execute(sa.text(f"ANALYZE {index.name}"))


def matching(session: Session, name: Name, query: Query) -> sa.Select[int]:
    """Keys (column `key`) of the texts that hold every word of a query, without order.

    Join it as a subquery and order by its `key`, so that a page stops at its last row:

        found = matching(session, "case", parse("標準檢驗")).subquery()
        visible_to(actor).join(found, found.c.key == Case.id).order_by(found.c.key.desc()).limit(30)
    """
    index = _INDEXES[name]
    keys: sa.Select[Any] = sa.select(index.key.label("key"))
    if not query:
        return keys.where(sa.false())
    keys = keys.where(_holds(session, index, query.grams))
    if query.unsure:
        keys = keys.join(index.texts, index.texts.c.key == index.key)
    place = sa.func.instr if _is_sqlite(session) else sa.func.strpos
    return keys.where(*(place(index.texts.c.folded, word) > 0 for word in query.unsure))


@dataclass(frozen=True)
class Near:
    """How near a text is to a letter, by the pairs of characters that they share.

    Each pair weighs by how rare it is in the index (idf). `share` is the part (0 to 1) of what the index
    knows of the letter that this text holds; `evidence` is how much that is, counted in pairs that no other
    text has.
    """

    key: int
    share: float
    evidence: float


def best(session: Session, name: Name, text: str, limit: int) -> list[Near]:
    """The texts that share most with a whole letter, the nearest first.

    Only the letter's first `BEST_GRAMS` different pairs count. Made for some thousand texts.
    """
    index, holders = _INDEXES[name], defaultdict[str, list[int]](list)
    for pair, key in session.execute(_postings(session, index, _pairs(folded(text), BEST_GRAMS))):
        holders[pair].append(key)
    count = session.scalar(sa.select(sa.func.count()).select_from(index.texts)) or 0
    weights = {pair: math.log((count + 1) / (len(keys) + 0.5)) for pair, keys in holders.items()}
    shared: defaultdict[int, float] = defaultdict(float)
    for pair, keys in holders.items():
        for key in keys:
            shared[key] += weights[pair]
    known, alone = sum(weights.values()), math.log((count + 1) / 1.5)
    first = sorted(shared.items(), key=lambda found: (-found[1], found[0]))[:limit]
    return [Near(key, weight / known, weight / alone) for key, weight in first]


def _pairs(plain: str, most: int | None) -> list[str]:
    """The different pairs of neighbours of a folded text, in order."""
    found = (pair for run in _RUN.findall(plain) for pair in map("".join, pairwise(run)))
    return list(islice(dict.fromkeys(found), most))


def _postings(session: Session, index: _Index, wanted: list[str]) -> sa.Select[str, int]:
    """Each of these grams with each text that has it."""
    if _is_sqlite(session):
        each = sa.func.json_each(json.dumps(wanted)).table_valued("value")
        has = index.own.op("MATCH", is_comparison=True)(sa.literal('"') + each.c.value + '"')
    else:
        each = (
            sa.func.unnest(sa.cast(wanted, postgresql.ARRAY(sa.Text))).table_valued("value").render_derived()
        )
        query = sa.cast(sa.literal("'") + each.c.value + "'", postgresql.TSQUERY)
        has = index.rows.c.grams.op("@@", is_comparison=True)(query)
    return sa.select(each.c.value, index.key).join(index.rows, has)


def _holds(session: Session, index: _Index, wanted: list[str]) -> sa.ColumnElement[bool]:
    """The index's own test for texts with all of these grams, which are letters and digits only."""
    if _is_sqlite(session):
        expression = " ".join(f'"{gram}"' for gram in wanted)
        return index.own.op("MATCH", is_comparison=True)(expression)
    expression = " & ".join(f"'{gram}'" for gram in wanted)
    return index.rows.c.grams.op("@@", is_comparison=True)(sa.cast(expression, postgresql.TSQUERY))


def _write_fts(session: Session, index: _Index, plain: dict[int, str], command: str = "") -> None:
    if not plain:
        return
    head = f"{index.name}, rowid, grams" if command else "rowid, grams"
    values = f"'{command}', :key, :found" if command else ":key, :found"
    statement = sa.text(f"INSERT INTO {index.name}({head}) VALUES ({values})")  # noqa: S608  # names of ours
    rows = [{"key": key, "found": " ".join(sorted(grams(text)))} for key, text in plain.items()]
    session.execute(statement, rows)


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"
