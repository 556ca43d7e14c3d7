"""The hash chain as such: what a link's hash is made of, and the walk that finds the first bad link.

Nothing here reads a database or a file, so that a stored chain and an exported one are held to the
same rule. The form is described in docs/audit.md; a change of it would make every old hash wrong.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from portal.clock import roc_datetime
from portal.errors import DomainError

FORM = 1
"""Number of the canonical form; it is part of what is hashed."""
GENESIS = "0" * 64
"""What the first link names as its predecessor."""
FIELDS = (
    "at", "actor_id", "action", "object_type", "object_id", "detail", "request_id", "previous",
)  # fmt: skip

_encoder = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def canonical(facts: Mapping[str, Any]) -> str:
    """The text that is hashed: one JSON object of `FIELDS` and the form's number, keys sorted, no spaces.

    `facts["at"]` is a text as `moment_text` gives it. Raises ValueError or TypeError for what JSON
    cannot hold.
    """
    return _encoder.encode({"v": FORM} | {name: facts[name] for name in FIELDS})


def digest(facts: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical form in UTF-8, in 64 hexadecimal digits."""
    return hashlib.sha256(canonical(facts).encode()).hexdigest()


def moment_text(moment: datetime) -> str:
    """A moment as it is hashed: UTC, ISO 8601, always with microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def plain(detail: Mapping[str, Any]) -> Any:
    """The detail as JSON gives it back (keys are texts, tuples are lists), so that it hashes the same."""
    return json.loads(_encoder.encode(detail))


def read_json(text: str | bytes) -> Any:
    """What a JSON text says. Raises ValueError, also for a name that is there twice: readers differ on it."""
    try:
        return json.loads(text, object_pairs_hook=_named_once)
    except (TypeError, RecursionError) as fault:
        raise ValueError("no JSON") from fault


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a name twice")
    return values


def read_moment(text: Any) -> Any:
    """`moment_text` of a moment as a database or file writes it; anything else as it is.

    A text without a zone is UTC, as SQLite stores it.
    """
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return text
    return moment_text(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


@dataclass(frozen=True)
class Head:
    """What the end of the chain should be: the last link's hash, and how many links there are."""

    hash: str
    count: int


@dataclass(frozen=True)
class Link:
    """One event as stored or exported. `facts` holds `FIELDS`, whatever their types have become."""

    id: Any
    facts: Mapping[str, Any]
    hash: Any

    @property
    def previous(self) -> Any:
        return self.facts["previous"]

    def holds(self) -> bool:
        """Whether the hash is that of the facts."""
        try:
            return bool(self.hash == digest(self.facts))
        except (TypeError, ValueError, RecursionError):  # tampered into something that is no JSON
            return False

    @property
    def at(self) -> datetime | None:
        """When it was, in UTC; None when that cannot be read."""
        try:
            return datetime.fromisoformat(self.facts["at"]).astimezone(UTC)
        except (TypeError, ValueError, OverflowError):
            return None

    def named(self) -> str:
        """Which one it is, for a person: 編號 12（115年11月23日 10:30，case.opened）."""
        when = roc_datetime(self.at) if self.at else "時間無法辨識"
        return f"編號 {self.id}（{when}，{self.facts['action']}）"


class BrokenChain(DomainError):
    """The chain is not what was written. `link_id` is the first link that does not fit, if one is left."""

    def __init__(self, what: str, link: Link | None = None) -> None:
        self.link_id = link.id if link else None
        first = f"第一筆不符的是{link.named()}：" if link else ""
        super().__init__(f"稽核紀錄不完整。{first}{what}")


class Walk:
    """Takes links one by one in their order and remembers only the last.

    `head` is the end as it was when the walk began; `anchor` a hash noted down earlier, which must
    then be found among the links.
    """

    def __init__(self, head: Head, anchor: str | None = None) -> None:
        self.head, self.anchor = head, anchor
        self.count, self.hash = 0, GENESIS
        self.last: Link | None = None
        self.first_at: datetime | None = None
        self.anchored_at: int | None = None
        self._beyond: Link | None = None

    def take(self, link: Link) -> None:
        """Check one more link. Raises BrokenChain."""
        if not link.holds():
            raise BrokenChain("這一筆的內容或雜湊被改過。", link)
        if link.previous != self.hash:
            raise self._gap(link)
        self.count, self.hash = self.count + 1, link.hash
        self.first_at, self.last = self.first_at or link.at, link
        if link.hash == self.anchor:
            self.anchored_at = self.count
        if self.count == self.head.count and self.hash != self.head.hash:
            raise BrokenChain("鏈頭記的雜湊不是這一筆的。", link)
        if self.count == self.head.count + 1:
            self._beyond = link

    @property
    def last_at(self) -> datetime | None:
        return self.last.at if self.last else None

    def finish(self, head: Head) -> None:
        """Hold the whole against its end. `head` is the end now: links may have come since the walk began.

        Raises BrokenChain.
        """
        if self.count < self.head.count:
            missing = self.head.count - self.count
            where = "這一筆之後" if self.last else "鏈頭以前"
            raise BrokenChain(f"{where}少了 {missing:,} 筆：結尾被截掉了。", self.last)
        if self.count > head.count or (self.count == head.count and self.hash != head.hash):
            raise BrokenChain("這一筆起不是系統寫入的：鏈頭沒有記到。", self._beyond or self.last)
        if self.anchor and self.anchored_at is None:
            raise BrokenChain("鏈裡找不到 --head 給的雜湊：當時的紀錄被整段換過，或結尾連同鏈頭被截掉。")

    def _gap(self, link: Link) -> BrokenChain:
        """A link that does not know the one before it: that one is too many, or something is missing."""
        if self.last is not None and link.previous == self.last.previous:
            return BrokenChain(f"它是多出來的，或被改過後重算了雜湊；{link.named()}不認得它。", self.last)
        before = f"前一筆（編號 {self.last.id}）" if self.last else "鏈的起點"
        return BrokenChain(f"它接不上{before}：兩者之間少了紀錄，或有紀錄被插入、調換、改寫。", link)
