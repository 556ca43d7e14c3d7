"""Hot issues in the product: what is found, who sees what of it, and what people decide."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from analytics.issue_queries import open_issues, seen_issue, settled_issues
from analytics.models import HotIssue, HotIssueLetter, Improvement
from analytics.resources import Resources
from analytics.services import issue_watch, issues
from analytics.services.summaries import write_summary
from analytics.summary import summarise
from feedback.models import Case, CaseNeighbour
from feedback.services import sorting
from portal import jobs
from portal.access import Actor, Role
from portal.app import profile
from portal.audit import AuditEvent
from portal.clock import Period, local_date
from portal.db import db, transaction
from portal.errors import NotFound
from portal.outbox import OutboxMessage
from tests.factories import NOW, SITE, make_actor, make_case, unit

SignIn = Callable[[Actor], FlaskClient]
FIRE = "雲騰行動電源冒煙"
STORIES = (
    "昨天晚上雲騰行動電源放在桌上充電，突然冒煙燒焦，桌面燒了一個洞，請派人來採樣檢驗。",
    "雲騰行動電源放在書包裡冒煙，孩子的手被燙到，燒焦的外殼我留著，請貴局檢驗。",
    "早上通勤時雲騰行動電源在背包裡冒煙，外殼燒焦變形，旁邊的人都嚇到了，希望檢驗。",
    "朋友家的雲騰行動電源充電到一半冒煙，插座也燒焦，聽說很多人都這樣，請檢驗下架。",
    "我買的雲騰行動電源第一次用就冒煙，充電線燒焦，賣家不處理，請問能送檢驗嗎？",
)
NOVEMBER = Period.of(date(2026, 11, 1))
OTHERS = ("請問哪裡可以閱覽國家標準全文？", "計程車計費表多久要檢定一次？", "商品檢驗證書可以補發嗎？")


@pytest.fixture(autouse=True)
def _new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issue_watch, "_watching", {})
    monkeypatch.setattr("analytics.views.issues.utcnow", lambda: NOW)


@pytest.fixture(autouse=True)
def history(resources: Resources) -> None:
    """Letters about other things in the weeks before: without them there is no baseline."""
    for weeks, body in zip((12, 7, 3), OTHERS, strict=True):
        read(make_case(received=NOW - timedelta(weeks=weeks), subject=body[:8], body=body))


def read(case: Case, topic: str = "PS-SAFETY", unit_code: str = "standards") -> Case:
    """A letter that a person has read; it stays with its unit."""
    with transaction() as session:
        values = {"topic": topic, "likely_topic": topic, "topic_confirmed_at": case.received_at}
        owner = {"unit_id": unit(unit_code).id}
        session.execute(sa.update(Case).where(Case.id == case.id).values(**values, **owner))
    return case


def about_fire(count: int = 4, *, unit_code: str = "standards", first: int = 0, **values: Any) -> list[Case]:
    """Letters about one matter in the last days, each by another person."""
    return [
        read(
            make_case(
                received=NOW - timedelta(days=2, hours=count - index),
                **({"subject": FIRE, "body": STORIES[index], "email": f"writer{index}@example.com"} | values),
            ),
            unit_code=unit_code,
        )
        for index in range(first, first + count)
    ]


def watch(resources: Resources, days: int = 0, *, restarted: bool = False) -> int:
    if restarted:
        issue_watch._watching.clear()
    now = NOW + timedelta(days=days)
    return issue_watch.watch_letters(profile=profile(), resources=resources, site_url=SITE, now=now)


def all_issues() -> list[HotIssue]:
    wanted = sa.select(HotIssue).order_by(HotIssue.id).execution_options(populate_existing=True)
    return list(db.session.scalars(wanted))


def letters_of(issue: HotIssue) -> set[int]:
    wanted = sa.select(HotIssueLetter.case_id).where(HotIssueLetter.issue_id == issue.id)
    return set(db.session.scalars(wanted))


def restrict(case: Case) -> None:
    """A person says that it is about a restricted topic."""
    by = make_actor(Role.SECRETARIAT, "secretariat")
    sorting.confirm_topic(case.id, topic="IN-ETHIC", by=by, profile=profile(), now=NOW)


def alerts() -> list[OutboxMessage]:
    wanted = sa.select(OutboxMessage).where(OutboxMessage.kind == "issue.burst").order_by(OutboxMessage.ref)
    return list(db.session.scalars(wanted))


# --- What is found ---------------------------------------------------------------------------------


def test_letters_about_one_matter_become_one_issue_named_by_their_words(resources: Resources) -> None:
    cases = about_fire()
    assert watch(resources) == 7
    (issue,) = all_issues()
    assert letters_of(issue) == {case.id for case in cases}
    assert (issue.root_case_id, issue.posts, issue.people) == (cases[0].id, 4, 4)
    assert (issue.topic, issue.burst, issue.mass_posting) == ("PS-SAFETY", True, False)
    assert "冒煙" in issue.label
    assert issue.words == issue.label.split("、")


def test_one_text_sent_many_times_by_one_person_is_many_posts_and_one_voice(resources: Resources) -> None:
    about_fire(1)
    for hour in range(5):
        moment = NOW - timedelta(days=1, hours=hour)
        read(make_case(received=moment, subject=FIRE, body=STORIES[0], email="writer0@example.com"))
    watch(resources)
    (issue,) = all_issues()
    assert (issue.posts, issue.people, issue.mass_posting) == (6, 1, True)
    assert not issue.burst, "who writes six times in a week is one person"


def test_two_letters_are_no_issue_and_a_third_makes_one_as_it_comes(resources: Resources) -> None:
    about_fire(2)
    watch(resources)
    assert all_issues() == []
    about_fire(1, first=2)
    assert watch(resources) == 1
    assert [issue.posts for issue in all_issues()] == [3]


def test_a_letter_gets_the_earlier_letters_that_read_alike(resources: Resources) -> None:
    early = about_fire(2)
    watch(resources)
    (late,) = about_fire(1, first=2)
    watch(resources)
    wanted = sa.select(CaseNeighbour.earlier_id).where(CaseNeighbour.case_id == late.id)
    assert set(db.session.scalars(wanted)) == {case.id for case in early}


def test_a_restart_finds_the_same_issues(resources: Resources) -> None:
    about_fire()
    watch(resources)
    before = [(issue.id, issue.root_case_id, issue.posts, letters_of(issue)) for issue in all_issues()]
    assert watch(resources, restarted=True) == 7
    assert [(one.id, one.root_case_id, one.posts, letters_of(one)) for one in all_issues()] == before


def test_a_letter_that_nobody_has_read_waits(resources: Resources) -> None:
    for story in STORIES:
        make_case(received=NOW - timedelta(days=1), subject=FIRE, body=story)
    assert watch(resources) == 3
    assert all_issues() == []


def test_an_unsigned_copy_of_a_signed_text_is_nobody_further(resources: Resources) -> None:
    about_fire(2)
    for hour, subject in enumerate((FIRE, f"{FIRE}！")):
        read(make_case(received=NOW - timedelta(hours=5 - hour), subject=subject, body=STORIES[0]))
    watch(resources)
    (issue,) = all_issues()
    assert (issue.posts, issue.people) == (4, 2)
    (share,) = summarise(unit("standards"), NOVEMBER, NOW, profile=profile())["issues"]
    assert (share["posts"], share["people"]) == (4, 2), "the summary counts people alike"


# --- Restricted letters ----------------------------------------------------------------------------


def test_restricted_letters_are_nowhere(resources: Resources) -> None:
    about_fire(3)
    hidden = about_fire(1, first=3, restricted=True)[0]
    watch(resources)
    (issue,) = all_issues()
    assert hidden.id not in letters_of(issue)
    assert issue.posts == 3
    pairs = db.session.execute(sa.select(CaseNeighbour.case_id, CaseNeighbour.earlier_id))
    assert hidden.id not in {case_id for pair in pairs for case_id in pair}


def test_of_a_letter_that_becomes_restricted_nothing_is_left(resources: Resources) -> None:
    cases = about_fire(4)
    watch(resources)
    about_fire(1, first=4)
    watch(resources)
    restrict(cases[0])
    everything = make_actor(Role.SECRETARIAT, "secretariat")
    assert open_issues(everything, NOW) == [], "not even until the job has run"
    watch(resources)
    (issue,) = all_issues()
    assert (issue.posts, issue.root_case_id) == (4, cases[1].id)
    assert cases[0].id not in letters_of(issue)
    beside = sa.or_(CaseNeighbour.case_id == cases[0].id, CaseNeighbour.earlier_id == cases[0].id)
    assert not db.session.scalar(sa.select(sa.exists().where(beside)))
    assert [seen.posts for seen in open_issues(everything, NOW)] == [4]


def test_an_issue_that_restriction_makes_too_small_is_gone(resources: Resources) -> None:
    cases = about_fire(3)
    watch(resources)
    restrict(cases[1])
    watch(resources)
    assert all_issues() == []


# --- Who sees what ---------------------------------------------------------------------------------


def test_a_unit_sees_its_own_letters_and_their_counts_only(resources: Resources, sign_in: SignIn) -> None:
    own, other = about_fire(1), about_fire(3, first=1, unit_code="taichung")
    watch(resources)
    (issue,) = all_issues()
    page = sign_in(make_actor(Role.HEAD)).get(f"/staff/issues/{issue.id}").text
    assert own[0].number in page
    assert not any(case.number in page for case in other)
    seen = seen_issue(make_actor(Role.HEAD), issue.id, NOW)
    assert seen is not None
    assert (seen.posts, seen.people, seen.week, seen.expected) == (1, 1, 1, None)
    assert "平常一週" not in page
    whole = seen_issue(make_actor(Role.SECRETARIAT, "secretariat"), issue.id, NOW)
    assert whole is not None
    assert (whole.posts, whole.people, whole.expected is None) == (4, 4, False)


def test_a_unit_without_a_letter_does_not_see_the_issue(resources: Resources, sign_in: SignIn) -> None:
    about_fire()
    watch(resources)
    browser = sign_in(make_actor(Role.HEAD, "it"))
    assert browser.get(f"/staff/issues/{all_issues()[0].id}").status_code == 404
    assert "目前沒有熱點" in browser.get("/staff/issues/").text


def test_subjects_are_masked_in_the_list(resources: Resources, sign_in: SignIn) -> None:
    about_fire(subject=f"{FIRE}請回電0912345678")
    watch(resources)
    page = sign_in(make_actor(Role.HEAD)).get(f"/staff/issues/{all_issues()[0].id}").text
    assert "0912345678" not in page
    assert "〔電話〕" in page


# --- What people decide ----------------------------------------------------------------------------


def test_a_dismissed_issue_stays_dismissed_through_letters_and_restarts(
    resources: Resources, sign_in: SignIn
) -> None:
    about_fire(3)
    watch(resources)
    head = make_actor(Role.HEAD)
    (issue,) = all_issues()
    assert sign_in(head).post(f"/staff/issues/{issue.id}/dismiss").status_code == 303
    about_fire(2, first=3)
    watch(resources)
    watch(resources, restarted=True)
    assert open_issues(head, NOW) == []
    assert [seen.posts for seen in settled_issues(head, NOW)] == [5]
    audited = sa.select(AuditEvent.actor_id).where(AuditEvent.action == "issue.dismissed")
    assert db.session.scalars(audited).all() == [head.id]
    assert sign_in(head).post(f"/staff/issues/{issue.id}/dismiss").status_code == 409


def test_merging_keeps_what_a_person_decided_about_either_part(resources: Resources) -> None:
    cases = about_fire(5)
    watch(resources)
    (whole,) = all_issues()
    with transaction() as session:  # as if the last two had been an issue of their own
        part = HotIssue(
            root_case_id=cases[3].id, label="冒煙", words=["冒煙"], first_at=cases[3].received_at,
            last_at=NOW, posts=2, people=2, mass_posting=False, burst=False, noticed_at=NOW,
            dismissed_at=NOW,
        )  # fmt: skip
        session.add(part)
        session.flush()
        apart = [cases[3].id, cases[4].id]
        moved = sa.update(HotIssueLetter).where(HotIssueLetter.case_id.in_(apart))
        session.execute(moved.values(issue_id=part.id))
    watch(resources, restarted=True)
    (issue,) = all_issues()
    assert (issue.id, issue.posts, issue.dismissed_at) == (whole.id, 5, NOW)


def test_only_the_owning_units_head_and_the_secretariat_settle_an_issue(resources: Resources) -> None:
    about_fire(3)
    about_fire(1, first=3, unit_code="taichung")
    watch(resources)
    (issue,) = all_issues()
    for other in (make_actor(Role.HEAD, "taichung"), make_actor(Role.HANDLER)):
        with pytest.raises(NotFound):
            issues.dismiss(issue.id, by=other, now=NOW)
    issues.dismiss(issue.id, by=make_actor(Role.SECRETARIAT, "secretariat"), now=NOW)
    assert all_issues()[0].dismissed_at == NOW


def test_an_issue_becomes_an_improvement_that_it_leads_to(resources: Resources, sign_in: SignIn) -> None:
    about_fire()
    watch(resources)
    (issue,) = all_issues()
    browser = sign_in(make_actor(Role.HEAD))
    address = f"/staff/issues/{issue.id}/improve"
    form = browser.get(address).text
    assert issue.label in form
    assert "共 4 封來信、4 人" in form
    due = local_date(NOW) + timedelta(days=30)
    sent = {"topic": "PS-SAFETY", "opinion": "冒煙", "measure": "抽驗", "due_on": due.isoformat()}
    assert browser.post(address, data=sent).status_code == 303
    planned = db.session.scalars(sa.select(Improvement)).one()
    assert all_issues()[0].improvement_id == planned.id
    assert open_issues(make_actor(Role.HEAD), NOW) == []
    assert browser.post(address, data=sent).status_code == 409, "one issue, one improvement"


# --- The alert -------------------------------------------------------------------------------------


def test_a_burst_is_told_once_to_secretariat_and_owning_heads(resources: Resources) -> None:
    make_actor(Role.HEAD, email="head@agency.test")
    make_actor(Role.HEAD, "taichung", email="elsewhere@agency.test")
    make_actor(Role.SECRETARIAT, "secretariat", email="office@agency.test")
    about_fire(subject=f"{FIRE}林宛蓉0912345678")
    watch(resources)
    (issue,) = all_issues()
    assert [mail.recipient for mail in alerts()] == ["head@agency.test", "office@agency.test"]
    body = alerts()[0].body
    assert f"{SITE}/staff/issues/{issue.id}" in body
    assert "4 封" in body
    assert "0912345678" not in body
    assert not any(story[:12] in body for story in STORIES)
    watch(resources, days=20)
    assert not all_issues()[0].burst
    about_fire(1, first=4)
    watch(resources)
    watch(resources, restarted=True)
    assert all_issues()[0].burst
    assert len(alerts()) == 2


def test_what_comes_every_week_is_no_burst(resources: Resources) -> None:
    for week in range(14):
        moment = NOW - timedelta(weeks=week, days=1)
        for index in range(3):
            read(
                make_case(
                    received=moment, subject=FIRE, body=STORIES[index], email=f"{week}-{index}@example.com"
                )
            )
    watch(resources)
    (issue,) = all_issues()
    assert issue.posts == 42
    assert not issue.burst
    assert issue.expected is not None
    assert 2.5 < issue.expected < 3.5


def test_an_issue_that_makes_up_a_burst_of_its_whole_topic_is_a_burst(resources: Resources) -> None:
    for week in range(1, 14):
        body = STORIES[week % 5]
        read(make_case(received=NOW - timedelta(weeks=week, days=1), subject=FIRE, body=body))
    about_fire(4)
    watch(resources)
    (issue,) = all_issues()
    assert not issue.burst, "four beside one a week is within the habit of this matter"
    for subject in ("延長線外皮破了", "兒童玩具有尖角", "電暖器插頭過熱", "嬰兒床欄杆會夾手"):
        read(make_case(received=NOW - timedelta(hours=5), subject=subject, body=f"{subject}，怎麼辦？"))
    watch(resources)
    (issue,) = all_issues()
    assert issue.posts == 17
    assert not issue.burst, "an issue is judged anew when it has letters or the day is another"
    watch(resources, restarted=True)
    assert all_issues()[0].burst


# --- The unit's summary ----------------------------------------------------------------------------


def summary_page(sign_in: SignIn) -> str:
    written = write_summary(unit("standards"), NOVEMBER, profile=profile(), now=NOW)
    assert written is not None
    return sign_in(make_actor()).get(f"/staff/summaries/{written.id}").text


def test_the_summary_tells_the_units_part_of_an_issue(resources: Resources, sign_in: SignIn) -> None:
    about_fire(3)
    about_fire(1, first=3, unit_code="taichung")
    watch(resources)
    (issue,) = all_issues()
    page = summary_page(sign_in)
    assert summarise(unit("standards"), NOVEMBER, NOW, profile=profile())["issues"] == [
        {"issue_id": issue.id, "posts": 3, "people": 3}
    ]
    assert f'<a href="/staff/issues/{issue.id}">{issue.label}</a>' in page


def test_new_words_are_those_more_frequent_than_in_the_year_before(resources: Resources) -> None:
    for month in range(1, 12):
        for body in OTHERS[:2]:
            read(make_case(received=NOW - timedelta(days=30 * month), body=body))
    about_fire(4)
    words = summarise(unit("standards"), NOVEMBER, NOW, profile=profile())["words"]
    told = {item["word"]: (item["letters"], item["before"]) for item in words["new"]}
    assert told["冒煙"] == (4, 0)
    assert "國家標準" not in told
    assert words["letters_before"] >= 20
    assert "冒煙" in {item["word"] for item in words["key"]}


def test_without_a_year_to_compare_with_nothing_is_new(resources: Resources) -> None:
    about_fire(4)
    words = summarise(unit("standards"), NOVEMBER, NOW, profile=profile())["words"]
    assert words["new"] == []
    assert words["key"] != []


def test_words_of_a_letter_that_became_restricted_are_no_longer_shown(
    resources: Resources, sign_in: SignIn
) -> None:
    cases = about_fire(4)
    watch(resources)
    written = write_summary(unit("standards"), NOVEMBER, profile=profile(), now=NOW)
    assert written is not None
    browser = sign_in(make_actor())
    assert "關鍵詞" in browser.get(f"/staff/summaries/{written.id}").text
    restrict(cases[0])
    page = browser.get(f"/staff/summaries/{written.id}").text
    assert "關鍵詞" not in page
    assert "<h2>熱點</h2>" not in page


def test_a_summary_from_before_there_were_issues_still_opens(resources: Resources, sign_in: SignIn) -> None:
    about_fire(3)
    written = write_summary(unit("standards"), NOVEMBER, profile=profile(), now=NOW)
    assert written is not None
    with transaction() as session:
        old = {key: value for key, value in written.figures.items() if key not in {"issues", "words"}}
        session.merge(written).figures = old
    page = sign_in(make_actor()).get(f"/staff/summaries/{written.id}")
    assert page.status_code == 200
    assert "關鍵詞" not in page.text


def test_the_job_looks_every_five_minutes(resources: Resources, ctx: Flask) -> None:
    about_fire()
    assert jobs.run_due(jobs.registered()["watch-issues"], NOW, runner="one") == 7
    assert jobs.run_due(jobs.registered()["watch-issues"], NOW + timedelta(minutes=4), runner="two") is None
    assert jobs.run_due(jobs.registered()["watch-issues"], NOW + timedelta(minutes=5), runner="two") == 0
