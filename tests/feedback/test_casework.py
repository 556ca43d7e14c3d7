"""What may happen to a letter, and who decides when two people act at once."""

from __future__ import annotations

import pytest
from flask import Flask

from feedback.models import EventKind
from feedback.queries import full
from feedback.services import answering, routing, sorting, suggesting
from feedback.states import NotAllowed, Status
from portal.access import Role
from portal.app import profile
from portal.errors import BadInput, NotFound
from tests.factories import NOW, SITE, answered_case, get_case, guess, make_actor, make_case, unit, unsigned


@pytest.fixture(autouse=True)
def _database(ctx: Flask) -> None:
    pass


def test_second_answer_is_refused() -> None:
    case = answered_case(make_actor())
    colleague = make_actor()
    with pytest.raises(answering.AlreadyAnswered):
        answering.answer(case.id, body="後到", by=colleague, profile=unsigned(), site_url=SITE, now=NOW)


def test_another_units_letter_looks_absent() -> None:
    case = make_case(unit_code="it")
    with pytest.raises(NotFound):
        answering.answer(
            case.id,
            body="不是我的",
            by=make_actor(unit_code="standards"),
            profile=unsigned(),
            site_url=SITE,
            now=NOW,
        )


def test_a_sure_suggestion_brings_the_letter_to_its_unit() -> None:
    case = make_case()
    suggesting.record_suggestion(case.id, guess(), profile=profile(), now=NOW)
    assert get_case(case.id).unit_id == unit("standards").id


def test_an_unsure_suggestion_leaves_the_letter_with_the_default_owner() -> None:
    case = make_case()
    suggesting.record_suggestion(case.id, guess(abstained=True, probability=0.3), profile=profile(), now=NOW)
    assert get_case(case.id).unit_id == unit(profile().default_owner).id


def test_unsure_topics_of_one_unit_bring_the_letter_to_it_together() -> None:
    case = make_case(county="臺中市")
    pair = [{"topic": "ME-DISPUTE", "probability": 0.5}, {"topic": "ME-VERIF", "probability": 0.46}]
    unsure = guess(topic="ME-DISPUTE", abstained=True, probability=0.5, candidates=pair, sure_from=0.9)
    suggesting.record_suggestion(case.id, unsure, profile=profile(), now=NOW)
    assert get_case(case.id).unit_id == unit("taichung").id


def test_unsure_topics_of_two_units_leave_the_letter_where_it_is() -> None:
    case = make_case(county="臺中市")
    pair = [{"topic": "ME-DISPUTE", "probability": 0.5}, {"topic": "ST-CNS", "probability": 0.46}]
    unsure = guess(topic="ME-DISPUTE", abstained=True, probability=0.5, candidates=pair, sure_from=0.9)
    suggesting.record_suggestion(case.id, unsure, profile=profile(), now=NOW)
    assert get_case(case.id).unit_id == unit(profile().default_owner).id


def test_a_suggestion_for_a_branch_topic_goes_to_the_branch_of_the_county() -> None:
    case = make_case(county="金門縣")
    suggesting.record_suggestion(case.id, guess(topic="ME-DISPUTE"), profile=profile(), now=NOW)
    assert get_case(case.id).unit_id == unit("kaohsiung").id


def test_a_possible_ethics_letter_is_hidden_even_when_the_classifier_is_unsure() -> None:
    case = make_case()
    suggesting.record_suggestion(
        case.id, guess(topic="IN-ETHIC", abstained=True, probability=0.4), profile=profile(), now=NOW
    )
    secretary = make_actor(Role.SECRETARIAT, "secretariat")
    ethics = make_actor(Role.ETHICS, "ethics")
    assert full(secretary, case.id) is None
    assert full(ethics, case.id) is not None


def test_a_lesser_suspicion_hides_an_unsure_letter_too() -> None:
    pair = [{"topic": "SV-STAFF", "probability": 0.5}, {"topic": "IN-ETHIC", "probability": 0.3}]
    case = make_case()
    unsure = guess(topic="SV-STAFF", abstained=True, probability=0.5, candidates=pair)
    suggesting.record_suggestion(case.id, unsure, profile=profile(), now=NOW)
    assert get_case(case.id).restricted
    assert full(make_actor(Role.SECRETARIAT, "secretariat"), case.id) is None


def test_a_restricted_letter_cannot_be_handed_to_those_who_may_not_see_it() -> None:
    case = make_case()
    suggesting.record_suggestion(case.id, guess(topic="IN-ETHIC"), profile=profile(), now=NOW)
    ethics = make_actor(Role.ETHICS, "ethics")
    with pytest.raises(BadInput):
        routing.transfer(case.id, unit_id=unit("standards").id, reason="試試", by=ethics, now=NOW)
    sorting.confirm_topic(case.id, topic="ST-CNS", by=ethics, profile=profile(), now=NOW)
    assert full(make_actor(unit_code="standards"), case.id) is not None


def test_a_letter_that_a_person_handed_over_stays_there() -> None:
    case = make_case()
    secretary = make_actor(Role.SECRETARIAT, "secretariat")
    routing.dispatch(case.id, unit_id=unit("it").id, reason="資訊室主辦", by=secretary, now=NOW)
    suggesting.record_suggestion(case.id, guess(), profile=profile(), now=NOW)
    assert get_case(case.id).unit_id == unit("it").id


def test_a_letter_filed_with_a_unit_stays_there() -> None:
    case = make_case(unit_code="it")
    suggesting.record_suggestion(case.id, guess(), profile=profile(), now=NOW)
    assert get_case(case.id).unit_id == unit("it").id


def test_a_second_suggestion_changes_nothing() -> None:
    case = make_case()
    suggesting.record_suggestion(case.id, guess(), profile=profile(), now=NOW)
    suggesting.record_suggestion(case.id, guess(topic="SV-DIGI"), profile=profile(), now=NOW)
    kept = full(make_actor(unit_code="standards"), case.id)
    assert kept is not None
    assert kept.suggestion is not None
    assert kept.suggestion.topic == "ST-CNS"
    assert [event.kind for event in kept.events].count(EventKind.SUGGESTED) == 1


def test_the_secretariat_sorts_letters_but_does_not_answer_for_a_unit() -> None:
    case = make_case(unit_code="standards")
    secretary = make_actor(Role.SECRETARIAT, "secretariat")
    with pytest.raises(NotFound):
        answering.answer(case.id, body="代答", by=secretary, profile=unsigned(), site_url=SITE, now=NOW)
    sorting.confirm_topic(case.id, topic="SV-DIGI", by=secretary, profile=profile(), now=NOW)
    assert get_case(case.id).unit_id == unit("it").id


def test_a_suggestion_never_overrides_a_person() -> None:
    case = make_case(unit_code="it")
    sorting.confirm_topic(case.id, topic="SV-DIGI", by=make_actor(unit_code="it"), profile=profile(), now=NOW)
    suggesting.record_suggestion(case.id, guess(topic="IN-ETHIC"), profile=profile(), now=NOW)
    kept = get_case(case.id)
    assert (kept.topic, kept.unit_id, kept.restricted) == ("SV-DIGI", unit("it").id, False)


def test_a_topic_confirmed_by_the_secretariat_brings_the_letter_to_the_unit_that_answers_it() -> None:
    case = make_case(unit_code="it")
    secretary = make_actor(Role.SECRETARIAT, "secretariat")
    sorting.confirm_topic(case.id, topic="ST-CNS", by=secretary, profile=profile(), now=NOW)
    kept = get_case(case.id)
    assert (kept.unit_id, kept.status) == (unit("standards").id, Status.DISPATCHED)


def test_a_topic_corrected_by_a_unit_asks_the_unit_that_answers_it_to_take_the_letter() -> None:
    case = make_case(unit_code="it")
    sorting.confirm_topic(case.id, topic="ST-CNS", by=make_actor(unit_code="it"), profile=profile(), now=NOW)
    kept = get_case(case.id)
    assert (kept.unit_id, kept.status) == (unit("it").id, Status.TRANSFERRING)
    routing.accept(case.id, by=make_actor(unit_code="standards"), now=NOW)
    assert get_case(case.id).unit_id == unit("standards").id


def test_only_an_answered_letter_can_be_closed() -> None:
    handler = make_actor()
    case = make_case(unit_code="standards")
    with pytest.raises(NotAllowed):
        answering.close(case.id, by=handler, now=NOW)
    answering.answer(case.id, body="答復", by=handler, profile=unsigned(), site_url=SITE, now=NOW)
    answering.close(case.id, by=handler, now=NOW)
    assert get_case(case.id).status is Status.CLOSED
