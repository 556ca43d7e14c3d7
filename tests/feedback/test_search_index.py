"""What the search knows of a letter, and when: new words soon, forgotten ones never again."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from feedback.models import Case, Message, MessageKind
from feedback.services import answering, deadlines, search_index
from portal import fulltext
from portal.app import profile
from portal.db import db, transaction
from portal.jobs import registered
from tests.factories import NOW, SITE, make_actor, make_case, unsigned

pytestmark = pytest.mark.usefixtures("ctx")


def found(typed: str) -> list[int]:
    return sorted(db.session.scalars(fulltext.matching(db.session(), "case", fulltext.parse(typed))))


def test_a_letter_is_found_by_number_subject_and_body_once_the_job_has_read_it() -> None:
    case = make_case(subject="瓦斯爐", body="熱水器漏氣")
    assert found("瓦斯爐") == []
    assert search_index.has_waiting(NOW)
    assert search_index.index_waiting(NOW) == 1
    assert not search_index.has_waiting(NOW)
    assert search_index.index_waiting(NOW) == 0
    for typed in ("瓦斯爐", "漏氣", case.number, case.number[-6:]):
        assert found(typed) == [case.id]


def test_contact_data_are_not_searched() -> None:
    make_case(name="歐陽靖宇", email="qilin@example.com", phone="0912-345-678")
    search_index.index_waiting(NOW)
    assert found("歐陽靖宇") == found("歐陽") == found("qilin") == found("0912345678") == []


def test_an_answer_is_found_soon_after_it_was_sent() -> None:
    by = make_actor()
    case = make_case(unit_code="standards")
    search_index.index_waiting(NOW)
    answering.answer(case.id, body="可洽閱覽室", by=by, profile=unsigned(), site_url=SITE, now=NOW)
    assert search_index.index_waiting(NOW) == 1
    assert found("閱覽室") == [case.id]
    assert not search_index.has_waiting(NOW)


def test_what_the_citizen_adds_is_found_and_the_agencys_form_letters_are_not() -> None:
    by, case = make_actor(), make_case(unit_code="standards")
    search_index.index_waiting(NOW)
    deadlines.ask_citizen(
        case.id, question="請補充型號", by=by, profile=profile(), site_url=SITE, now=NOW - timedelta(hours=1)
    )
    assert search_index.index_waiting(NOW) == 0
    deadlines.supplement(case.id, body="型號是蘋果綠", profile=profile(), now=NOW)
    assert search_index.index_waiting(NOW) == 1
    assert found("蘋果綠") == [case.id]
    assert found("請補充型號") == []


def test_the_nightly_look_reads_what_the_quick_one_passes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_index, "LATE_ROWS", 0)
    passed_over, _newer = make_case(body="很久以前"), make_case()
    search_index.index_waiting(NOW)
    with transaction() as session:
        search_index.forget(session, passed_over.id)
    assert search_index.index_waiting(NOW) == 0
    assert search_index.tidy(NOW) == 1
    assert found("很久以前") == [passed_over.id]


def test_a_forgotten_letter_leaves_no_words_behind() -> None:
    case, kept = make_case(body="麒麟牌電鍋"), make_case(body="電鍋")
    search_index.index_waiting(NOW)
    with transaction() as session:
        search_index.forget(session, case.id)
    assert found("電鍋") == [kept.id]
    texts = sa.table("search_case_texts", sa.column("folded"))
    assert "麒麟" not in "".join(db.session.scalars(sa.select(texts.c.folded)))


def test_a_rebuilt_index_finds_the_same() -> None:
    case, told = make_case(body="麒麟牌電鍋"), list[int]()
    search_index.index_waiting(NOW)
    assert search_index.rebuild(NOW, told.append) == 1
    assert told == [1]
    assert found("麒麟牌") == [case.id]


def test_a_very_long_letter_does_not_push_its_answer_out_of_the_index() -> None:
    case = make_case(unit_code="standards")
    with transaction() as session:
        session.execute(sa.update(Case).where(Case.id == case.id).values(body="檢驗" * 100_000))
        session.add(Message(case_id=case.id, kind=MessageKind.SUPPLEMENT, body="蘋果綠", sent_at=NOW))
    search_index.index_waiting(NOW)
    assert found("蘋果綠") == [case.id]


def test_the_jobs_are_registered(ctx: Flask) -> None:
    jobs = registered()
    assert jobs["index-letters"].work(NOW) == 0
    assert jobs["tidy-search"].work(NOW) == 0


def test_the_command_reads_what_is_missing_or_everything(ctx: Flask) -> None:
    make_case(body="電鍋")
    run = ctx.test_cli_runner().invoke
    assert "編入 1 封" in run(args=["feedback", "index"]).output
    assert "編入 0 封" in run(args=["feedback", "index"]).output
    assert "編入 1 封" in run(args=["feedback", "index", "--anew"]).output
