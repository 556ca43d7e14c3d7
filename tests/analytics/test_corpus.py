"""Rules of `analytics.corpus`: a corpus is whole and right, or says where it is not."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from analytics import corpus
from analytics.corpus import CorpusError, Letter, digest, folds, parse_letter, read_corpus

STARTER = Path(corpus.__file__).parent / "data" / "bsmi" / "letters"
TOPICS = {"A", "B"}


def row(**changes: Any) -> str:
    content = {
        "subject": "主旨",
        "text": "內文",
        "topic": "A",
        "secondary": [],
        "voice": "詢問",
        "urgent": False,
    }
    return json.dumps(content | changes, ensure_ascii=False)


def write(folder: Path, **files: list[str]) -> Path:
    for name, lines in files.items():
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def test_letters_come_in_the_order_of_files_and_lines(tmp_path: Path) -> None:
    write(tmp_path, B=[row(topic="B", text="三")], A=[row(text="一", secondary=["B"]), "", row(text="二")])
    letters = read_corpus(tmp_path, TOPICS)
    assert [letter.text for letter in letters] == ["一", "二", "三"]
    assert letters[0] == Letter("主旨", "一", "A", ("B",), "詢問", False)
    assert letters[0].full_text == "主旨\n一"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "不是正確的 JSON"),
        ("[" * 100_000, "不是正確的 JSON"),
        ("[]", "應為一個 JSON 物件"),
        (row(text=" "), "text 應為非空白的文字"),
        (row(text=7), "text 應為非空白的文字"),
        (row(topic="C"), "沒有主題「C」"),
        (row(topic=None), "沒有主題"),
        (row(topic="B"), "與檔名不符"),
        (row(secondary=["C"]), "secondary 應為主題代碼的陣列"),
        (row(secondary=["A"]), "secondary 不得重複"),
        (row(voice="抱怨"), "沒有意見性質「抱怨」"),
        (row(voice=["詢問"]), "沒有意見性質"),
        (row(urgent="no"), "urgent 應為 true 或 false"),
    ],
)
def test_a_bad_line_is_named_with_file_line_and_reason(tmp_path: Path, line: str, reason: str) -> None:
    write(tmp_path, A=[row(text="一"), line], B=[row(topic="B")])
    with pytest.raises(CorpusError, match=rf"A\.jsonl 第 2 行：.*{reason}"):
        read_corpus(tmp_path, TOPICS)


def test_every_problem_is_kept_and_their_number_told(tmp_path: Path) -> None:
    write(tmp_path, A=["{", "{", row()], B=[row(topic="B", text="二")])
    with pytest.raises(CorpusError, match="另有 1 處") as caught:
        read_corpus(tmp_path, TOPICS)
    assert len(caught.value.problems) == 2


def test_a_topic_without_letters_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="缺少這些主題的語料：B"):
        read_corpus(write(tmp_path, A=[row()]), TOPICS)


def test_one_text_under_two_topics_is_refused_and_a_copy_is_kept_once(tmp_path: Path) -> None:
    write(tmp_path, A=[row(), row()], B=[row(topic="B", text="二")])
    assert len(read_corpus(tmp_path, TOPICS)) == 2
    write(tmp_path, B=[row(topic="B")])
    with pytest.raises(CorpusError, match=r"B\.jsonl 第 1 行：與 A\.jsonl 第 1 行 文字相同而主題不同"):
        read_corpus(tmp_path, TOPICS)


def test_an_empty_folder_and_a_file_that_is_not_text_are_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="沒有訓練語料"):
        read_corpus(tmp_path, TOPICS)
    (tmp_path / "A.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CorpusError, match=r"A\.jsonl：無法以 UTF-8 讀取"):
        read_corpus(tmp_path, TOPICS)


def test_a_label_nobody_has_given_is_none() -> None:
    letter = parse_letter('{"text": "內文", "topic": "X"}', None)
    assert (letter.subject, letter.voice, letter.urgent, letter.secondary) == ("", None, None, ())


def test_the_digest_follows_content_and_labels_but_not_order() -> None:
    one, two = Letter("", "一", "A"), Letter("", "二", "B")
    assert digest([one, two]) == digest([two, one])
    assert digest([one]) != digest([Letter("", "一", "B")])


def test_folds_deal_every_label_evenly_and_the_same_way_each_time() -> None:
    labels = ["A"] * 20 + ["B"] * 5 + ["C"]
    dealt = folds(labels, count=5, seed=1)
    assert dealt.tolist() == folds(labels, count=5, seed=1).tolist()
    assert Counter(zip(labels, dealt.tolist(), strict=True))[("A", 0)] == 4
    assert {number for label, number in zip(labels, dealt.tolist(), strict=True) if label == "B"} == set(
        range(5)
    )


def test_the_starter_corpus_is_whole() -> None:
    topics = {file.stem for file in STARTER.glob("*.jsonl")}
    if len(topics) < 18:
        pytest.skip(f"略過：{STARTER} 的起始語料尚未齊全")
    letters = read_corpus(STARTER, topics)
    assert min(Counter(letter.topic for letter in letters).values()) >= 80
    assert {letter.voice for letter in letters} == set(corpus.VOICES)
    assert any(letter.urgent for letter in letters)
