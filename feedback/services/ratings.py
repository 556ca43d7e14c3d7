"""What a citizen says of an answer, once."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from feedback.models import Case, CaseEvent, EventKind, Rating, Reply
from feedback.services.answering import reopen
from portal.audit import record
from portal.db import transaction
from portal.errors import BadInput, Conflict, NotFound
from portal.profile import Profile


class AlreadyRated(Conflict):
    message = "這封信的答復您已經評過分，謝謝您。"


def rate(case_id: int, *, score: int, comment: str, profile: Profile, now: datetime) -> Rating:
    """Keep a citizen's rating of the answer (1–5). A low one opens the letter again for a second reply.

    The caller has checked number and secret.
    """
    if not 1 <= score <= 5:
        raise BadInput("請選擇 1 到 5 分。")
    with transaction() as session:
        case = session.scalar(sa.select(Case).where(Case.id == case_id).with_for_update())
        if case is None or session.get(Reply, case_id) is None:
            raise NotFound("這封信還沒有答復，答復後就可以評分。")
        if session.get(Rating, case_id) is not None:
            raise AlreadyRated
        rating = Rating(case_id=case_id, score=score, comment=comment, rated_at=now)
        session.add(rating)
        session.add(CaseEvent(case_id=case_id, at=now, kind=EventKind.RATED))
        record(session, "reply.rated", "case", case.number, actor_id=None, now=now, score=score)
        if score <= profile.answering.second_reply_up_to:
            reopen(session, case, profile=profile, now=now)
    return rating
