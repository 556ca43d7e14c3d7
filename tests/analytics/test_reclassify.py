"""Letters read again by a newer classifier: which, what changes, what people decided stays; resume."""

from __future__ import annotations

import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import click.testing
import pytest
import sqlalchemy as sa
from flask import Flask
from flask_migrate import upgrade

from analytics.reclassify_cli import reclassify
from analytics.resources import Resources
from analytics.services import reclassification
from analytics.services.reclassification import (
    Batch,
    Readings,
    Superseded,
    batches,
    count_outstanding,
    renew,
)
from analytics.services.suggestions import suggest_pending
from feedback.models import Case, CaseEvent, EventKind, Suggestion
from feedback.services import answering, routing, sorting
from feedback.services.renewal import Effect
from feedback.services.suggesting import Guess, record_suggestion
from portal.access import Role
from portal.app import profile
from portal.db import db
from portal.units import sync_units
from tests.analytics.learning import hint, put_to_work
from tests.conftest import config_for
from tests.factories import NOW, SITE, answered_case, get_case, guess, make_actor, make_case, unit, unsigned
from tests.test_migrations import fresh_url
from wsgi import create_app

NEW = "new"
UNSURE = {"abstained": True, "probability": 0.3, "candidates": []}
ETHICS = guess(model_version=NEW, topic="IN-ETHIC")
METER = guess(model_version=NEW, topic="ME-ADMIN", candidates=[])


def at_old(case: Case, **values: object) -> Case:
    """The letter as a former classifier left it."""
    old = guess(model_version="old", **values)
    record_suggestion(case.id, old, profile=profile(), now=NOW)
    return get_case(case.id)


def renewed(case: Case, reading: Guess = METER) -> Counter[Effect]:
    return renew([(case.id, reading)], version_id=NEW, profile=profile(), now=NOW)


def outstanding(*, everything: bool = False) -> list[int]:
    found = batches(NEW, everything=everything, size=2, limit=None)
    return [case_id for batch in found for case_id, _ in batch.letters]


def versions_of_all() -> Counter[str]:
    return Counter(db.session.scalars(sa.select(Suggestion.model_version)))


def run(*arguments: str) -> click.testing.Result:
    return click.testing.CliRunner().invoke(reclassify, list(arguments))


@pytest.fixture
def active(ctx: Flask) -> str:
    return put_to_work(NEW, {}).id


def test_a_newer_classifiers_reading_takes_the_place_of_the_older_one(active: str) -> None:
    case = at_old(make_case(), **UNSURE)
    assert renewed(case)[Effect.CHANGED] == 1
    kept = db.session.get(Suggestion, case.id)
    assert kept is not None
    assert (kept.model_version, kept.topic, kept.abstained) == (NEW, "ME-ADMIN", False)
    assert get_case(case.id).likely_topic == "ME-ADMIN"
    assert outstanding() == []


def test_confirmed_and_answered_letters_are_left_alone_unless_all_are_asked_for(active: str) -> None:
    person = make_actor()
    waiting, confirmed = at_old(make_case()), at_old(make_case())
    sorting.confirm_topic(confirmed.id, topic="ST-CNS", by=person, profile=profile(), now=NOW)
    answered = at_old(make_case())
    answering.answer(answered.id, body="答", by=person, profile=unsigned(), site_url=SITE, now=NOW)
    assert outstanding() == [waiting.id]
    assert outstanding(everything=True) == [waiting.id, confirmed.id, answered.id]
    assert count_outstanding(NEW, everything=True) == 3


def test_a_letter_no_classifier_has_read_is_read_as_the_job_would(active: str) -> None:
    case = make_case()
    assert outstanding() == [case.id]
    assert renewed(case) == {Effect.FIRST: 1}
    assert get_case(case.id).unit_id == unit(profile().route("ME-ADMIN", "")).id
    assert outstanding() == []


def test_a_confirmed_topic_its_unit_and_its_openness_never_change(active: str) -> None:
    case = at_old(make_case())
    sorting.confirm_topic(case.id, topic="ST-CNS", by=make_actor(), profile=profile(), now=NOW)
    before = get_case(case.id).unit_id
    renewed(case, ETHICS)
    after = get_case(case.id)
    assert (after.topic, after.likely_topic, after.unit_id) == ("ST-CNS", "ST-CNS", before)
    assert not after.restricted


def test_an_answered_letter_is_not_moved_or_hidden(active: str) -> None:
    case = at_old(answered_case(make_actor()))
    renewed(case, ETHICS)
    after = get_case(case.id)
    assert (after.unit_id, after.restricted) == (case.unit_id, False)


def test_a_letter_in_a_units_inbox_does_not_jump_to_another(active: str) -> None:
    case = at_old(make_case())
    assert case.unit_id == unit("standards").id
    assert Effect.BROUGHT not in renewed(case)
    assert get_case(case.id).unit_id == unit("standards").id


def test_a_letter_that_waited_because_nobody_was_sure_is_brought_to_its_unit(active: str) -> None:
    case = at_old(make_case(), **UNSURE)
    assert case.unit_id == unit(profile().default_owner).id
    assert renewed(case)[Effect.BROUGHT] == 1
    assert get_case(case.id).unit_id == unit(profile().route("ME-ADMIN", "")).id
    told = list(db.session.scalars(sa.select(CaseEvent).where(CaseEvent.case_id == case.id)))
    assert (told[-1].kind, told[-1].unit_id) == (EventKind.SUGGESTED, get_case(case.id).unit_id)


def test_a_letter_of_the_default_owners_own_stays_there(active: str) -> None:
    own = next(item.code for item in profile().topics if item.owner == profile().default_owner)
    case = at_old(make_case(), topic=own)
    assert Effect.BROUGHT not in renewed(case)
    assert get_case(case.id).unit_id == unit(profile().default_owner).id


def test_a_letter_that_a_person_assigned_stays_even_when_it_looks_restricted(active: str) -> None:
    boss = make_actor(Role.HEAD, profile().default_owner)
    case = at_old(make_case(), **UNSURE)
    routing.assign(case.id, handler_id=boss.id, by=boss, now=NOW)
    assert renewed(case, ETHICS)[Effect.LEFT] == 1
    after = get_case(case.id)
    assert (after.unit_id, after.handler_id, after.restricted) == (case.unit_id, boss.id, False)


@pytest.mark.parametrize("filed_by", ["transfer", "intake"])
def test_a_letter_that_a_person_filed_with_a_unit_stays(active: str, filed_by: str) -> None:
    if filed_by == "transfer":
        case = at_old(make_case(), **UNSURE)
        by = make_actor(Role.SECRETARIAT, profile().default_owner)
        routing.dispatch(case.id, unit_id=unit("it").id, reason="系統", by=by, now=NOW)
    else:
        case = make_case(unit_code="it")
        db.session.execute(
            sa.update(CaseEvent).where(CaseEvent.case_id == case.id).values(unit_id=case.unit_id)
        )
        db.session.commit()
        at_old(case, **UNSURE)
    assert renewed(case, ETHICS)[Effect.LEFT] == 1
    after = get_case(case.id)
    assert (after.unit_id, after.restricted) == (unit("it").id, False)


def test_a_letter_newly_suspected_of_a_restricted_topic_is_hidden_with_its_owner(active: str) -> None:
    case = at_old(make_case())
    assert renewed(case, ETHICS)[Effect.HIDDEN] == 1
    after = get_case(case.id)
    assert (after.restricted, after.unit_id) == (True, unit(profile().route("IN-ETHIC", "")).id)


def test_a_restricted_letter_stays_restricted_and_where_it_is(active: str) -> None:
    case = at_old(make_case(), topic="IN-ETHIC")
    assert case.restricted
    renewed(case)
    after = get_case(case.id)
    assert (after.restricted, after.unit_id) == (True, case.unit_id)


def test_an_urgent_letter_stays_urgent(active: str) -> None:
    case = at_old(make_case(urgent=True))
    renewed(case)
    assert get_case(case.id).urgent


def test_a_second_reading_of_the_same_version_writes_nothing(active: str) -> None:
    case = at_old(make_case())
    renewed(case)
    assert renewed(case, ETHICS) == {Effect.SKIPPED: 1}
    assert not get_case(case.id).restricted


def test_nothing_is_written_for_a_version_that_is_no_longer_active(active: str) -> None:
    case = at_old(make_case())
    put_to_work("newer", {})
    with pytest.raises(Superseded):
        renewed(case)
    assert versions_of_all() == {"old": 1}


def test_letters_come_in_batches_by_id_up_to_the_limit(active: str) -> None:
    ids = [make_case().id for _ in range(5)]
    found = list(batches(NEW, everything=False, size=2, limit=3))
    assert [[case_id for case_id, _ in batch.letters] for batch in found] == [ids[:2], ids[2:3]]


def test_a_batch_never_shows_its_texts_where_a_cluster_would_log_it() -> None:
    assert "0912" not in repr(Batch(((1, "我的電話是 0912-345-678"),)))


def test_the_command_reads_all_and_tells_progress_apart_from_the_result(
    resources: Resources, classifier: str
) -> None:
    for _ in range(5):
        at_old(make_case(body=hint("LAB")))
    done = run("--batch", "2")
    assert done.exit_code == 0, done.output
    assert versions_of_all() == {classifier: 5}
    assert "5／5 封" in done.stderr
    assert "重新判讀：5 封" in done.stdout
    assert "5／5" not in done.stdout
    assert "沒有需要" in run().stdout


def test_a_run_cut_off_in_the_middle_is_continued_by_the_next(
    resources: Resources, classifier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(6):
        at_old(make_case(body=hint("LAB")))
    asked: list[int] = []

    def cut_off(readings: Readings, **named: object) -> Counter[Effect]:
        asked.extend(case_id for case_id, _ in readings)
        if len(asked) == 4:
            raise KeyboardInterrupt
        return renew(readings, **named)  # type: ignore[arg-type]  # as the service takes them

    with monkeypatch.context() as patch:
        patch.setattr(reclassification, "renew", cut_off)
        assert run("--batch", "2").exit_code != 0
    assert versions_of_all() == {classifier: 2, "old": 4}
    assert "重新判讀：4 封" in run().stdout
    assert versions_of_all() == {classifier: 6}


def test_the_job_in_between_and_the_command_read_each_letter_once(
    resources: Resources, classifier: str
) -> None:
    cases = [make_case(body=hint("LAB")) for _ in range(3)]
    fetched = next(batches(classifier, everything=False, size=10, limit=None))
    assert suggest_pending(profile=profile(), resources=resources, now=NOW) == 3
    readings = [(case_id, guess(model_version=classifier)) for case_id, _ in fetched.letters]
    done = renew(readings, version_id=classifier, profile=profile(), now=NOW)
    assert done == {Effect.SKIPPED: len(cases)}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--workers", "2", "--scheduler", "tcp://127.0.0.1:1"], "只能用一個"),
        ([], "沒有啟用中的分類模型"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(ctx: Flask, arguments: list[str], words: str) -> None:
    refused = run(*arguments)
    assert (refused.exit_code, words in refused.stderr) == (2, True)
    assert refused.stderr.count("\n") == 1


def test_a_model_that_cannot_be_used_is_told_and_changes_nothing(
    resources: Resources, classifier: str
) -> None:
    at_old(make_case())
    shutil.rmtree(resources.models)
    assert run().exit_code == 2
    assert versions_of_all() == {"old": 1}


@pytest.fixture
def real(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """A database that really commits, so that threads see each other."""
    app = create_app(config_for(tmp_path, fresh_url(request, tmp_path)))
    with app.app_context():
        upgrade()
        sync_units(profile())
        yield app
        db.session.remove()
        db.engine.dispose()


def test_of_two_runs_at_the_same_moment_each_letter_is_renewed_by_one(real: Flask) -> None:
    put_to_work(NEW, {})
    ids = [at_old(make_case()).id for _ in range(8)]
    gate = threading.Barrier(2)

    def one_run(_: int) -> Counter[Effect]:
        with real.app_context():
            gate.wait()
            return renew([(i, METER) for i in ids], version_id=NEW, profile=profile(), now=NOW)

    with ThreadPoolExecutor(2) as pool:
        done = sum(pool.map(one_run, range(2)), Counter[Effect]())
    assert (done[Effect.RENEWED], done[Effect.SKIPPED]) == (8, 8)
    db.session.rollback()
    told = sa.select(sa.func.count()).where(CaseEvent.kind == EventKind.SUGGESTED)
    assert db.session.scalar(told) == 2 * len(ids), "one by the old classifier, one by the new"


@pytest.mark.usefixtures("active")
def test_an_alarm_that_a_person_dismissed_does_not_come_back() -> None:
    case = make_case()
    record_suggestion(case.id, guess(alarm=True), profile=profile(), now=NOW)
    sorting.judge_urgency(
        case.id, urgent=False, by=make_actor(Role.SECRETARIAT, "secretariat"), profile=profile(), now=NOW
    )
    reading = replace(METER, alarm=True)
    renewed(case, reading)
    assert not get_case(case.id).urgent
    assert not db.session.get_one(Suggestion, case.id).alarm


@pytest.mark.usefixtures("active")
def test_a_letter_that_holds_an_urgent_phrase_becomes_urgent_when_it_is_read_again() -> None:
    case = make_case()
    record_suggestion(case.id, guess(), profile=profile(), now=NOW)
    renewed(case, replace(METER, alarm=True, urgent_phrase="起火"))
    assert get_case(case.id).urgent
