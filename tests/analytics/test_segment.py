"""The two segmenters are one: the compiled engine gives the words of jieba."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from analytics import segment
from analytics.resources import DATA
from analytics.segment import TermsError, configure, read_terms, synonyms
from analytics.text import analyse, folded

TERMS = DATA / "bsmi" / "terms.txt"


@pytest.fixture(autouse=True)
def _configured_again(jieba: Path) -> Iterator[None]:
    yield
    configure(terms=TERMS, cache_dir=jieba)


def letters() -> list[str]:
    files = sorted((DATA / "bsmi" / "letters").glob("*.jsonl"))
    rows = (json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()[::4])
    comments = (DATA / "bsmi" / "comments.jsonl").read_text("utf-8").splitlines()
    return [folded(row["text"]) for row in [*rows, *map(json.loads, comments)]]


def cut_all(engine: str, texts: list[str], jieba: Path) -> list[list[str]]:
    configure(terms=TERMS, cache_dir=jieba, engine=engine)
    return [segment.segment(text) for text in texts]


def test_both_engines_cut_every_letter_of_the_corpus_into_the_same_words(jieba: Path) -> None:
    pytest.importorskip("rjieba", reason="rjieba is not installed: only jieba can be checked")
    texts = letters()
    assert len(texts) > 2_000
    assert cut_all("rjieba", texts, jieba) == cut_all("jieba", texts, jieba)


@pytest.mark.parametrize("engine", segment.ENGINES)
def test_pieces_joined_give_the_text_back(engine: str, jieba: Path) -> None:
    odd = ["", "a", "電", "abc def 123", "<url>,\n \t", "\U0001f525", "Ω" * 50]
    assert ["".join(pieces) for pieces in cut_all(engine, odd, jieba)] == odd


def test_an_older_name_counts_as_the_name_of_today(tmp_path: Path) -> None:
    terms = tmp_path / "terms.txt"
    terms.write_text("檢驗行政組\n第三組 = 檢驗行政組  # 改制前\n", encoding="utf-8")
    configure(terms=terms, cache_dir=tmp_path)
    assert synonyms() == {folded("第三組"): folded("檢驗行政組")}
    assert f"w:{folded('檢驗行政組')}" in analyse("請轉第三組辦理")


def test_the_bureaus_old_unit_names_are_known(jieba: Path) -> None:
    configure(terms=TERMS, cache_dir=jieba)
    assert synonyms()[folded("第七組")] == folded("度量衡技術組")


@pytest.mark.parametrize("line", ["舊 = ", "一 = 二 = 三", "詞 1 = 二"])
def test_a_bad_synonym_is_named_by_file_and_line(line: str, tmp_path: Path) -> None:
    terms = tmp_path / "terms.txt"
    terms.write_text(f"好詞\n{line}\n", encoding="utf-8")
    with pytest.raises(TermsError, match=r"terms\.txt 第 2 行"):
        read_terms(terms)
