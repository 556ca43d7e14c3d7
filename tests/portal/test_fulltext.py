"""Rules of `portal.fulltext`: what counts as the same word, and that a find is always a true one."""

from __future__ import annotations

import random

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from portal import fulltext
from portal.db import transaction
from portal.fulltext import LONGEST_QUERY, LONGEST_TEXT, folded, parse, spans

LETTERS = {
    1: "臺北市的行動電源有檢驗標識 R54321，請問標準檢驗局怎麼查？",
    2: "台中買到的電鍋，依 CNS 3765 检验标识不清，電話 0912-345-678。",
    3: "局長您好：檢驗的標準，驗局的準備。We bought a USB charger.",
    4: "１１５年買的瓦斯爐漏氣",
}


@pytest.fixture
def session(ctx: Flask) -> Session:
    with transaction() as session:
        fulltext.put_many(session, "case", LETTERS)
        return session


def found(session: Session, typed: str) -> list[int]:
    return sorted(session.scalars(fulltext.matching(session, "case", parse(typed))))


@pytest.mark.parametrize(
    ("typed", "keys"),
    [
        ("檢驗標識", [1, 2]),  # traditional finds simplified
        ("检验标识", [1, 2]),
        ("台北", [1]),
        ("臺中", [2]),
        ("爐", [4]),  # a single character
        ("115", [4]),  # half width finds full width
        ("ＣＮＳ３７６５", [2]),
        ("cns 3765", [2]),
        ("54321", [1]),  # a number inside a mark
        ("0912345678", [2]),  # dashes in numbers do not matter
        ("0912-345-678", [2]),
        ("usb charger", [3]),
        ("charger　電源", []),  # all words count
        ("R54321 標準檢驗局", [1]),
        ("電源、北市", [1]),
        ("查無此字", []),
    ],
)
def test_spellings_that_mean_the_same_find_the_same_texts(
    session: Session, typed: str, keys: list[int]
) -> None:
    assert found(session, typed) == keys


def test_a_text_that_only_has_the_pairs_of_a_word_is_not_found(session: Session) -> None:
    fulltext.put(session, "case", 5, "標準。準檢。檢驗。驗局")
    assert found(session, "標準檢驗局") == [1]


def test_a_phrase_is_found_as_it_stands(session: Session) -> None:
    assert found(session, "「檢驗的標準」") == [3]
    assert found(session, '"bought a usb"') == [3]
    assert found(session, '"bought usb"') == []


@pytest.mark.parametrize("typed", ["", "   ", "，。！", '"', "「」", "***", "-", "\x00", "\ud800", "🙂"])
def test_without_a_letter_or_digit_nothing_is_found(session: Session, typed: str) -> None:
    assert not parse(typed)
    assert found(session, typed) == []


@pytest.mark.parametrize(
    "typed",
    [
        "檢驗 OR 電鍋", "NOT 檢驗", "檢驗*", "grams:檢驗", "NEAR(檢驗 標識)", "'檢驗' & '電鍋'", "檢 | 電",
        '檢驗" OR "電鍋', "';DROP TABLE cases;--", "%", "_", "檢%標", "檢_標", "\\", "a\x00b", "檢" * 5000,
        "字 " * 300, "".join(map(chr, range(1, 0x600))), "".join(map(chr, range(0x4E00, 0x4F00))),
    ],
)  # fmt: skip
def test_signs_of_query_languages_mean_nothing(session: Session, typed: str) -> None:
    assert set(found(session, typed)) <= set(LETTERS)
    assert found(session, "檢%標") == []
    assert found(session, "檢驗 OR 電鍋") == []


def test_what_counts_of_a_query_is_bounded(session: Session) -> None:
    assert found(session, "爐" + " " * LONGEST_QUERY + "檢驗") == [4]


def test_a_text_put_again_is_found_by_its_new_words_only(session: Session) -> None:
    fulltext.put(session, "case", 4, "熱水器")
    assert found(session, "瓦斯爐") == []
    assert found(session, "熱水器") == [4]


def test_a_dropped_text_is_gone_and_its_key_free(session: Session) -> None:
    fulltext.drop(session, "case", 1, 4, 99)
    assert found(session, "電源") == []
    fulltext.put(session, "case", 1, "新的信")
    assert found(session, "信") == [1]
    assert found(session, "電源") == []


def test_packing_an_index_leaves_its_finds(session: Session) -> None:
    fulltext.drop(session, "case", 1)
    fulltext.optimize(session, "case")
    assert found(session, "檢驗標識") == [2]


def test_indexes_do_not_know_each_other(session: Session) -> None:
    fulltext.put(session, "faq", 1, "請問如何申請商品檢驗？")
    assert list(session.scalars(fulltext.matching(session, "faq", parse("檢驗")))) == [1]
    fulltext.clear(session, "faq")
    assert list(session.scalars(fulltext.matching(session, "faq", parse("檢驗")))) == []
    assert found(session, "檢驗標識") == [1, 2]


def test_a_text_of_any_length_is_taken_and_searched_to_a_bound(session: Session) -> None:
    rng = random.Random(1)  # noqa: S311  # the same text every time
    endless = "".join(chr(rng.randrange(0x20000, 0x2A000)) for _ in range(200_000))
    fulltext.put(session, "case", 6, endless)
    assert found(session, endless[LONGEST_TEXT - 9 : LONGEST_TEXT]) == [6]
    assert found(session, endless[-9:]) == []


def test_words_do_not_reach_across_joined_texts(session: Session) -> None:
    fulltext.put(session, "case", 7, fulltext.join(["熱水", "器材"]))
    assert found(session, "熱水器") == []
    assert found(session, "器材") == [7]


def test_a_longer_word_and_a_later_rare_pair_are_both_checked(session: Session) -> None:
    long = "".join(chr(0x5000 + 3 * at) for at in range(100))
    fulltext.put(session, "case", 8, long)
    assert found(session, long) == [8]
    assert found(session, f"{long[:99]}錯") == []


def test_folding_is_the_same_for_what_is_kept_and_what_is_typed() -> None:
    assert folded("臺灣 裏面\u3000衞生\x00") == folded("台湾裡面卫生")
    for sample in ("臺北ＡＢＣ", "0912 - 345", "a  b", "ｶﾞ株", "ﬁ"):
        assert folded(folded(sample)) == folded(sample)


@pytest.mark.parametrize(
    ("text", "typed", "marked"),
    [
        ("在臺北買的", "台北", ["臺北"]),
        ("檢\u200b驗 標識", "檢驗標識", ["檢\u200b驗 標識"]),
        ("撥 ０９１２-３４５", "0912345", ["０９１２-３４５"]),
        ("USB 與 usb", "Usb", ["USB", "usb"]),
        ("沒有", "電源", []),
    ],
)
def test_marks_stand_where_the_word_was_written(text: str, typed: str, marked: list[str]) -> None:
    assert [text[start:end] for start, end in spans(text, parse(typed))] == marked


def test_the_text_nearest_to_a_letter_comes_first(session: Session) -> None:
    first, *_ = fulltext.best(session, "case", "行動電源上有檢驗標識，哪裡查？", 2)
    assert first.key == 1
    assert 0 < first.share <= 1
    (same,) = fulltext.best(session, "case", LETTERS[4], 1)
    assert (same.key, same.share) == (4, pytest.approx(1))
    assert same.evidence > first.evidence
    assert fulltext.best(session, "case", "", 3) == []
