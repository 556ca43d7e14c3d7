"""The check of a labelled corpus: letters nearly alike, and readers who differ."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analytics import text
from analytics.corpus import CorpusError, Letter
from analytics.corpus_check import compare_passes, near_duplicates, read_second_pass
from analytics.learning import fingerprint
from analytics.resources import DATA

LETTERS = [
    Letter("", "市場賣魚的磅秤斤兩不足，請派人來查", "ME-DISPUTE"),
    Letter("", "市場賣魚的磅秤斤兩不足，請派人查！", "ME-VERIF"),
    Letter("", "行動電源要不要檢驗", "PI-SCOPE"),
]


@pytest.fixture(autouse=True)
def _configured(jieba: Path) -> None:
    text.configure(terms=DATA / "bsmi" / "terms.txt", cache_dir=jieba)


def test_letters_nearly_alike_are_found_whatever_their_labels() -> None:
    found = list(near_duplicates(LETTERS, threshold=0.7))
    assert [(pair.first, pair.second) for pair in found] == [(0, 1)]
    assert 0.7 <= found[0].likeness < 1
    assert list(near_duplicates([])) == []


def test_two_passes_are_compared_on_the_letters_both_have_read(tmp_path: Path) -> None:
    file = tmp_path / "second.jsonl"
    rows = [{"letter": fingerprint(letter.full_text), "topic": "ME-DISPUTE"} for letter in LETTERS[:2]]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    found = compare_passes(LETTERS, read_second_pass(file))
    assert (found.n, found.same, found.differing) == (2, 1, ((1, "ME-DISPUTE"),))


def test_perfect_agreement_has_a_kappa_of_one() -> None:
    second = {fingerprint(letter.full_text): letter.topic for letter in LETTERS}
    assert compare_passes(LETTERS, second).kappa == pytest.approx(1.0)


@pytest.mark.parametrize("line", ["{", '{"letter": "x"}', "[]"])
def test_a_faulty_second_pass_is_named(line: str, tmp_path: Path) -> None:
    file = tmp_path / "second.jsonl"
    file.write_text(line, encoding="utf-8")
    with pytest.raises(CorpusError, match="第 1 行"):
        read_second_pass(file)
