"""Reclassification on a Dask cluster of processes on loopback: a dead worker loses and doubles nothing."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask import Flask

from analytics.resources import Resources
from analytics.services.reclassification import Effect, batches, renew
from feedback.models import CaseEvent, EventKind, Suggestion
from portal.app import profile
from portal.db import db
from tests.analytics.learning import hint
from tests.analytics.test_reclassify import at_old, run
from tests.conftest import TEST_DB
from tests.factories import NOW, make_case

distributed = pytest.importorskip("distributed", reason="the extra [cluster] is not installed")

from analytics.cluster import ClusterUnusable, cluster_reader, local_cluster, own_versions, pack  # noqa: E402

LETTERS = 60

pytestmark = [
    pytest.mark.processes,
    pytest.mark.xdist_group("servers"),
    pytest.mark.skipif(TEST_DB != "sqlite", reason="workers never see a database: done once, on SQLite"),
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[distributed.LocalCluster]:
    with local_cluster(2) as found:
        yield found


def checksum(resources: Resources, version: str) -> str:
    from analytics.model_store import read_manifest

    return read_manifest(resources.models / version).artifact_sha256


def test_a_worker_killed_in_the_middle_loses_and_doubles_no_letter(
    cluster: distributed.LocalCluster, resources: Resources, classifier: str
) -> None:
    for _ in range(LETTERS):
        at_old(make_case(body=hint("LAB")))
    kit = pack(resources.models / classifier, checksum(resources, classifier), resources.terms)
    done: Counter[Effect] = Counter()
    with (
        cluster_reader(kit, scheduler=cluster.scheduler_address) as read,
        distributed.Client(cluster) as onlooker,
    ):
        for readings in read(batches(classifier, everything=False, size=2, limit=None)):
            if not done:
                os.kill(onlooker.run(os.getpid).popitem()[1], signal.SIGKILL)
            done += renew(readings, version_id=classifier, profile=profile(), now=NOW)
    assert (done[Effect.RENEWED], done[Effect.SKIPPED]) == (LETTERS, 0)
    assert Counter(db.session.scalars(sa.select(Suggestion.model_version))) == {classifier: LETTERS}
    told = sa.select(sa.func.count()).where(CaseEvent.kind == EventKind.SUGGESTED)
    assert db.session.scalar(told) == 2 * LETTERS, "one by the old classifier, one by the new"


def test_the_command_does_the_same_on_a_cluster_as_without(
    cluster: distributed.LocalCluster, resources: Resources, classifier: str
) -> None:
    def read_by(*arguments: str) -> list[list[object]]:
        db.session.execute(sa.update(Suggestion).values(model_version="old", words=[]))
        db.session.commit()
        assert run(*arguments).exit_code == 0
        columns = (Suggestion.topic, Suggestion.probability, Suggestion.words, Suggestion.model_version)
        return [list(row) for row in db.session.execute(sa.select(*columns).order_by(Suggestion.case_id))]

    for code in ("LAB", "ME-ADMIN", "ST-MARK"):
        at_old(make_case(body=hint(code)))
    assert read_by("--scheduler", cluster.scheduler_address) == read_by()


def test_a_worker_of_other_packages_is_refused_by_name(
    cluster: distributed.LocalCluster, resources: Resources, classifier: str
) -> None:
    at_old(make_case())
    kit = pack(resources.models / classifier, checksum(resources, classifier), resources.terms)
    other = replace(kit, sha256="0" * 64, versions=own_versions() | {"jieba": "0.1"})
    with (
        cluster_reader(other, scheduler=cluster.scheduler_address) as read,
        pytest.raises(ClusterUnusable, match=r"tcp://.*jieba .*這裡是 0\.1"),
    ):
        list(read(batches(classifier, everything=False, size=2, limit=None)))


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nowhere"])
def test_a_cluster_that_cannot_be_reached_is_one_clear_line(
    ctx: Flask, resources: Resources, classifier: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analytics.cluster.CONNECT_SECONDS", 1)
    at_old(make_case())
    refused = run("--scheduler", address)
    assert (refused.exit_code, address in refused.stderr) == (2, True)
    assert db.session.scalar(sa.select(Suggestion.model_version)) == "old"
