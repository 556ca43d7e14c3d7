"""What destroying a letter means for each table that holds something about it.

Every table that points at a letter is named here or by the feature that owns it (`add`): a test looks for
those that are not. Rows that figures are made of stay, without words and without persons.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from feedback.channel_models import CaseIntake, MailSeen, SecretLink
from feedback.models import (
    Case,
    CaseEvent,
    CaseNeighbour,
    Consultation,
    Contact,
    Draft,
    Extension,
    IntakeKey,
    Message,
    Pause,
    Presence,
    Rating,
    Referral,
    Reminder,
    Reply,
    Suggestion,
    TopicLabel,
    Transfer,
)
from feedback.retention.models import DisposalItem
from feedback.rights.models import DataRequest, SealedContact
from feedback.search_models import IndexedCase
from feedback.services import search_index

GONE = "（已依檔案銷毀計畫銷毀）"
Destroy = Callable[[Session, Sequence[int]], None]


@dataclass(frozen=True)
class Holding:
    """One table: what is done to the rows of letters (given by id), or why nothing is."""

    table: str
    destroy: Destroy | None
    why_kept: str = ""


def delete(column: Any) -> Holding:
    """The rows go."""

    def destroy(session: Session, ids: Sequence[int]) -> None:
        session.execute(sa.delete(column.class_).where(column.in_(ids)), execution_options=_PLAIN)

    return Holding(column.class_.__tablename__, destroy)


def blank(column: Any, **values: Any) -> Holding:
    """The rows stay, without their words."""

    def destroy(session: Session, ids: Sequence[int]) -> None:
        session.execute(
            sa.update(column.class_).where(column.in_(ids)).values(**values), execution_options=_PLAIN
        )

    return Holding(column.class_.__tablename__, destroy)


def keep(table: str, why: str) -> Holding:
    return Holding(table, None, why)


_PLAIN = {"synchronize_session": False}


def add(app: Flask, *holdings: Holding) -> None:
    app.extensions.setdefault("holdings", []).extend(holdings)


def _neighbours(session: Session, ids: Sequence[int]) -> None:
    beside = sa.or_(CaseNeighbour.case_id.in_(ids), CaseNeighbour.earlier_id.in_(ids))
    session.execute(sa.delete(CaseNeighbour).where(beside), execution_options=_PLAIN)


def _consultations(session: Session, ids: Sequence[int]) -> None:
    """Question, opinion and what was shown: those that are there stay there, without words."""
    asked = sa.update(Consultation).where(Consultation.case_id.in_(ids))
    session.execute(asked.values(question=GONE, shown=None), execution_options=_PLAIN)
    given = asked.where(Consultation.opinion.is_not(None)).values(opinion=GONE)
    session.execute(given, execution_options=_PLAIN)


def _search(session: Session, ids: Sequence[int]) -> None:
    """Out of the search index; the job reads again what is left, which has no words."""
    search_index.forget(session, *ids)


OWN = (
    # Number, dates, unit and topic stay: they are the register. Without the hash no secret opens the letter.
    blank(Case.id, subject=GONE, body=GONE, secret_hash="", urgent_words=[]),
    blank(Draft.case_id, body=GONE, comment=""),
    blank(Message.case_id, body=GONE),
    blank(Extension.case_id, reason=GONE),
    blank(Transfer.case_id, reason=GONE, answer=GONE),
    Holding(Consultation.__tablename__, _consultations),
    blank(Referral.case_id, reason=GONE, fields=[]),
    blank(CaseIntake.case_id, agency_number="", message_id=""),
    delete(Presence.case_id),
    Holding(IndexedCase.__tablename__, _search),
    delete(SecretLink.case_id),
    keep(Pause.__tablename__, "只有時間"),
    keep(Reminder.__tablename__, "只有時間"),
    keep(MailSeen.__tablename__, "只有雜湊值，使同一封郵件不會再收一次"),
    delete(Contact.case_id),
    delete(SealedContact.case_id),
    blank(
        Suggestion.case_id, candidates=[], words=[], against=[], marks=[], secondary=[], urgent_phrase=None
    ),
    # A label teaches with the letter's words, which are gone.
    delete(TopicLabel.case_id),
    Holding(CaseNeighbour.__tablename__, _neighbours),
    blank(Reply.case_id, body=GONE),
    blank(Rating.case_id, comment=""),
    blank(CaseEvent.case_id, note=""),
    delete(IntakeKey.case_id),
    blank(
        DataRequest.case_id, wish="", wanted={}, name="", email="", phone="", verify_note="", secret_hash="",
        disclosed_until=None,
    ),
    keep(DisposalItem.__tablename__, "銷毀目錄本身"),
)  # fmt: skip
