"""Taking in many letters from another channel or system; safe to repeat."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from itertools import islice

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from feedback.letters import Letter, problems
from feedback.models import Case
from feedback.secrets import derive_secret, new_key
from feedback.services.intake import add_case
from portal.audit import record
from portal.clock import ROC_OFFSET, TAIPEI, local_date
from portal.db import transaction
from portal.forms import clean, has_control
from portal.profile import Profile

BATCH = 200
FIRST_YEAR = 1991  # an earlier date in such a file is a slip of the pen
SUBJECT_LENGTH = 30
CHANNEL = "import"
MAX_EXTERNAL_ID = 200

DAY = re.compile(
    r"(?:中華)?(?:民國)?\s*(\d{2,4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[T\s].*)?", re.DOTALL
)

Values = Mapping[str, str]
LINES = re.compile(r"[^\S\n]*[\n\t]\s*")


@dataclass(frozen=True)
class Row:
    """One line of a file: its number there and its values by field name, or why it cannot be read."""

    number: int
    values: Values = field(default_factory=dict)
    fault: str = ""


@dataclass(frozen=True)
class Refusal:
    row: int
    reason: str


@dataclass
class ImportResult:
    """What became of the rows. Letters of `strange_units`, which nobody knows, went to the default owner."""

    taken: int = 0
    skipped: int = 0
    refused: list[Refusal] = field(default_factory=list)
    strange_units: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Ready:
    """A row that may be taken in."""

    row: int
    letter: Letter
    received_at: datetime
    unit_code: str | None
    source_key: str
    external: bool


class RefusedError(ValueError):
    """A row that cannot be taken in; the text says why."""


def take_in(rows: Iterable[Row], *, profile: Profile, now: datetime) -> ImportResult:
    """Take letters in, each wholly or not at all, in transactions of some hundred.

    A letter that is already there (same external id, or same words, sender and day) is skipped.
    Raises NotReady when no units are loaded.
    """
    result = ImportResult()
    reader = _Reader(profile, now)
    ready = reader.accepted(rows, result)
    while batch := list(islice(ready, BATCH)):
        try:
            _keep(batch, result, profile, now)
        except IntegrityError:
            # Another import took one of these in at the same moment; now it can be seen and is skipped.
            _keep(batch, result, profile, now)
    result.refused.sort(key=lambda refusal: refusal.row)
    return result


def _keep(batch: list[_Ready], result: ImportResult, profile: Profile, now: datetime) -> None:
    counted = ImportResult()
    with transaction() as session:
        known = _known(session, batch)
        for item in batch:
            words = known.get(item.source_key)
            if words is None:
                known[item.source_key] = _write(session, item, profile, now)
                counted.taken += 1
            elif item.external and words != item.letter.body:
                counted.refused.append(Refusal(item.row, "這個外部編號已經用在另一封內容不同的信。"))
            else:
                counted.skipped += 1
        if counted.taken:
            record(
                session, "case.imported", "import", batch[0].row, actor_id=None, now=now, taken=counted.taken
            )
    result.taken += counted.taken
    result.skipped += counted.skipped
    result.refused += counted.refused


def _known(session: Session, batch: list[_Ready]) -> dict[str, str]:
    """The words of letters that are already there, by source key."""
    keys = [item.source_key for item in batch]
    rows = session.execute(sa.select(Case.source_key, Case.body).where(Case.source_key.in_(keys)))
    return {key or "": body for key, body in rows}


def _write(session: Session, item: _Ready, profile: Profile, now: datetime) -> str:
    """Nobody holds the secret of an imported letter: its sender has no receipt of ours."""
    case = add_case(
        session,
        item.letter,
        profile=profile,
        secret=derive_secret(new_key(), new_key()),
        received_at=item.received_at,
        now=now,
        unit_code=item.unit_code,
        source_key=item.source_key,
    )
    case.restricted = answers_restricted_only(item.unit_code, profile)
    return item.letter.body


def answers_restricted_only(unit_code: str | None, profile: Profile) -> bool:
    """Whether whatever is filed with this unit is hidden from others until a person has read it."""
    owned = [topic for topic in profile.topics if topic.owner == unit_code]
    return bool(owned) and all(topic.restricted for topic in owned)


class _Reader:
    """Turns rows into letters by the profile's rules."""

    def __init__(self, profile: Profile, now: datetime) -> None:
        self.profile, self.now = profile, now
        self.channels = {name: item.code for item in profile.channels for name in (item.name, item.code)}
        self.units = {
            name: unit.code for unit in profile.units for name in (unit.code, unit.name, *unit.aliases)
        }

    def accepted(self, rows: Iterable[Row], result: ImportResult) -> Iterator[_Ready]:
        for row in rows:
            try:
                ready = self._read(row)
            except RefusedError as refusal:
                result.refused.append(Refusal(row.number, str(refusal)))
                continue
            unit = row.values.get("unit", "")
            if unit and ready.unit_code is None and unit not in result.strange_units:
                result.strange_units.append(unit)
            yield ready

    def _read(self, row: Row) -> _Ready:
        if row.fault:
            raise RefusedError(row.fault)
        values = {name: clean(value) for name, value in row.values.items()}
        letter = self._letter(values)
        faults = problems(letter, self.profile)
        if faults:
            raise RefusedError("".join(faults.values()))
        day = self._day(values.get("date", ""))
        external = values.get("external_id", "")
        if has_control(external) or len(external) > MAX_EXTERNAL_ID:
            raise RefusedError(f"外部編號最長 {MAX_EXTERNAL_ID} 個字，而且不能有控制字元。")
        return _Ready(
            row.number, letter, self._received(day), self._unit(values.get("unit", "")),
            source_key(letter, day, external), bool(external),
        )  # fmt: skip

    def _letter(self, values: Values) -> Letter:
        body = values.get("text", "")
        channel = values.get("channel", "")
        return Letter(
            subject=LINES.sub(" ", values.get("subject", "")) or first_words(body),
            body=body,
            county=values.get("county", ""),
            name=values.get("name", ""),
            email=values.get("email", ""),
            phone=values.get("phone", ""),
            channel=self.channels.get(channel, channel) or CHANNEL,
        )

    def _day(self, text: str) -> date | None:
        if not text:
            return None
        day = read_day(text)
        if day is None or day.year < FIRST_YEAR:
            raise RefusedError("日期看不懂，請寫成 2026-11-23、115/11/23 或 115年11月23日。")
        if day > local_date(self.now):
            raise RefusedError("日期在今天之後，請檢查年月日。")
        return day

    def _received(self, day: date | None) -> datetime:
        """Noon of the given day, but never later than now."""
        return min(datetime.combine(day, time(12), TAIPEI), self.now) if day else self.now

    def _unit(self, text: str) -> str | None:
        """The unit that a text names, also as the beginning of a section's name (新竹分局度量衡科)."""
        if text in self.units:
            return self.units[text]
        begun = [name for name in self.units if text.startswith(name)]
        return self.units[max(begun, key=len)] if begun else None


def first_words(text: str) -> str:
    """A subject for a letter that came without one."""
    line = " ".join(text.split())
    return line if len(line) <= SUBJECT_LENGTH else line[: SUBJECT_LENGTH - 1] + "…"


def read_day(text: str) -> date | None:
    """A day written in Gregorian or ROC years; None when it is not one."""
    found = DAY.fullmatch(text.strip())
    if found is None:
        return None
    year, month, day = (int(part) for part in found.groups())
    try:
        return date(year + ROC_OFFSET if year < 1000 else year, month, day)
    except ValueError:
        return None


def source_key(letter: Letter, day: date | None, external: str) -> str:
    """What makes a repeated import recognise a letter."""
    if external:
        kept: list[str] = ["external", letter.channel, external]
    else:
        plain = replace(letter, channel="", county="")
        kept = ["content", plain.content_hash, day.isoformat() if day else ""]
    return hashlib.sha256(json.dumps(kept).encode()).hexdigest()
