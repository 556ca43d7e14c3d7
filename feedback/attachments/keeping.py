"""Keeping files: held while a form is being filled in, claimed by the letter that is sent."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.attachments.models import Attachment, FileState
from feedback.models import Case, Message
from feedback.queries import reachable_by
from portal.access import Actor
from portal.audit import record
from portal.config import MEBIBYTE
from portal.db import db, transaction
from portal.errors import NotFound
from portal.files.kinds import Accepted, Refused, accept, tidy_name
from portal.files.scanning import ScannerDown
from portal.files.uploads import Upload, scanner, store
from portal.profile import Profile

log = logging.getLogger(__name__)

A_DAY = timedelta(days=1)
"""How long a file waits for the citizen to send the letter."""

A_WEEK = timedelta(days=8)
"""How long one waits for a clerk's draft, which is kept for seven days."""

INFECTED = "防毒軟體認為這個檔案有病毒，不能收。"


def holder_of(*names: object) -> str:
    """Whose files are held: a hash, because a submission's key opens its receipt."""
    return hashlib.sha256(":".join(("files", *map(str, names))).encode()).hexdigest()


def hold(
    holder: str, uploads: Iterable[Upload], *, profile: Profile, now: datetime, keep: timedelta = A_DAY
) -> list[str]:
    """Keep what was sent with a form, whatever becomes of the form; return what is wrong with the rest."""
    most, problems = profile.intake.max_files, list[str]()
    room = None  # most letters have no files and cost no query
    for upload in uploads:
        room = most - len(held(holder)) if room is None else room
        try:
            if room <= 0:
                raise Refused(f"一次最多附 {most} 個檔案。")
            accepted, state = _examine(upload, profile)
        except Refused as refused:
            problems.append(f"「{tidy_name(upload.name, None)}」沒有收下：{refused.message}")
            continue
        room -= 1
        row = _row(upload.name, accepted, state, now)
        row.holder, row.held_until = holder, now + keep
        with transaction() as session:
            session.add(row)
    return problems


def held(holder: str) -> list[Attachment]:
    """What waits for a form to be sent, oldest first."""
    return list(db.session.scalars(_of(holder)))


def drop(holder: str, ids: Iterable[int] | None = None) -> None:
    """Throw held files away: those named, or all."""
    with transaction() as session:
        wanted = _of(holder) if ids is None else _of(holder).where(Attachment.id.in_(ids))
        gone = [(row, row.stored) for row in session.scalars(wanted)]
        for row, _ in gone:
            session.delete(row)
    for _, name in gone:
        if name:
            store().delete(name)


def hold_for(new: str, old: str, *, until: datetime | None = None) -> None:
    """Let the files of one holder wait for another."""
    values: dict[str, object] = {"holder": new} | ({"held_until": until} if until else {})
    with transaction() as session:
        session.execute(sa.update(Attachment).where(Attachment.holder == old).values(**values))


def claim(session: Session, case: Case, message: Message | None = None, *, holders: Sequence[str]) -> None:
    """Give what is held to a letter, as part of a message, in the caller's transaction."""
    session.execute(
        sa.update(Attachment)
        .where(Attachment.holder.in_(holders))
        .values(case_id=case.id, message_id=message.id if message else None, holder=None, held_until=None)
    )


def keep_mailed(
    session: Session, case: Case, files: Sequence[tuple[str, bytes]], *, profile: Profile, now: datetime
) -> None:
    """Keep the files of a mail with its letter. Of one that cannot be taken, name and reason are kept."""
    for name, data in files:
        longest = profile.intake.max_file_mb * MEBIBYTE
        try:
            accepted, state = _examine(Upload(name, data if len(data) <= longest else None), profile)
        except Refused as refused:
            row = _refused(name, len(data), refused.message, now)
        else:
            row = _row(name, accepted, state, now)
        row.case_id = case.id
        session.add(row)


def open_one(case_id: int, attachment_id: int, *, by: Actor, now: datetime) -> Attachment:
    """One file of a letter that a person may open; that they opened it is kept. Raises NotFound."""
    with transaction() as session:
        found = session.execute(
            reachable_by(by)
            .join(Attachment, Attachment.case_id == Case.id)
            .where(Case.id == case_id, Attachment.id == attachment_id, Attachment.state == FileState.READY)
            .add_columns(Attachment)
        ).one_or_none()
        if found is None:
            raise NotFound
        case: Case = found[0]
        row: Attachment = found[1]
        record(
            session, "case.attachment_read", "case", case.number, actor_id=by.id, now=now, attachment=row.id
        )
    return row


def scan_waiting(now: datetime) -> int:
    """Scan the files that came while the scanner was away; return how many were judged."""
    judged, asked = 0, scanner()
    waiting = sa.select(Attachment.id).where(Attachment.state == FileState.WAITING).order_by(Attachment.id)
    for row_id in list(db.session.scalars(waiting)) if asked else []:
        with transaction() as session:
            row = session.get(Attachment, row_id, with_for_update=True)
            if row is None or row.state is not FileState.WAITING or not row.stored or not asked:
                continue
            name = row.stored
            try:
                found = asked.scan(store().path(name).read_bytes())
            except ScannerDown:
                return judged
            row.state = FileState.REFUSED if found else FileState.READY
            if found:
                row.stored, row.reason = None, INFECTED
                log.warning("a file was refused", extra={"attachment": row_id, "virus": found[:80]})
        if found:
            store().delete(name)
        judged += 1
    return judged


def has_waiting(_now: datetime) -> bool:
    """Whether there is a scanner, and something that it has not seen."""
    waits = sa.select(sa.exists().where(Attachment.state == FileState.WAITING))
    return scanner() is not None and bool(db.session.scalar(waits))


def delete_unowned(now: datetime) -> int:
    """Delete stored files that no row names: held too long, destroyed, or written just before a crash."""
    deleted = 0
    for name, path in store().older_than(now - A_DAY):
        if not db.session.scalar(sa.select(sa.exists().where(Attachment.stored == name))):
            path.unlink(missing_ok=True)
            deleted += 1
    return deleted


def is_stale(now: datetime) -> sa.ColumnElement[bool]:
    """Held files whose letter was never sent."""
    return Attachment.held_until < now


def _of(holder: str) -> sa.Select[Attachment]:
    return sa.select(Attachment).where(Attachment.holder == holder).order_by(Attachment.id)


def _examine(upload: Upload, profile: Profile) -> tuple[Accepted, FileState]:
    """The file as it may be kept, and whether it may be given out yet. Raises Refused."""
    if upload.data is None:
        raise Refused(f"檔案超過 {profile.intake.max_file_mb} MB，請縮小或分成幾個檔案。")
    accepted, asked = accept(upload.data), scanner()
    if asked is None:
        return accepted, FileState.READY
    try:
        found = asked.scan(upload.data)
    except ScannerDown:
        log.warning("the virus scanner does not answer")
        return accepted, FileState.WAITING
    if found:
        log.warning("a file was refused", extra={"virus": found[:80]})
        raise Refused(INFECTED)
    return accepted, FileState.READY


def _row(name: str, accepted: Accepted, state: FileState, now: datetime) -> Attachment:
    return Attachment(
        name=tidy_name(name, accepted.kind),
        kind=accepted.kind.code,
        size=len(accepted.data),
        sha256=hashlib.sha256(accepted.data).hexdigest(),
        stored=store().put(accepted.data),
        state=state,
        added_at=now,
    )


def _refused(name: str, size: int, reason: str, now: datetime) -> Attachment:
    return Attachment(
        name=tidy_name(name, None), kind="", size=size, sha256="", state=FileState.REFUSED,
        reason=reason, added_at=now,
    )  # fmt: skip
