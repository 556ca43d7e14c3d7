"""The job that reads open survey answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from analytics.comments import train_comments
from analytics.corpus import read_comments, read_corpus
from analytics.resources import DATA, Resources
from analytics.services import opinions
from portal.access import Role
from portal.clock import Period
from surveys import queries
from surveys.queries import Scope
from tests.analytics.learning import BUREAU, learn, put_to_work, resources_in, write_corpus
from tests.factories import make_actor
from tests.surveys.factories import make_response, publish_standard

MONTH = Period(2026, 11)


@pytest.fixture
def with_comments(ctx: Flask, tmp_path: Path, jieba: Path) -> Resources:
    """An active classifier that reads comments too."""
    resources = resources_in(tmp_path, jieba, corpus=write_corpus(tmp_path / "corpus"))
    resources.prepare_text()
    assert resources.corpus is not None
    letters = read_corpus(resources.corpus, {topic.code for topic in BUREAU.topics})
    reader = train_comments(read_comments(DATA / "bsmi" / "comments.jsonl"), seed=1)
    manifest = learn(letters, resources.models, comments=reader)
    put_to_work(manifest.version, {"artifact_sha256": manifest.artifact_sha256, "scores": {}})
    return resources


def test_comments_are_read_once_and_kept_beside_the_answers(with_comments: Resources) -> None:
    publish_standard()
    make_response(best="櫃台人員很親切")
    assert opinions.read_comments(resources=with_comments) == 1
    assert opinions.read_comments(resources=with_comments) == 0
    secretary = make_actor(Role.SECRETARIAT, "secretariat")
    assert queries.opinions(secretary, Scope(first=MONTH, last=MONTH)) == {"A": {"正面": 1}}


@pytest.mark.usefixtures("classifier")
def test_a_classifier_that_knows_no_comments_leaves_them(resources: Resources) -> None:
    publish_standard()
    make_response(best="櫃台人員很親切")
    assert opinions.read_comments(resources=resources) == 0
