"""Rules of `analytics.normal`: one clean text, and the way back to what was written."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.normal import MAX_CHARS, align, fold, normalise

# What makes the way back hard: widths, marks that combine, Hangul parts, emoji with colours, runs of blanks.
TRICKY = "臺北 \n\r\u3000ＡＢ１２３4567890-/.@wｗ:éé\u0301👍😡🏽\ufe0f가\u1100\u1161\u11a8ﬁ㈱①½ﾊﾟ\u200b\x00"


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from(TRICKY)), max_size=60))
def test_the_slow_way_gives_the_same_text_and_every_character_its_origin(text: str) -> None:
    aligned = align(text)
    assert aligned.clean == normalise(text)
    assert len(aligned.starts) == len(aligned.ends) == len(aligned.clean)
    assert all(0 <= start < end <= len(text) for start, end in zip(aligned.starts, aligned.ends, strict=True))
    assert list(aligned.starts) == sorted(aligned.starts)


@pytest.mark.parametrize(
    ("text", "word", "written"),
    [
        ("我的 行 動 電 源　壞了", "行動電源", "行 動 電 源"),
        ("臺灣ＢＳＭＩ標章", "BSMI", "ＢＳＭＩ"),
        ("請看https://a.tw/b?c=1喔", "<url>", "https://a.tw/b?c=1"),
        ("電話 02-2343-1700 轉", "<number>", "02-2343-1700"),
        ("很棒👍🏽👍", "<glad>", "👍🏽👍"),
        ("cafe\u0301 起火", "é", "e\u0301"),
    ],
)
def test_a_span_of_the_clean_text_falls_on_the_words_as_written(text: str, word: str, written: str) -> None:
    aligned = align(text)
    start = aligned.clean.index(word)
    first, last = aligned.original(start, start + len(word))
    assert text[first:last] == written


@pytest.mark.parametrize("span", [(0, 0), (2, 1), (-1, 1), (0, 99)])
def test_a_span_outside_of_the_text_is_refused(span: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="no span"):
        align("電鍋").original(*span)


def test_emoji_keep_their_mood_and_lose_their_picture() -> None:
    assert normalise("謝謝🙏😊") == "謝謝<glad>"
    assert normalise("又等😡😡") == "又等<cross>"
    assert normalise("🔥起火") == "<emoji>起火"


def test_variants_and_simplified_letters_are_compared_as_one() -> None:
    assert fold(normalise("臺灣牀墊羣組")) == fold(normalise("台湾床垫群组"))


def test_only_what_counts_of_a_megabyte_is_aligned() -> None:
    assert align("電 " * 300_000).clean == normalise("電 " * 300_000)
    assert len(align("電" * 1_000_000).clean) == MAX_CHARS
