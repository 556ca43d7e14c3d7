"""No route tells anybody but the ethics office of a letter about the conduct of staff.

A letter with words of its own goes its whole way; then every address is read by every other role, for the
words, the writer and the number, and the pages with figures are compared with those before the letter came.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from analytics.resources import Resources
from analytics.services.issue_watch import watch_letters
from analytics.services.summaries import write_summary
from feedback.attachments import keeping
from feedback.models import Case, Method
from feedback.services import answering, deadlines, ratings, routing, suggesting
from portal.access import Actor, Role
from portal.app import profile
from portal.clock import Period
from portal.db import Model, db, transaction
from portal.files.uploads import Upload
from portal.outbox import OutboxMessage
from portal.units import answering_units
from tests.analytics.learning import resources_in
from tests.factories import NOW, SITE, answered_case, guess, make_actor, make_case
from tests.surveys.factories import publish_standard
from tests.test_access import HOME_UNIT, routes

SignIn = Callable[[Actor], FlaskClient]

TOPIC, SECRET = "IN-ETHIC", "LEAKLEAKLEAK"
SUBJECT, BODY = "承辦人收受紫檀木禮盒", "他在停車場收下琉璃擺飾與紫檀木禮盒，還索求回扣，我怕起火燒掉證據。"
NAME, EMAIL, PHONE = "甄檢舉", "whistle@leak.example", "0987-111-333"
MORE, ANSWER, COMMENT = "補充：還有翡翠手鐲。", "本室已立案查察琥珀印章。", "希望瑪瑙杯也查。"
MARKS = ("紫檀木", "琉璃", "翡翠", "琥珀", "瑪瑙", NAME, "whistle", "leak.example", "0987", "111-333")
OTHERS = [role for role in Role if role is not Role.ETHICS]
VIEWS = {
    "cases.inbox": [{"state": state} for state in ("open", "overdue", "unconfirmed", "closed", "all")]
    + [{"state": "all", "urgent": "1"}, {"state": "all", "topic": TOPIC}, {"state": "all", "channel": "web"}]
}
NOT_READ = {"accounts.sign_out", "pages.readyz"}
ALWAYS_NEW = re.compile(
    r'nonce="[^"]*"|name="(?:csrf_token|submission_key|opened|started|key)"[^>]*|查詢編號：.*'
    r'|[\d,]+ 筆|class="code-inline">.*'  # of the whole trail, and its end
)


@pytest.fixture
def resources(ctx: Flask, tmp_path: Path, jieba: Path) -> Resources:
    made = resources_in(tmp_path, jieba)
    made.prepare_text()
    return made


def world() -> None:
    """What there is besides: letters, an answer with a rating, a survey."""
    for subject in ("磅秤不準", "想看國家標準", "延長線起火"):
        case = make_case(unit_code="standards", subject=subject)
        suggesting.record_suggestion(case.id, guess(), profile=profile(), now=NOW)
    answered = answered_case(make_actor())
    ratings.rate(answered.id, score=4, comment="好", profile=profile(), now=NOW)
    publish_standard()


def ethics_office() -> tuple[Actor, Actor]:
    return make_actor(Role.ETHICS, "ethics"), make_actor(Role.ETHICS, "ethics")


def ethics_letter(office: tuple[Actor, Actor] | None = None) -> Case:
    """A letter for the ethics office that is asked about, supplemented, answered and rated low."""
    officer, chief = office or ethics_office()
    case = make_case(
        subject=SUBJECT, body=BODY, hint=TOPIC, county="臺北市", name=NAME, email=EMAIL, phone=PHONE,
        secret=SECRET, received=NOW - timedelta(days=3),
    )  # fmt: skip
    assert case.restricted
    note = Upload("瑪瑙.txt", "琥珀擺飾的照片在紫檀木盒裡".encode())
    keeping.hold("form", [note], profile=profile(), now=NOW)
    with transaction() as session:
        keeping.claim(session, case, holders=["form"])
    suggesting.record_suggestion(case.id, guess(topic=TOPIC, words=["紫檀木"]), profile=profile(), now=NOW)
    routing.assign(case.id, handler_id=officer.id, by=officer, now=NOW)
    deadlines.ask_citizen(
        case.id, question="請問琉璃擺飾的樣子？", by=officer, profile=profile(), site_url=SITE, now=NOW
    )
    deadlines.supplement(case.id, body=MORE, profile=profile(), now=NOW)
    answering.submit(case.id, body=ANSWER, method=Method.WRITTEN, by=officer, now=NOW)
    answering.approve(case.id, by=chief, now=NOW)
    answering.send(case.id, by=officer, profile=profile(), site_url=SITE, now=NOW)
    ratings.rate(case.id, score=1, comment=COMMENT, profile=profile(), now=NOW)
    return case


def run_everything(resources: Resources) -> None:
    """The jobs that make summaries, issues and mails out of letters."""
    watch_letters(profile=profile(), resources=resources, site_url=SITE, now=NOW)
    for one in answering_units():
        write_summary(one, Period.of(NOW), profile=profile(), now=NOW)


def addresses(app: Flask, case: Case | None) -> list[str]:
    """Every address that GET reads: of all rows that there are, and of the letter."""
    found = []
    for rule in routes(app):
        if "GET" in (rule.methods or ()) and rule.endpoint not in NOT_READ:
            found += [
                f"{address}?{'&'.join('='.join(pair) for pair in view.items())}" if view else address
                for address in _built(app, rule, case)
                for view in [{}, *VIEWS.get(rule.endpoint, [])]
            ]
    return found


def _built(app: Flask, rule: Rule, case: Case | None) -> list[str]:
    choices = [[(name, value) for value in _values(name, case)] for name in sorted(rule.arguments)]
    adapter = app.url_map.bind("localhost")
    return [adapter.build(rule.endpoint, dict(values)) for values in itertools.product(*choices)]


def _values(name: str, case: Case | None) -> list[object]:
    known = {
        "case_id": [case.id] if case else [],
        "number": [case.number] if case else [],
        "slug": ["service"],
        "roc_year": [115],
    }
    if name in known:
        return known[name]
    if not name.endswith("_id") or name == "version_id":
        return ["x"]
    tables = [table for table in Model.metadata.sorted_tables if _singular(table.name).endswith(name[:-3])]
    assert tables, f"no table has the rows that {name} names"
    return [row for table in tables for row in db.session.scalars(sa.select(table.c.id))]


def _singular(name: str) -> str:
    return f"{name[:-3]}y" if name.endswith("ies") else name.removesuffix("s")


def pages(browser: FlaskClient, wanted: list[str]) -> dict[str, str]:
    return {address: ALWAYS_NEW.sub("", browser.get(address).text) for address in wanted}


def reader(role: Role) -> Actor:
    return make_actor(role, HOME_UNIT[role])


@pytest.mark.parametrize("role", OTHERS, ids=lambda role: role.value)
def test_no_address_shows_an_ethics_letter_to_another_role(
    role: Role, ctx: Flask, sign_in: SignIn, resources: Resources
) -> None:
    world()
    case = ethics_letter()
    run_everything(resources)
    browser = sign_in(reader(role))
    read = pages(browser, addresses(ctx, case))
    assert len(read) > 40
    leaks = {
        address: mark
        for address, text in read.items()
        for mark in (*MARKS, case.number)
        if mark in text and mark not in address
    }
    assert leaks == {}
    assert browser.get(f"/staff/cases/{case.id}").status_code in {403, 404}


@pytest.mark.parametrize("role", OTHERS, ids=lambda role: role.value)
def test_no_figure_counts_an_ethics_letter_for_another_role(role: Role, ctx: Flask, sign_in: SignIn) -> None:
    world()
    person, office = reader(role), ethics_office()
    without = addresses(ctx, None)
    before = pages(sign_in(person), without)
    ethics_letter(office)
    after = pages(sign_in(person), without)
    changed = [address for address in without if before[address] != after[address]]
    assert changed == []


def test_the_ethics_office_reads_the_letter(ctx: Flask, sign_in: SignIn) -> None:
    case = ethics_letter()
    read = sign_in(reader(Role.ETHICS)).get(f"/staff/cases/{case.id}").text
    assert all(mark in read for mark in ("紫檀木", "翡翠", "琥珀", "瑪瑙"))


def test_mails_about_an_ethics_letter_reach_its_writer_and_the_ethics_office_only(ctx: Flask) -> None:
    for role in Role:
        make_actor(role, HOME_UNIT[role], email=f"{role.value}@agency.test")
    ethics_letter()
    sent = db.session.scalars(sa.select(OutboxMessage)).all()
    assert {mail.recipient for mail in sent} <= {EMAIL, f"{Role.ETHICS.value}@agency.test"}
    assert EMAIL in {mail.recipient for mail in sent}


@pytest.mark.parametrize("role", OTHERS, ids=lambda role: role.value)
def test_no_post_to_an_ethics_letter_is_answered_to_another_role(
    role: Role, ctx: Flask, sign_in: SignIn
) -> None:
    case = ethics_letter()
    browser = sign_in(reader(role))
    for rule in routes(ctx):
        if "POST" in (rule.methods or ()) and "case_id" in rule.arguments:
            (address,) = _built(ctx, rule, case)
            answer = browser.post(address, data={"reason": "要看", "body": "內容", "topic": "ST-CNS"})
            assert answer.status_code in {403, 404}, address
            assert not [mark for mark in MARKS if mark in answer.text], address


def test_a_wrong_secret_tells_nothing_of_an_ethics_letter(ctx: Flask, client: FlaskClient) -> None:
    case = ethics_letter()
    answer = client.get(f"/api/v1/cases/{case.number}", headers={"X-Case-Secret": "WRONGWRONG12"})
    unknown = client.get("/api/v1/cases/115-999999", headers={"X-Case-Secret": "WRONGWRONG12"})
    assert answer.status_code == unknown.status_code == 404
    assert answer.json["detail"] == unknown.json["detail"]
