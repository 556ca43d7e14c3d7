"""Hot issues as rows: the same issue is known again after a restart, and what people decided is kept."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from analytics.issue_queries import owner_of
from analytics.models import HotIssue, HotIssueLetter
from feedback.models import Case
from portal.access import Role
from portal.accounts.models import User
from portal.audit import record
from portal.clock import roc_date
from portal.db import transaction
from portal.masking import mask
from portal.outbox import OutboxMessage, enqueue
from portal.profile import Profile
from portal.units import Unit, unit_by_code

LABEL = 200
ALERT = "issue.burst"


@dataclass(frozen=True, kw_only=True)
class Found:
    """One group of letters as the watching job found it; `letters` are ids, earliest first.

    `week` counts who wrote in the last seven days, `expected` is the usual number of a week, `chance` how
    often as many come without cause; both None while there is nothing to compare with.
    """

    letters: tuple[int, ...]
    topic: str | None
    label: str
    posts: int
    people: int
    mass_posting: bool
    first_at: datetime
    last_at: datetime
    week: int
    burst: bool
    expected: float | None
    chance: float | None

    @property
    def words(self) -> list[str]:
        return [word for word in self.label.split("、") if word]


@dataclass
class _Past:
    """What stood in the database about a group: its issues, the one to go on first, or its source."""

    same: list[HotIssue]
    source: HotIssue | None = None


def write(found: Sequence[Found], *, profile: Profile, site_url: str, now: datetime) -> None:
    """Bring the rows of these groups up to date, and tell people of each new burst once.

    Rows of groups that are not given stay, except that of restricted letters nothing is left.
    """
    with transaction() as session:
        lost = _let_go_restricted(session)
        past = _past_of(session, found)
        kept = {
            _write_one(session, item, past[index], profile, site_url, now) for index, item in enumerate(found)
        }
        for issue_id in lost - kept:
            _remove(session, issue_id)


def _let_go_restricted(session: Session) -> set[int]:
    """Take restricted letters out of all issues; the issues that had any."""
    rows = session.execute(
        sa.select(HotIssueLetter.case_id, HotIssueLetter.issue_id)
        .join(Case, Case.id == HotIssueLetter.case_id)
        .where(Case.restricted.is_(sa.true()))
    ).all()
    session.execute(
        sa.delete(HotIssueLetter).where(HotIssueLetter.case_id.in_([row.case_id for row in rows]))
    )
    return {row.issue_id for row in rows}


def _past_of(session: Session, found: Sequence[Found]) -> list[_Past]:
    """An issue goes on in the group that has its earliest letter, else in that with most of its letters."""
    place = {case_id: index for index, item in enumerate(found) for case_id in item.letters}
    links = session.execute(
        sa.select(HotIssueLetter.case_id, HotIssueLetter.issue_id).where(HotIssueLetter.case_id.in_(place))
    ).all()
    shared: dict[int, Counter[int]] = defaultdict(Counter)
    for case_id, issue_id in links:
        shared[issue_id][place[case_id]] += 1
    issues = session.scalars(
        sa.select(HotIssue)
        .where(sa.or_(HotIssue.id.in_(shared), HotIssue.root_case_id.in_(place)))
        .order_by(HotIssue.first_at, HotIssue.id)
        .with_for_update()
    ).all()
    past = [_Past([]) for _ in found]
    for issue in issues:
        homes = shared[issue.id]
        home = place.get(issue.root_case_id)
        home = min(homes, key=lambda index: (-homes[index], index)) if home is None else home
        past[home].same.append(issue)
        for index, letters in homes.items():
            if 2 * letters > len(found[index].letters):
                past[index].source = issue
    return past


def _write_one(
    session: Session, item: Found, past: _Past, profile: Profile, site_url: str, now: datetime
) -> int:
    issue = past.same[0] if past.same else HotIssue(noticed_at=now, burst=False, first_at=item.first_at)
    known = past.same or [one for one in (past.source,) if one is not None]
    was_burst = any(one.burst for one in known)
    _take_over(issue, known)
    _fill(session, issue, item)
    for gone in past.same[1:]:
        record(session, "issue.merged", "hot_issue", gone.id, actor_id=None, now=now, into=issue.id)
        _remove(session, gone.id)
    session.add(issue)
    session.flush()
    _set_letters(session, issue.id, item.letters)
    settled = issue.dismissed_at is not None or issue.improvement_id is not None
    if issue.burst and not was_burst and not settled:
        _alert(session, issue, item, profile, site_url, now)
    return issue.id


def _take_over(issue: HotIssue, known: Iterable[HotIssue]) -> None:
    """What a person decided about any part of an issue holds for the whole."""
    for one in known:
        if issue.dismissed_at is None:
            issue.dismissed_at, issue.dismissed_by = one.dismissed_at, one.dismissed_by
        issue.improvement_id = issue.improvement_id or one.improvement_id


def _fill(session: Session, issue: HotIssue, item: Found) -> None:
    root = session.get(Case, issue.root_case_id) if issue.root_case_id else None
    if root is None or root.restricted:
        issue.root_case_id = item.letters[0]
    issue.topic, issue.label, issue.words = item.topic, item.label[:LABEL], list(item.words)
    issue.first_at, issue.last_at = min(issue.first_at, item.first_at), item.last_at
    issue.posts, issue.people, issue.mass_posting = item.posts, item.people, item.mass_posting
    issue.burst, issue.expected, issue.chance = item.burst, item.expected, item.chance


def _set_letters(session: Session, issue_id: int, letters: Sequence[int]) -> None:
    either = sa.or_(HotIssueLetter.issue_id == issue_id, HotIssueLetter.case_id.in_(letters))
    session.execute(sa.delete(HotIssueLetter).where(either))
    session.execute(
        sa.insert(HotIssueLetter), [{"case_id": case_id, "issue_id": issue_id} for case_id in letters]
    )


def _remove(session: Session, issue_id: int) -> None:
    session.execute(sa.delete(HotIssueLetter).where(HotIssueLetter.issue_id == issue_id))
    session.execute(sa.delete(HotIssue).where(HotIssue.id == issue_id))


def _alert(
    session: Session, issue: HotIssue, item: Found, profile: Profile, site_url: str, now: datetime
) -> None:
    """Mail whoever must know, once for each issue: how many letters, its masked words, where to look."""
    told = sa.exists().where(OutboxMessage.kind == ALERT, OutboxMessage.ref.like(f"{issue.id}/%"))
    if session.scalar(sa.select(told)):
        return
    where = f"{site_url}/staff/issues/{issue.id}" if site_url else "請登入系統，在「熱點」查看。"
    usual = "" if item.expected is None else f"平常一週約 {item.expected:.1f} 人。"
    body = (
        f"同一件事的來信突然增加：{mask(issue.label)}\n\n"
        f"{roc_date(issue.first_at)}到{roc_date(issue.last_at)}共 {issue.posts} 封、{issue.people} 人；"
        f"最近七天 {item.week} 人來信。{usual}\n\n查看：{where}\n"
    )
    for index, address in enumerate(_addresses(session, issue.id, profile)):
        enqueue(
            session, kind=ALERT, ref=f"{issue.id}/{index}", recipient=address,
            subject=f"熱點通知：{issue.posts} 封來信反映同一件事", body=body, now=now,
        )  # fmt: skip


def _addresses(session: Session, issue_id: int, profile: Profile) -> list[str]:
    """The secretariat and the heads of the unit with most letters; where none has one, the unit's box."""
    owner = owner_of(issue_id)
    heads = sa.and_(User.role == Role.HEAD, User.unit_id == owner)
    people = session.scalars(
        sa.select(User.email)
        .where(User.active, User.email != "", sa.or_(User.role == Role.SECRETARIAT, heads))
        .order_by(User.id)
    ).all()
    units = {owner, unit_by_code(session, profile.default_owner).id}
    boxes = sa.select(Unit.email).where(Unit.id.in_(units), Unit.email != "").order_by(Unit.id)
    return list(dict.fromkeys(people or session.scalars(boxes)))
