"""Rules of `analytics.comments`: what an open answer says, negation and 無意見 included."""

from __future__ import annotations

from pathlib import Path

import pytest

from analytics import text
from analytics.comments import CommentModel, analyse_comment, says_nothing, train_comments
from analytics.corpus import NEGATIVE, NEUTRAL, POSITIVE, Comment, CorpusError, read_comments
from analytics.resources import DATA

CORPUS = DATA / "bsmi" / "comments.jsonl"


@pytest.fixture(scope="module", autouse=True)
def _configured(jieba: Path) -> None:
    text.configure(terms=DATA / "bsmi" / "terms.txt", cache_dir=jieba)


@pytest.fixture(scope="module")
def model(_configured: None) -> CommentModel:
    return train_comments(read_comments(CORPUS), seed=1)


@pytest.mark.parametrize(
    "answer",
    [
        "無",
        "沒有",
        "沒意見",
        "暫無意見",
        "目前沒有",
        "N/A",
        "n/a",
        "-",
        "。",
        "",
        "無建議",
        "都沒有",
        "略",
        "😶"[:0],
    ],
)
def test_no_comment_is_known_in_every_spelling(answer: str, model: CommentModel) -> None:
    assert says_nothing(answer)
    assert (model.read([answer])[0].sentiment, model.read([answer])[0].dimension) == (NEUTRAL, None)


@pytest.mark.parametrize("answer", ["沒有人接電話", "無障礙坡道太陡", "沒意見箱", "好", "無人處理"])
def test_an_answer_that_only_begins_like_nothing_says_something(answer: str) -> None:
    assert not says_nothing(answer)


@pytest.mark.parametrize(
    ("answer", "sentiment", "dimension"),
    [
        ("櫃台人員很親切", POSITIVE, "A"),
        ("櫃台人員態度很差", NEGATIVE, "A"),
        ("櫃檯人員一點也不親切", NEGATIVE, "A"),
        ("等太久了", NEGATIVE, "C"),
        ("沒有等很久，很快就辦好", POSITIVE, "C"),
        ("網站說明看不懂", NEGATIVE, "E"),
        ("停車位太少", NEGATIVE, "F"),
        ("表格太多，流程繁瑣", NEGATIVE, "D"),
        ("态度很亲切", POSITIVE, "A"),
    ],
)
def test_plain_opinions_are_read_with_their_negation(
    answer: str, sentiment: str, dimension: str, model: CommentModel
) -> None:
    found = model.read([answer])[0]
    assert (found.sentiment, found.dimension) == (sentiment, dimension)


def test_a_negation_turns_a_glad_word_round_and_a_contrast_is_marked() -> None:
    assert "m:turned:False" in analyse_comment("一點也不親切")
    assert "m:turned:True" in analyse_comment("沒有很麻煩")
    assert "m:False:after-but" in analyse_comment("人很好，但是太慢")


def test_emoji_alone_have_a_mood() -> None:
    assert "m:True" in analyse_comment("👍")
    assert "m:False" in analyse_comment("😡")


def test_most_comments_are_read_right_by_a_model_that_has_not_seen_them(model: CommentModel) -> None:
    assert model.scores["comments_n"] >= 1_000
    assert model.scores["sentiment_macro_f1"] > 0.78
    assert model.scores["dimension_macro_f1"] > 0.78


@pytest.mark.parametrize("odd", ["", "好", "😀😀", "\x00\x01\xff", "\ud83d", "好" * 100_000])
def test_no_input_raises(odd: str, model: CommentModel) -> None:
    assert len(model.read([odd])) == 1
    assert model.read([]) == []


def test_without_comments_there_is_nothing_to_learn() -> None:
    with pytest.raises(ValueError, match="沒有已標記的問卷意見"):
        train_comments([], seed=1)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('{"text": "", "sentiment": "正面", "dimension": null}', "text"),
        ('{"text": "好", "sentiment": "好", "dimension": null}', "sentiment"),
        ('{"text": "好", "sentiment": "正面", "dimension": "K"}', "dimension"),
        ("{", "JSON"),
        ('{"text": "甲", "sentiment": "負面", "dimension": null}', "標記不同"),
    ],
)
def test_a_faulty_comment_is_named_by_file_and_line(line: str, fault: str, tmp_path: Path) -> None:
    file = tmp_path / "comments.jsonl"
    file.write_text('{"text": "甲", "sentiment": "正面", "dimension": "A"}\n' + line, encoding="utf-8")
    with pytest.raises(CorpusError, match=rf"comments\.jsonl 第 2 行.*{fault}"):
        read_comments(file)


def test_a_comment_met_twice_is_kept_once(tmp_path: Path) -> None:
    file = tmp_path / "comments.jsonl"
    file.write_text('{"text": "甲", "sentiment": "正面", "dimension": "A"}\n' * 2, encoding="utf-8")
    assert read_comments(file) == [Comment("甲", POSITIVE, "A")]
