"""Training a version: what it learns from, when it goes to work, and the way back."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import IntegrityError

from analytics import model_store
from analytics.corpus import CorpusError
from analytics.models import ClassifierVersion
from analytics.resources import Resources
from analytics.services import versions
from analytics.services.suggestions import load_active
from analytics.services.training import MAY_LOSE, Trained, confirmed_labels, score, train_version
from feedback.services import casework
from portal.access import Role
from portal.app import profile
from portal.audit import AuditEvent
from portal.config import Config
from portal.db import db, transaction
from portal.errors import BadInput, NotFound
from portal.profile import Profile
from tests.analytics.learning import BUREAU, LIBRARY, resources_in, write_corpus
from tests.factories import NOW, guess, make_actor, make_case

LATER = NOW + timedelta(days=1)
TOPICS = {topic.code for topic in LIBRARY.topics}


@pytest.fixture(autouse=True)
def _database(ctx: Flask) -> None:
    pass


@pytest.fixture
def small(tmp_path: Path, jieba: Path) -> Resources:
    """The library's five topics: the smallest corpus that a profile takes."""
    return resources_in(tmp_path, jieba, corpus=write_corpus(tmp_path / "corpus", LIBRARY))


def train(
    resources: Resources, *, now: datetime = NOW, force: bool = False, profile: Profile = LIBRARY
) -> Trained:
    return train_version(profile=profile, resources=resources, now=now, force=force)


def active() -> ClassifierVersion:
    found = versions.active_version()
    assert found is not None
    return found


def confirmed(topic: str, **values: str) -> None:
    case = make_case(unit_code="standards", **values)
    casework.confirm_topic(case.id, topic=topic, by=make_actor(), profile=profile(), now=NOW)


def muddle(corpus: Path) -> None:
    """Make the labels mean nothing: the same kinds of words under every topic."""
    files = sorted(corpus.glob("*.jsonl"))
    rows = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    for place, file in enumerate(files):
        mine = [row | {"topic": file.stem} for row in rows[place :: len(files)]]
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in mine)
        file.write_text(text, encoding="utf-8")


def activations() -> list[tuple[str, int | None]]:
    query = sa.select(AuditEvent.object_id, AuditEvent.actor_id)
    rows = db.session.execute(
        query.where(AuditEvent.action == "classifier.activated").order_by(AuditEvent.id)
    )
    return [(version, actor) for version, actor in rows]


def test_the_first_version_is_stored_registered_and_put_to_work(small: Resources) -> None:
    trained = train(small)
    assert (trained.activated, trained.previous) == (True, None)
    version = active()
    assert (version.id, version.activated_at, version.activated_by) == (trained.version.id, NOW, None)
    kept = model_store.verify(small.models / version.id, expected_sha256=version.manifest["artifact_sha256"])
    assert kept.scores == version.manifest["scores"]
    assert version.manifest["letters"] == len(LIBRARY.topics) * 6
    assert set(version.manifest["labels"]) == TOPICS
    assert version.manifest["scores"]["n"] == version.manifest["letters"]


def test_the_same_corpus_gives_the_same_model(small: Resources) -> None:
    first, second = train(small), train(small, now=LATER)
    assert first.version.id != second.version.id
    same = ("artifact_sha256", "corpus_sha256", "scores", "threshold")
    assert [first.version.manifest[key] for key in same] == [second.version.manifest[key] for key in same]


def test_an_equal_version_takes_the_place_of_the_active_one(small: Resources) -> None:
    first, second = train(small), train(small, now=LATER)
    assert second.activated
    assert second.previous is not None
    assert second.previous.id == first.version.id
    assert [version.active for version in versions.versions()] == [True, False]


def test_a_worse_version_is_kept_but_not_put_to_work_unless_forced(small: Resources) -> None:
    good = train(small)
    assert small.corpus is not None
    muddle(small.corpus)
    bad = train(small, now=LATER)
    assert score(bad.version, "macro_f1") < score(good.version, "macro_f1") - MAY_LOSE
    assert not bad.activated
    assert active().id == good.version.id
    assert {version.id for version in versions.versions()} == {good.version.id, bad.version.id}
    forced = train(small, now=LATER + timedelta(days=1), force=True)
    assert forced.activated
    assert active().id == forced.version.id


@pytest.mark.parametrize(("loss", "activated"), [(0.009, True), (0.011, False)])
def test_a_loss_within_the_noise_of_a_fold_does_not_count(
    loss: float, activated: bool, small: Resources
) -> None:
    first = train(small)
    better = first.version.manifest["scores"] | {"macro_f1": score(first.version, "macro_f1") + loss}
    with transaction() as session:
        version = session.get_one(ClassifierVersion, first.version.id)
        version.manifest = version.manifest | {"scores": better}
    assert train(small, now=LATER).activated is activated


def test_letters_that_a_person_confirmed_become_labels_and_guesses_never(ctx: Flask) -> None:
    confirmed("ST-CNS", subject="請教標準", body="想買一本標準")
    guessed = make_case(subject="沒人看過", body="磅秤不準")
    casework.record_suggestion(guessed.id, guess(topic="ME-DISPUTE"), profile=profile(), now=NOW)
    make_case(subject="沒分類", body="不知道是什麼", hint="ST-CNS")
    found = confirmed_labels({topic.code for topic in BUREAU.topics})
    assert [
        (item.letter.subject, item.letter.text, item.letter.topic, item.confirmed_at) for item in found
    ] == [("請教標準", "想買一本標準", "ST-CNS", NOW)]


def test_confirmed_letters_of_a_topic_that_left_the_profile_are_passed_over(ctx: Flask) -> None:
    confirmed("ST-CNS")
    assert confirmed_labels(TOPICS) == []


def test_training_learns_from_the_corpus_and_from_people(resources: Resources) -> None:
    before = train(resources, now=LATER - timedelta(hours=1), profile=BUREAU)
    confirmed("ST-CNS", subject="紫水晶紫水晶", body="紫水晶的紫水晶要怎麼紫水晶")
    after = train(resources, now=LATER, force=True, profile=BUREAU)
    assert after.version.manifest["letters"] == before.version.manifest["letters"] + 1
    assert after.version.manifest["corpus_sha256"] != before.version.manifest["corpus_sha256"]
    loaded = load_active(resources)
    assert loaded is not None
    assert loaded[1].predict(["紫水晶"])[0].topic == "ST-CNS"


def test_an_agency_without_a_corpus_is_told_so(tmp_path: Path, jieba: Path) -> None:
    config = Config(
        instance=tmp_path,
        database_url="sqlite://",
        secret_key="x" * 40,
        mail_url="file:mail",
        profile=tmp_path,
    )
    bare = Resources.of(LIBRARY, config)
    assert (bare.corpus, bare.terms, bare.demo) == (None, None, None)
    with pytest.raises(BadInput, match="沒有可以訓練的資料"):
        train(dataclasses.replace(bare, cache_dir=jieba))
    assert versions.versions() == []
    assert not bare.models.exists()


def test_confirmed_letters_of_one_topic_are_not_enough(small: Resources) -> None:
    for number in range(3):
        confirmed("ST-CNS", body=f"標準的問題，第{number}次")
    with pytest.raises(BadInput, match="還不夠"):
        train(dataclasses.replace(small, corpus=None), profile=BUREAU)


def test_an_agency_without_a_corpus_can_learn_from_its_own_letters(small: Resources) -> None:
    for number in range(4):
        confirmed("ST-CNS", body=f"國家標準哪裡買，第{number}次")
        confirmed("ST-MARK", body=f"正字標記怎麼申請，第{number}次")
    trained = train(dataclasses.replace(small, corpus=None), profile=BUREAU)
    assert set(trained.version.manifest["labels"]) == {"ST-CNS", "ST-MARK"}


def test_a_faulty_corpus_leaves_everything_as_it_was(small: Resources) -> None:
    first = train(small)
    assert small.corpus is not None
    (small.corpus / "LOAN.jsonl").write_text("{", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"LOAN\.jsonl 第 1 行"):
        train(small, now=LATER)
    assert [version.id for version in versions.versions()] == [first.version.id]


def test_going_back_is_activating_an_earlier_version(small: Resources) -> None:
    first, second = train(small), train(small, now=LATER)
    admin = make_actor(Role.ADMIN, "it")
    versions.activate(first.version.id, by=admin, now=LATER)
    back = active()
    assert (back.id, back.activated_by, back.activated_at) == (first.version.id, admin.id, LATER)
    loaded = load_active(small)
    assert loaded is not None
    assert loaded[0] == first.version.id
    assert activations() == [
        (first.version.id, None),
        (second.version.id, None),
        (first.version.id, admin.id),
    ]


def test_an_unknown_version_cannot_be_activated_and_the_active_one_stays(small: Resources) -> None:
    first = train(small)
    with pytest.raises(NotFound):
        versions.activate("none", by=None, now=NOW)
    assert active().id == first.version.id


def test_the_database_holds_at_most_one_active_version(small: Resources) -> None:
    train(small)
    train(small, now=LATER)
    with pytest.raises(IntegrityError), transaction() as session:
        session.execute(sa.update(ClassifierVersion).values(active=True))


def test_registering_twice_changes_nothing(small: Resources) -> None:
    first = train(small)
    again = versions.register(first.version.id, {"scores": {}}, now=LATER)
    assert again.manifest["scores"]["n"]
    assert again.created_at == NOW
