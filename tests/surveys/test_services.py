"""Publishing a questionnaire, and keeping its answers without knowing whose they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.app import profile
from portal.audit import AuditEvent
from portal.db import Base, db, transaction
from portal.errors import NotReady
from portal.profile import PROFILES, load_profile
from surveys.definition import Definition, QuestionSpec
from surveys.models import Answer, Question, QuestionKind, Response, Survey, SurveyVersion
from surveys.services import AnswersRefused, NoSuchSurvey, publish, submit
from surveys.standard import DIMENSIONS, OVERALL, standard_survey
from surveys.tickets import new_key, number_for
from tests.factories import NOW, SIGNING_KEY, unit
from tests.surveys.factories import (
    SLUG,
    TODAY,
    answers_of,
    count_responses,
    make_response,
    only_response,
    publish_standard,
)

NEEDED = {"service_line": "metrology", OVERALL: 4}


@pytest.fixture(autouse=True)
def _database(ctx: Flask) -> None:
    pass


def hand_in(values: dict[str, object], **more: object) -> int:
    taken = submit(SLUG, values, source="web", profile=profile(), now=NOW, **more)  # type: ignore[arg-type]
    return taken.response_id


def refusal(values: dict[str, object]) -> dict[str, str]:
    with pytest.raises(AnswersRefused) as refused:
        hand_in(values)
    return refused.value.errors


def reworded(definition: Definition) -> Definition:
    first, *others = definition.questions
    return replace(definition, questions=(replace(first, label="換一個問法？"), *others))


def test_publishing_the_same_questions_again_changes_nothing() -> None:
    first = publish_standard()
    again = publish_standard()
    assert (again.id, again.number) == (first.id, 1)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(SurveyVersion)) == 1


def test_a_new_wording_makes_a_new_version_and_old_answers_keep_theirs() -> None:
    first = publish_standard()
    old = make_response()
    second = publish_standard(reworded(standard_survey(profile())))
    new = make_response()
    assert second.number == 2
    assert db.session.get_one(Response, old).version_id == first.id
    assert db.session.get_one(Response, new).version_id == second.id
    asked = sa.select(Question.label).where(Question.version_id == first.id, Question.position == 1)
    assert db.session.scalar(asked) == "您這次洽辦的是哪一種服務？"


def test_a_new_title_is_taken_over_without_a_new_version() -> None:
    publish_standard()
    version = publish_standard(replace(standard_survey(profile()), title="新的名稱"))
    assert version.number == 1
    assert db.session.scalar(sa.select(Survey.title).where(Survey.slug == SLUG)) == "新的名稱"


def test_publishing_leaves_a_trace_and_answering_leaves_none() -> None:
    publish_standard()
    make_response()
    acts = db.session.scalars(sa.select(AuditEvent.action)).all()
    assert acts == ["survey.published"]


def test_two_questions_of_one_code_are_refused() -> None:
    question = QuestionSpec(code="A", kind=QuestionKind.TEXT, label="問題")
    with pytest.raises(ValueError, match="題目代碼重複：A"):
        Definition(slug="x", title="x", intro="", questions=(question, question))


def test_another_agencys_profile_makes_its_own_questionnaire() -> None:
    library = standard_survey(load_profile(PROFILES / "example-library.yaml"))
    asked = {question.code: question for question in library.questions}
    assert library.slug == "visit"
    assert [option.name for option in asked["service_line"].options] == ["借還書", "閱覽空間", "講座與活動"]
    assert set(DIMENSIONS) <= set(asked)


def test_only_overall_satisfaction_and_service_line_must_be_answered() -> None:
    publish_standard()
    assert set(refusal({})) == {OVERALL, "service_line"}
    hand_in(NEEDED)
    assert count_responses() == 1


def test_unit_service_line_and_channel_are_copied_to_the_response() -> None:
    publish_standard()
    hand_in(NEEDED | {"unit": "taichung", "channel": "counter", "identity": "business"})
    kept = only_response()
    assert (kept.unit_id, kept.service_line, kept.channel) == (unit("taichung").id, "metrology", "counter")
    assert (kept.day, kept.source) == (TODAY, "web")


def test_the_day_is_the_day_in_taipei() -> None:
    publish_standard()
    past_midnight = NOW.replace(hour=0, minute=30)  # still the day before in UTC
    submit(SLUG, NEEDED, source="web", profile=profile(), now=past_midnight)
    assert only_response().day == TODAY


def test_answers_are_kept_as_they_were_given() -> None:
    publish_standard()
    number = hand_in(NEEDED | {"A": 5, "B": None, "C": "na", "best": " 很親切\r\n謝謝 "})
    kept = answers_of(number)
    assert set(kept) == {"service_line", OVERALL, "A", "B", "C", "best"}
    assert [kept[code].score for code in "ABC"] == [5, None, None]
    assert kept["service_line"].choice == "metrology"
    assert kept["best"].text == "很親切\n謝謝"


@pytest.mark.parametrize("raw", [0, 6, -1, 4.0, True, "5", "滿意", "", [5], {"5": 5}, float("nan"), 10**30])
def test_a_scale_takes_only_its_numbers(raw: object) -> None:
    publish_standard()
    assert set(refusal(NEEDED | {"A": raw})) == {"A"}
    assert count_responses() == 0


@pytest.mark.parametrize("raw", ["", "moon", "Metrology", 1, True, ["metrology"], "metrology\x00"])
def test_a_choice_takes_only_what_is_offered(raw: object) -> None:
    publish_standard()
    assert set(refusal(NEEDED | {"unit": raw})) == {"unit"}
    assert count_responses() == 0


@pytest.mark.parametrize("raw", ["字" * 1001, "空\x00字元", "響\x07鈴", "壞\ud800字", 5, ["字"]])
def test_a_text_takes_only_short_plain_text(raw: object) -> None:
    publish_standard()
    assert set(refusal(NEEDED | {"best": raw})) == {"best"}
    assert count_responses() == 0


def test_a_text_of_a_thousand_characters_is_taken_and_blanks_are_no_answer() -> None:
    publish_standard()
    number = hand_in(NEEDED | {"best": "字" * 1000, "improve": "  \n "})
    assert len(answers_of(number)["best"].text or "") == 1000
    assert "improve" not in answers_of(number)


def test_a_question_that_is_not_asked_is_refused() -> None:
    publish_standard()
    assert refusal(NEEDED | {"name": "王小明"}) == {"name": "這份問卷沒有這一題。"}


def test_one_bad_answer_refuses_the_whole_questionnaire() -> None:
    publish_standard()
    refusal(NEEDED | {"A": 5, "B": 9})
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Answer)) == 0
    assert count_responses() == 0


def test_a_filling_sent_twice_is_kept_once_as_it_was_first() -> None:
    publish_standard()
    number = number_for(new_key(), SIGNING_KEY)
    first = submit(SLUG, NEEDED, source="web", profile=profile(), now=NOW, response_id=number)
    second = submit(SLUG, NEEDED | {"A": 1}, source="web", profile=profile(), now=NOW, response_id=number)
    assert (first.repeated, second.repeated) == (False, True)
    assert count_responses() == 1
    assert set(answers_of(number)) == set(NEEDED)


def test_two_people_with_the_same_answers_count_as_two() -> None:
    publish_standard()
    hand_in(NEEDED)
    hand_in(NEEDED)
    assert count_responses() == 2


def test_the_numbers_of_responses_do_not_tell_their_order() -> None:
    publish_standard()
    numbers = [hand_in(NEEDED) for _ in range(20)]
    assert numbers not in (sorted(numbers), sorted(numbers, reverse=True))
    assert all(0 < number < 2**63 for number in numbers)


def test_the_number_of_a_filling_needs_the_signing_key() -> None:
    key = new_key()
    assert number_for(key, SIGNING_KEY) == number_for(key, SIGNING_KEY)
    assert number_for(key, SIGNING_KEY) != number_for(key, SIGNING_KEY + "x")


def test_no_column_of_the_survey_tables_can_hold_who_answered() -> None:
    tables = {name: table for name, table in Base.metadata.tables.items() if name.startswith("survey")}
    assert {column.name for column in tables["survey_responses"].columns} == {
        "id", "version_id", "day", "source", "unit_id", "service_line", "channel",
    }  # fmt: skip
    assert {column.name for column in tables["survey_answers"].columns} == {
        "response_id", "question_id", "score", "choice", "text",
    }  # fmt: skip
    pointed_at = {key.column.table.name for table in tables.values() for key in table.foreign_keys}
    assert pointed_at <= {*tables, "units"}
    assert isinstance(tables["survey_responses"].c.day.type, sa.Date)


def test_nothing_points_at_a_response_from_outside() -> None:
    outside = [table for name, table in Base.metadata.tables.items() if not name.startswith("survey")]
    pointed_at = {key.column.table.name for table in outside for key in table.foreign_keys}
    assert not {name for name in pointed_at if name.startswith("survey")}


def test_an_unknown_and_a_closed_survey_take_no_answers() -> None:
    publish_standard()
    with pytest.raises(NoSuchSurvey):
        submit("moon", NEEDED, source="web", profile=profile(), now=NOW)
    with transaction() as session:
        session.execute(sa.update(Survey).values(open=False))
    with pytest.raises(NoSuchSurvey):
        hand_in(NEEDED)


def test_before_set_up_the_agencys_survey_is_not_ready() -> None:
    with pytest.raises(NotReady):
        hand_in(NEEDED)


def test_the_newest_version_is_the_one_asked() -> None:
    publish_standard()
    publish(reworded(standard_survey(profile())), now=NOW + timedelta(days=1))
    hand_in(NEEDED)
    numbers = sa.select(SurveyVersion.number).join(Response, Response.version_id == SurveyVersion.id)
    assert db.session.scalars(numbers).all() == [2]
