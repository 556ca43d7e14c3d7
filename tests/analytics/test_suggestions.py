"""The job that reads new letters: what it writes, and that letters wait when it cannot read."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import joblib
import pytest
import sqlalchemy as sa
from flask import Flask

from analytics import model_store
from analytics.checks import classifier_check
from analytics.classifier import Candidate, Prediction, TrainedModel
from analytics.resources import Resources
from analytics.services import suggestions, versions
from analytics.services.suggestions import suggest_pending
from feedback.models import Case, Suggestion
from feedback.queries import full, unclassified
from feedback.services import sorting, suggesting
from portal import jobs
from portal.access import Role
from portal.app import profile
from portal.db import db, transaction
from tests.analytics.conftest import Trained
from tests.analytics.learning import hint, put_to_work
from tests.factories import NOW, get_case, make_actor, make_case, unit


@pytest.fixture(autouse=True)
def _database(ctx: Flask) -> None:
    pass


def suggest(resources: Resources) -> int:
    return suggest_pending(profile=profile(), resources=resources, now=NOW)


def suggestion_of(case: Case) -> Suggestion | None:
    return db.session.scalars(sa.select(Suggestion).where(Suggestion.case_id == case.id)).one_or_none()


def waiting() -> int:
    return len(unclassified(100))


def spoil(models: Path) -> None:
    file = next(models.glob("*/model.joblib"))
    file.write_bytes(file.read_bytes()[:-1] + b"\x00")


def test_a_new_letter_gets_a_topic_with_its_version_probability_and_words(
    resources: Resources, classifier: str
) -> None:
    case = make_case(subject="請教", body=hint("ST-MARK"))
    assert suggest(resources) == 1
    found = suggestion_of(case)
    assert found is not None
    assert (found.model_version, found.topic, found.created_at) == (classifier, "ST-MARK", NOW)
    assert 0 < found.probability <= 1
    assert found.candidates[0] == {"topic": "ST-MARK", "probability": found.probability}
    assert len(found.candidates) == 3
    assert 0 < len(found.words) <= suggestions.WORDS_SHOWN
    assert all(word in f"{case.subject}\n{case.body}" for word in found.words)
    assert get_case(case.id).classified_at == NOW


def test_a_sure_suggestion_brings_the_letter_to_the_unit_of_its_topic(
    resources: Resources, classifier: str
) -> None:
    case = make_case(subject="請教", body=f"上週{hint('ME-ADMIN')}")
    suggest(resources)
    assert get_case(case.id).unit_id == unit(profile().route("ME-ADMIN", "")).id


def test_without_an_active_classifier_nothing_happens_and_letters_wait(
    resources: Resources, trained: Trained
) -> None:
    versions.register(trained.version, trained.manifest, now=NOW)
    make_case()
    assert suggest(resources) == 0
    assert waiting() == 1
    assert classifier_check(NOW).ok


def test_a_second_run_does_nothing(resources: Resources, classifier: str) -> None:
    case = make_case(body=hint("LAB"))
    assert suggest(resources) == 1
    first = suggestion_of(case)
    assert first is not None
    assert suggest(resources) == 0
    assert suggestion_of(case) is first


def test_more_letters_than_one_batch_are_all_read(
    resources: Resources, classifier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suggestions, "BATCH", 2)
    for _ in range(5):
        make_case()
    assert suggest(resources) == 5
    assert waiting() == 0


def test_the_model_is_read_from_disk_once_for_each_version(
    resources: Resources, classifier: str, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    load = model_store.load

    def counted(folder: Path, *, expected_sha256: str | None = None) -> TrainedModel:
        read.append(folder.name)
        return load(folder, expected_sha256=expected_sha256)

    monkeypatch.setattr(model_store, "load", counted)
    for _ in range(3):
        make_case()
        suggest(resources)
    assert read == [classifier]
    shutil.copytree(resources.models / classifier, resources.models / "later")
    put_to_work("later", trained.manifest)
    case = make_case()
    suggest(resources)
    assert read == [classifier, "later"]
    found = suggestion_of(case)
    assert found is not None
    assert found.model_version == "later"


def _missing(models: Path) -> None:
    shutil.rmtree(models)


def _other_packages(models: Path) -> None:
    manifest = next(models.glob("*/manifest.json"))
    manifest.write_text(
        manifest.read_text(encoding="utf-8").replace('"jieba": "', '"jieba": "0.'), encoding="utf-8"
    )


def _forged(models: Path) -> None:
    """Another model, with a manifest that fits it: only the database knows better."""
    folder = next(models.iterdir())
    file, manifest = folder / "model.joblib", folder / "manifest.json"
    joblib.dump(joblib.load(file), file, compress=0)
    told = json.loads(manifest.read_text(encoding="utf-8"))
    checksum = hashlib.sha256(file.read_bytes()).hexdigest()
    assert checksum != told["artifact_sha256"]
    manifest.write_text(json.dumps(told | {"artifact_sha256": checksum}), encoding="utf-8")


@pytest.mark.parametrize("harm", [spoil, _missing, _other_packages, _forged])
def test_letters_wait_when_the_model_cannot_be_used_and_the_log_says_so_once(
    harm: Callable[[Path], None], resources: Resources, classifier: str, caplog: pytest.LogCaptureFixture
) -> None:
    harm(resources.models)
    case = make_case(body="我的電話是 0912-345-678")
    with caplog.at_level(logging.ERROR):
        assert [suggest(resources), suggest(resources)] == [0, 0]
    assert waiting() == 1
    assert suggestion_of(case) is None
    told = [record for record in caplog.records if record.name == suggestions.__name__]
    assert [(record.getMessage(), record.version) for record in told] == [  # type: ignore[attr-defined]  # `extra` of the log
        ("the active classifier cannot be used", classifier)
    ]
    assert told[0].exc_info is not None
    assert told[0].exc_info[0] is model_store.ModelUnusable
    assert "0912" not in caplog.text


def test_letters_are_read_as_soon_as_the_model_is_whole_again(resources: Resources, classifier: str) -> None:
    file = resources.models / classifier / "model.joblib"
    whole = file.read_bytes()
    spoil(resources.models)
    make_case()
    assert suggest(resources) == 0
    file.write_bytes(whole)
    assert suggest(resources) == 1


def test_the_check_tells_a_usable_model_from_a_spoilt_and_a_missing_one(
    resources: Resources, classifier: str
) -> None:
    assert classifier_check(NOW).ok
    spoil(resources.models)
    spoilt = classifier_check(NOW)
    assert (spoilt.ok, "遭更動" in spoilt.message, classifier in spoilt.message) == (False, True, True)
    shutil.rmtree(resources.models)
    missing = classifier_check(NOW)
    assert (missing.ok, "不見了" in missing.message) == (False, True)


@pytest.mark.parametrize("package", ["jieba", "python", "a-package-that-is-gone"])
def test_the_check_tells_a_model_of_other_packages(
    package: str, resources: Resources, trained: Trained
) -> None:
    kept = dict(trained.manifest["versions"]) | {package: "0.1"}  # type: ignore[call-overload]  # JSON
    put_to_work(trained.version, trained.manifest | {"versions": kept})
    check = classifier_check(NOW)
    assert (check.ok, "套件" in check.message) == (False, True)


def test_the_job_is_registered_and_looks_for_work_first(resources: Resources, trained: Trained) -> None:
    job = jobs.registered()["suggest-topics"]
    assert job.has_work is not None
    versions.register(trained.version, trained.manifest, now=NOW)
    make_case()
    assert not job.has_work(NOW), "letters without a classifier are no work"
    versions.activate(trained.version, by=None, now=NOW)
    assert job.has_work(NOW)
    assert jobs.run_due(job, NOW, runner="one") == 1
    assert not job.has_work(NOW), "nothing is left"
    assert jobs.run_due(job, NOW, runner="one") is None


def test_a_letter_that_may_be_restricted_is_hidden_even_when_the_model_abstains(
    resources: Resources, classifier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsure(self: TrainedModel, texts: list[str]) -> list[Prediction]:
        top = (Candidate("IN-ETHIC", 0.3), Candidate("SV-STAFF", 0.29))
        return [Prediction("IN-ETHIC", 0.3, True, top, (), None, False) for _ in texts]

    monkeypatch.setattr(TrainedModel, "predict", unsure)
    case = make_case(body="承辦人員要我先給紅包才肯收件")
    suggest(resources)
    assert full(make_actor(Role.SECRETARIAT, "secretariat"), case.id) is None
    assert full(make_actor(Role.ETHICS, "ethics"), case.id) is not None
    kept = suggestion_of(case)
    assert kept is not None
    assert kept.abstained


def test_a_letter_that_a_person_classified_first_keeps_that_topic(
    resources: Resources, classifier: str
) -> None:
    case = make_case(unit_code="it", body=hint("IN-ETHIC"))
    sorting.confirm_topic(case.id, topic="SV-DIGI", by=make_actor(unit_code="it"), profile=profile(), now=NOW)
    suggest(resources)
    kept = get_case(case.id)
    assert (kept.topic, kept.unit_id, kept.restricted) == ("SV-DIGI", unit("it").id, False)


def test_a_failure_midway_leaves_the_whole_batch_waiting(
    resources: Resources, classifier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        make_case()
    done: list[int] = []
    record = suggesting.record_suggestion

    def fails_at_the_third(case_id: int, *rest: object, **named: object) -> None:
        if len(done) == 2:
            raise RuntimeError
        done.append(case_id)
        record(case_id, *rest, **named)  # type: ignore[arg-type]  # as the service takes them

    monkeypatch.setattr(suggestions, "record_suggestion", fails_at_the_third)
    with pytest.raises(RuntimeError):
        suggest(resources)
    assert waiting() == 3
    with transaction() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Suggestion)) == 0
