"""Published answers: kept by units, published by their heads, offered to whoever writes a letter."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from feedback.faq import queries, services
from feedback.faq.models import FaqEntry, FaqState
from feedback.faq.services import ChangedMeanwhile, NotYours, Words
from feedback.letters import Letter
from feedback.models import Case
from feedback.secrets import new_key
from portal.access import Actor, Role
from portal.app import profile
from portal.audit import AuditEvent
from portal.db import db
from portal.errors import NotFound
from tests.factories import NOW, answered_case, make_actor
from tests.feedback.browsing import cases, write
from tests.sample_files import PDF

SignIn = Callable[[Actor], FlaskClient]
QUESTION = "怎麼看商品檢驗標識的真偽？"
ANSWER = "商品檢驗標識由圖式、字軌與號碼組成，可以在本局網站輸入字軌號碼查詢。"
SAME = Letter(subject="延長線的檢驗標識", body="買到的延長線有商品檢驗標識，怎麼知道字軌號碼的真偽？")
OTHER = Letter(subject="磅秤少了兩成", body="市場攤販的磅秤不準，請派人檢查。")


@pytest.fixture(autouse=True)
def _database(ctx: Flask) -> None:
    pass


def head(unit: str = "standards") -> Actor:
    return make_actor(Role.HEAD, unit)


def draft(by: Actor, **values: str | None) -> FaqEntry:
    words = {"question": QUESTION, "answer": ANSWER, "topic": None} | values
    return services.add(Words(**words), by=by, profile=profile(), now=NOW)  # type: ignore[arg-type]  # by name


def public(by: Actor | None = None, **values: str | None) -> FaqEntry:
    by = by or head()
    return services.publish(draft(by, **values).id, by=by, now=NOW)


def typed(**values: object) -> dict[str, object]:
    return {"question": QUESTION, "answer": ANSWER, "topic": "", "version": "1"} | values


def entries() -> int:
    return db.session.scalar(sa.select(sa.func.count(FaqEntry.id))) or 0


# Writing and publishing


def test_a_draft_is_seen_by_its_unit_only(client: FlaskClient, sign_in: SignIn) -> None:
    entry = draft(make_actor())
    assert QUESTION not in client.get("/faq/").text
    assert client.get(f"/faq/{entry.id}").status_code == 404
    assert QUESTION in sign_in(make_actor()).get("/staff/faq/").text
    other = sign_in(head("taichung"))
    assert QUESTION not in other.get("/staff/faq/").text
    assert other.get(f"/staff/faq/{entry.id}").status_code == 404
    assert other.post(f"/staff/faq/{entry.id}", data=typed()).status_code == 404
    assert other.post(f"/staff/faq/{entry.id}/withdraw").status_code == 404


def test_the_head_publishes_after_having_said_that_it_names_nobody(
    client: FlaskClient, sign_in: SignIn
) -> None:
    entry = draft(make_actor())
    browser, address = sign_in(head()), f"/staff/faq/{entry.id}"
    refused = browser.post(address, data=typed(action="publish"))
    assert refused.status_code == 422
    assert "公開前請再看一次內容" in refused.text
    assert browser.post(address, data=typed(action="publish", checked="y")).status_code == 303
    page = client.get(f"/faq/{entry.id}")
    assert html.escape(ANSWER) in page.text
    assert QUESTION in client.get("/faq/").text


def test_a_handler_writes_but_neither_publishes_nor_changes_what_is_public(sign_in: SignIn) -> None:
    handler = make_actor()
    browser = sign_in(handler)
    browser.post("/staff/faq/new", data=typed(action="publish", checked="y"))
    entry = db.session.scalars(sa.select(FaqEntry)).one()
    assert entry.state is FaqState.DRAFT
    services.publish(entry.id, by=head(), now=NOW)
    answer = browser.post(f"/staff/faq/{entry.id}", data=typed(answer="改過的答案", checked="y"))
    assert answer.status_code == 409
    assert NotYours.message in answer.text
    assert "改過的答案" in answer.text
    assert browser.post(f"/staff/faq/{entry.id}/withdraw").status_code == 403
    db.session.refresh(entry)
    assert (entry.answer, entry.state) == (ANSWER, FaqState.PUBLISHED)


def test_of_two_who_change_an_entry_the_second_is_told_and_loses_no_word(sign_in: SignIn) -> None:
    entry = draft(make_actor())
    browser, address = sign_in(make_actor()), f"/staff/faq/{entry.id}"
    assert browser.post(address, data=typed(answer="第一個人寫的")).status_code == 303
    late = browser.post(address, data=typed(answer="第二個人寫的"))
    assert late.status_code == 409
    assert ChangedMeanwhile.message in late.text
    assert "第二個人寫的" in late.text
    version = re.search(r'name="version"[^>]*value="(\d+)"', late.text)
    assert version
    assert browser.post(address, data=typed(answer="第二個人寫的", version=version[1])).status_code == 303


def test_a_withdrawn_answer_is_found_nowhere(client: FlaskClient, sign_in: SignIn) -> None:
    entry = public()
    assert queries.offered(SAME)
    assert sign_in(head()).post(f"/staff/faq/{entry.id}/withdraw").status_code == 303
    assert client.get(f"/faq/{entry.id}").status_code == 404
    assert queries.published() == []
    assert queries.published("標識") == []
    assert queries.offered(SAME) == []


def test_a_changed_answer_is_found_by_its_new_words_only() -> None:
    by = head()
    entry = public(by)
    words = Words("度量衡器檢定要多久？", "一般七個工作天。", None)
    services.change(entry.id, words, version=1, by=by, now=NOW)
    assert queries.published("標識") == []
    assert [found.id for found in queries.published("檢定")] == [entry.id]


def test_every_step_of_an_entry_is_kept() -> None:
    by = head()
    entry = public(by)
    services.publish(entry.id, by=by, now=NOW)
    services.withdraw(entry.id, by=by, now=NOW)
    services.withdraw(entry.id, by=by, now=NOW)
    wanted = sa.select(AuditEvent.action).where(AuditEvent.object_type == "faq").order_by(AuditEvent.id)
    assert list(db.session.scalars(wanted)) == ["faq.saved", "faq.published", "faq.withdrawn"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"question": " "}, "請輸入問題。"),
        ({"question": "問" * 201}, "問題最長 200 個字。"),
        ({"answer": ""}, "請輸入答案。"),
        ({"answer": "答" * 5001}, "答案最長 5,000 個字"),
        ({"answer": "a\x00b"}, "控制字元"),
        ({"topic": "NO-SUCH"}, "請從清單選擇主題。"),
        ({"topic": "IN-ETHIC"}, "請從清單選擇主題。"),
    ],
)
def test_a_bad_entry_is_refused_with_its_words_and_not_kept(
    sign_in: SignIn, wrong: dict[str, str], message: str
) -> None:
    answer = sign_in(make_actor()).post("/staff/faq/new", data=typed(**wrong))
    assert answer.status_code == 422
    assert message in html.unescape(answer.text)
    assert entries() == 0


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 40])
def test_a_version_that_is_none_counts_as_an_old_one(sign_in: SignIn, version: str) -> None:
    entry = draft(make_actor())
    answer = sign_in(make_actor()).post(f"/staff/faq/{entry.id}", data=typed(version=version))
    assert answer.status_code == 409


# Out of a reply


def test_an_entry_made_of_a_reply_begins_with_its_words_and_without_personal_data(sign_in: SignIn) -> None:
    by = make_actor()
    case = answered_case(by, subject="王小明的電話 0912-345-678", body="王小明先生您好，請撥 0912-345-678。")
    page = sign_in(by).get(f"/staff/faq/new?case={case.id}")
    assert page.status_code == 200
    assert "0912-345-678" not in page.text
    assert f'value="{case.id}"' in page.text


def test_a_reply_of_another_unit_or_to_a_protected_sender_becomes_no_entry(sign_in: SignIn) -> None:
    officer, by = make_actor(Role.ETHICS, "ethics"), make_actor()
    secret, plain = answered_case(officer, hint="IN-ETHIC"), answered_case(by)
    protected = answered_case(by)
    db.session.execute(sa.update(Case).where(Case.id == protected.id).values(confidential=True))
    db.session.commit()
    for who, case in ((officer, secret), (by, secret), (head("taichung"), plain), (by, protected)):
        assert sign_in(who).get(f"/staff/faq/new?case={case.id}").status_code == 404
        with pytest.raises(NotFound):
            services.add(Words("問", "答", None, case.id), by=who, profile=profile(), now=NOW)
    assert entries() == 0


def test_a_forged_source_makes_no_entry(sign_in: SignIn) -> None:
    browser = sign_in(make_actor())
    for source in ("999999", "9" * 40, "x", "-1"):
        assert browser.post("/staff/faq/new", data=typed(source=source)).status_code in {303, 404}
    assert {entry.source_id for entry in db.session.scalars(sa.select(FaqEntry))} <= {None}


# Offered to whoever writes


def test_a_letter_that_is_answered_already_is_shown_the_answer_and_another_is_not(
    client: FlaskClient,
) -> None:
    public()
    public(question="國家標準在哪裡買？", answer="可以在國家標準線上服務網查詢及購買。")
    assert [entry.question for entry in queries.offered(SAME)] == [QUESTION]
    assert queries.offered(OTHER) == []
    part = client.post("/faq/offers", data={"subject": SAME.subject, "body": SAME.body})
    assert QUESTION in part.text
    assert "<html" not in part.text
    assert "<details" not in client.post("/faq/offers", data={"subject": OTHER.subject}).text


def test_looking_for_answers_sends_nothing_and_gives_back_every_word_and_file(client: FlaskClient) -> None:
    public()
    before, key = cases(), new_key()
    page = write(
        client, subject=SAME.subject, body=SAME.body, name="王小明", action="look", submission_key=key,
        files=[(io.BytesIO(PDF), "報告.pdf")],
    )  # fmt: skip
    assert page.status_code == 200
    assert cases() == before
    for words in (QUESTION, SAME.body, "王小明", "不附「報告.pdf」", key):
        assert words in page.text
    assert "error-summary" not in page.text


def test_the_offers_take_any_words(client: FlaskClient) -> None:
    public()
    for words in ("", "\x00", "'\"*", "？" * 5000, "a AND b OR", "標" * 100_000):
        assert client.post("/faq/offers", data={"subject": words, "body": words}).status_code == 200


def test_the_public_page_finds_by_words_and_says_when_there_is_nothing(client: FlaskClient) -> None:
    public(topic=profile().topics[0].code)
    assert QUESTION in client.get("/faq/?q=檢驗标识").text
    assert "沒有找到答案" in client.get("/faq/?q=火星").text
    long = client.get("/faq/?q=" + "長" * 201)
    assert long.status_code == 422
    assert "請縮短後再找" in long.text
