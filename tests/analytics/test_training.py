"""Training a version: what it learns from, when it goes to work, and the way back."""

from __future__ import annotations

import dataclasses
import itertools
import json
import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import IntegrityError

from analytics import jobs, model_store
from analytics.classifier import TrainedModel
from analytics.corpus import CorpusError, Letter
from analytics.learning import fingerprint, is_frozen
from analytics.models import ClassifierVersion
from analytics.resources import Resources
from analytics.services import training, versions
from analytics.services.suggestions import load_active
from analytics.services.training import MAY_LOSE, Trained, confirmed_labels, fit, score, train_version
from feedback.services import sorting, suggesting
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
    sorting.confirm_topic(case.id, topic=topic, by=make_actor(), profile=profile(), now=NOW)


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
    suggesting.record_suggestion(guessed.id, guess(topic="ME-DISPUTE"), profile=profile(), now=NOW)
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


# --- What is learned, and what judges ----------------------------------------------------------------


def words_of(topic: str, *, frozen: bool, first: int = 0) -> Iterator[str]:
    """Letters about a topic in the corpus's own words, all on one side of the frozen tenth."""
    hint = LIBRARY.topic(topic) or BUREAU.topic(topic)
    assert hint is not None
    written = (f"第{number}次來信：{hint.hint}" for number in itertools.count(first))
    return (text for text in written if is_frozen(text) is frozen)


def write_frozen(folder: Path, profile: Profile = LIBRARY, *, each: int = 4) -> Path:
    """The agency's own letters to judge by."""
    folder.mkdir()
    for topic in profile.topics:
        found = itertools.islice(words_of(topic.code, frozen=False, first=1000), each)
        rows = [{"subject": "", "text": text, "topic": topic.code} for text in found]
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{topic.code}.jsonl").write_text(text, encoding="utf-8")
    return folder


def confirm_letters(count: int, *, at: datetime, first: int = 0, frozen: bool = False) -> list[str]:
    """Letters confirmed a minute apart, of one topic after the other; their texts."""
    texts = []
    ordinary = [topic for topic in BUREAU.topics if not topic.restricted]
    for place, topic in zip(range(count), itertools.cycle(ordinary), strict=False):
        text = next(words_of(topic.code, frozen=frozen, first=first + 100 * place))
        case = make_case(unit_code="standards", subject="", body=text)
        by = make_actor(Role.SECRETARIAT, "secretariat")
        moment = at + timedelta(minutes=place)
        sorting.confirm_topic(case.id, topic=topic.code, by=by, profile=BUREAU, now=moment)
        texts.append(text)
    return texts


@pytest.fixture
def taught(monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """The texts that each training was given, in order."""
    given: list[set[str]] = []

    def noted(letters: Sequence[Letter], **how: Any) -> TrainedModel:
        given.append({fingerprint(letter.full_text) for letter in letters})
        return fit(letters, **how)

    monkeypatch.setattr(training, "fit", noted)
    return given


def comparison(version: ClassifierVersion) -> dict[str, Any]:
    found: dict[str, Any] = version.manifest["comparison"]
    return found


def test_frozen_letters_are_never_learned_even_as_copies_in_corpus_or_inbox(
    small: Resources, tmp_path: Path, taught: list[set[str]]
) -> None:
    """By whatever door a copy comes in, and however it is written."""
    assert small.corpus is not None
    kept = dataclasses.replace(small, frozen=write_frozen(tmp_path / "frozen"))
    assert kept.frozen is not None
    lines = [line for file in kept.frozen.iterdir() for line in file.read_text("utf-8").splitlines()]
    frozen = [json.loads(line) for line in lines]
    copy = {"subject": "", "text": f"　{frozen[0]['text']}！", "topic": frozen[0]["topic"]}
    with (small.corpus / f"{copy['topic']}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(copy, ensure_ascii=False) + "\n")
    confirmed("ST-CNS", subject="", body=f"{frozen[1]['text']}。")
    trained = train(kept)
    assert len(taught) == 1
    assert taught[0].isdisjoint(fingerprint(row["text"]) for row in frozen)
    assert trained.version.manifest["letters"] == len(LIBRARY.topics) * 6
    assert comparison(trained.version)["frozen"]["n"] == len(frozen)


def test_a_tenth_of_the_confirmed_letters_judges_and_is_never_learned(
    resources: Resources, taught: list[set[str]]
) -> None:
    kept = confirm_letters(3, at=NOW, frozen=True)
    first = train(resources, now=LATER, profile=BUREAU)
    later = train(resources, now=LATER + timedelta(days=1), profile=BUREAU)
    assert comparison(first.version)["frozen"]["n"] == comparison(later.version)["frozen"]["n"] == 3
    for given in taught:
        assert given.isdisjoint(fingerprint(text) for text in kept)


def test_the_newest_labels_judge_first_and_are_learned_in_the_next_round(
    resources: Resources, taught: list[set[str]]
) -> None:
    texts = [fingerprint(text) for text in confirm_letters(10, at=NOW)]
    first = train(resources, now=LATER, profile=BUREAU)
    assert comparison(first.version)["newest"]["n"] == 2
    assert set(texts) - taught[0] == set(texts[8:])
    confirm_letters(10, at=LATER, first=5000)
    train(resources, now=LATER + timedelta(days=1), profile=BUREAU)
    assert set(texts) <= taught[1]


def test_letters_that_the_active_version_has_learned_do_not_judge(resources: Resources) -> None:
    """Else the active one would look better than it is. A label that came late does not bring them back."""
    confirm_letters(10, at=NOW)
    train(resources, now=LATER, profile=BUREAU)
    with transaction() as session:
        version = session.get_one(ClassifierVersion, active().id)
        version.manifest = version.manifest | {"learned_until": (NOW + timedelta(minutes=8)).isoformat()}
    again = train(resources, now=LATER + timedelta(days=1), profile=BUREAU)
    assert comparison(again.version)["newest"]["n"] == 1


def test_a_candidate_that_is_worse_on_the_frozen_letters_waits(small: Resources, tmp_path: Path) -> None:
    kept = dataclasses.replace(small, frozen=write_frozen(tmp_path / "frozen"))
    good = train(kept)
    assert small.corpus is not None
    muddle(small.corpus)
    bad = train(kept, now=LATER)
    found = comparison(bad.version)
    assert (found["against"], found["frozen"]["worse"], found["newest"]["n"]) == (good.version.id, True, 0)
    assert not bad.activated
    assert (active().id, bad.version.activated_at) == (good.version.id, None)


def test_a_candidate_that_is_worse_on_the_newest_labels_waits(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = train(resources, now=NOW + timedelta(hours=1), profile=BUREAU)
    confirm_letters(20, at=NOW + timedelta(hours=2))

    def spoiled(letters: Sequence[Letter], **how: Any) -> TrainedModel:
        topics = [letter.topic for letter in letters]
        moved = zip(letters, [*topics[40:], *topics[:40]], strict=True)
        return fit([dataclasses.replace(letter, topic=topic) for letter, topic in moved], **how)

    monkeypatch.setattr(training, "fit", spoiled)
    bad = train(resources, now=LATER, profile=BUREAU)
    found = comparison(bad.version)
    assert (found["frozen"]["n"], found["newest"]["n"], found["newest"]["worse"]) == (0, 4, True)
    assert not bad.activated
    assert active().id == good.version.id


def test_an_equal_candidate_goes_to_work_when_there_are_letters_to_judge_by(
    small: Resources, tmp_path: Path
) -> None:
    kept = dataclasses.replace(small, frozen=write_frozen(tmp_path / "frozen"))
    train(kept)
    again = train(kept, now=LATER)
    found = comparison(again.version)["frozen"]
    assert (found["lost"], found["gained"], again.activated) == (0, 0, True)


def test_a_version_whose_files_are_gone_is_no_rival(small: Resources, tmp_path: Path) -> None:
    kept = dataclasses.replace(small, frozen=write_frozen(tmp_path / "frozen"))
    train(kept)
    shutil.rmtree(kept.models)
    after = train(kept, now=LATER)
    assert after.activated
    assert comparison(after.version)["against"] is None
    assert "active" not in comparison(after.version)["frozen"]


# --- The way back ------------------------------------------------------------------------------------


def three_versions() -> list[str]:
    """Put to work one after the other, an hour apart; no files."""
    names = ["one", "two", "three"]
    for place, name in enumerate(names):
        versions.register(name, {"scores": {}}, now=NOW)
        versions.activate(name, by=None, now=NOW + timedelta(hours=place))
    return names


def test_rollback_puts_the_version_to_work_that_the_active_one_replaced(small: Resources) -> None:
    three_versions()
    admin = make_actor(Role.ADMIN, "it")
    back = versions.rollback(by=admin, now=LATER)
    assert (back.id, active().id, back.activated_by, back.activated_at) == ("two", "two", admin.id, LATER)
    assert activations()[-1] == ("two", admin.id)


def test_rolling_back_twice_undoes_the_rollback(small: Resources) -> None:
    three_versions()
    versions.rollback(by=None, now=LATER)
    assert versions.rollback(by=None, now=LATER + timedelta(hours=1)).id == "three"


def test_a_candidate_that_waits_is_never_rolled_back_to(small: Resources) -> None:
    versions.register("one", {"scores": {}}, now=NOW)
    versions.activate("one", by=None, now=NOW)
    versions.register("waits", {"scores": {}}, now=LATER)
    assert versions.previously_active() is None
    with pytest.raises(NotFound, match="沒有更早"):
        versions.rollback(by=None, now=LATER)
    assert active().id == "one"


# --- The job -----------------------------------------------------------------------------------------


def test_the_job_trains_when_enough_topics_were_confirmed_since_and_not_before(
    small: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_work: list[bool] = []
    monkeypatch.setattr(jobs, "train_now", lambda now, *, force: at_work.append(force))
    analysis = BUREAU.analysis.model_copy(update={"retrain_after": 2})
    monkeypatch.setattr(jobs, "profile", lambda: BUREAU.model_copy(update={"analysis": analysis}))
    confirmed("ST-CNS")
    confirmed("ST-CNS")
    versions.register("one", {"scores": {}}, now=NOW)
    versions.activate("one", by=None, now=NOW)
    assert jobs.retrain(LATER) == 0, "these were known when the version was trained"
    confirm_letters(1, at=LATER)
    assert (jobs.retrain(LATER), at_work) == (0, [])
    confirm_letters(1, at=LATER, first=5000)
    assert jobs.retrain(LATER) == 2
    assert at_work == [False], "a worse version must wait"
