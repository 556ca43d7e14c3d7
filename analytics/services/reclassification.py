"""Letters read again with the active classifier: which ones, in batches, and what a new reading changes.

Reading may happen anywhere (this process, a cluster): it is a pure function of texts. Only `renew` writes,
in the command's own process. Nothing is kept beside the letters: what carries the active version's
suggestion is done, so a run that was cut off is continued by running again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from analytics.classifier import TrainedModel
from analytics.corpus import join
from analytics.services.suggestions import guess_of
from analytics.services.versions import active_version
from feedback.models import Case, Suggestion
from feedback.queries import count
from feedback.services.renewal import Effect, renew_suggestions
from feedback.services.suggesting import Guess
from portal.db import db, transaction
from portal.errors import Conflict
from portal.profile import Profile


class Superseded(Conflict):
    message = "判讀期間，使用中的分類模型換了。請再執行一次，會以新的版本接著判讀。"


@dataclass(frozen=True, slots=True)
class Batch:
    """Letters to read together: (id, text). Its repr is without texts, because clusters log what fails."""

    letters: tuple[tuple[int, str], ...] = field(repr=False)


Readings = list[tuple[int, Guess]]
"""What the classifier says of each letter, by id."""

Reader = Callable[[Iterator[Batch]], Iterator[Readings]]
"""Reads batches as they are asked for; results may come in another order, each batch's exactly once."""


def outstanding(version_id: str, *, everything: bool) -> sa.Select[Case]:
    """Letters without a suggestion of this version that nobody has confirmed or answered, in no order.

    `everything` adds those that were. A letter that no classifier has read yet always belongs to them, as
    it does for the job.
    """
    other = Suggestion.model_version != version_id
    if not everything:
        other = sa.and_(other, Case.topic.is_(None), Case.settled_at.is_(None))
    query = sa.select(Case).outerjoin(Suggestion, Suggestion.case_id == Case.id)
    return query.where(sa.or_(Case.classified_at.is_(None), other))


def count_outstanding(version_id: str, *, everything: bool) -> int:
    return count(outstanding(version_id, everything=everything))


def batches(version_id: str, *, everything: bool, size: int, limit: int | None) -> Iterator[Batch]:
    """The outstanding letters, `size` at a time by id, at most `limit`; memory holds one batch."""
    query = (
        outstanding(version_id, everything=everything)
        .with_only_columns(Case.id, Case.subject, Case.body)
        .order_by(Case.id)
    )
    last, left = 0, limit
    while left is None or left > 0:
        rows = db.session.execute(query.where(Case.id > last).limit(min(size, left or size))).all()
        db.session.rollback()  # the snapshot must not stay open while the batch is read
        if not rows:
            return
        last, left = rows[-1].id, None if left is None else left - len(rows)
        yield Batch(tuple((row.id, join(row.subject, row.body)) for row in rows))


def read(version_id: str, model: TrainedModel, batch: Batch) -> Readings:
    """What the model says of each letter. Needs `analytics.text.configure`."""
    texts = [text for _, text in batch.letters]
    return [
        (case_id, guess_of(version_id, prediction, model, text))
        for (case_id, text), prediction in zip(batch.letters, model.predict(texts), strict=True)
    ]


def renew(readings: Readings, *, version_id: str, profile: Profile, now: datetime) -> Counter[Effect]:
    """Keep new readings (see `feedback.services.renewal`), all in one transaction.

    Raises Superseded when another version has become active.
    """
    with transaction():
        active = active_version()
        if active is None or active.id != version_id:
            raise Superseded
        return renew_suggestions(readings, version_id=version_id, profile=profile, now=now)
