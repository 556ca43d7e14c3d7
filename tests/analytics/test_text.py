"""Rules of `analytics.text`: what counts as the same spelling, and what is a word."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from analytics import text
from analytics.text import MAX_CHARS, analyse, configure, fold, normalise, tokenize

TERMS = Path(text.__file__).parent / "data" / "bsmi" / "terms.txt"
NLP = Path(__file__).resolve().parents[3] / "shared" / "data" / "nlp"


@pytest.fixture(autouse=True)
def _configured(tmp_path_factory: pytest.TempPathFactory) -> None:
    configure(terms=TERMS, cache_dir=tmp_path_factory.getbasetemp() / "jieba")


def test_width_and_variant_spellings_become_one() -> None:
    assert normalise("臺北ＡＢＣ１２３") == normalise("台北ABC123") == "台北ABC123"


def test_invisible_characters_and_blanks_inside_chinese_vanish() -> None:
    assert normalise("行\u200b動 電　源\x00\ufeff") == "行動電源"
    assert normalise("USB 充電器 is hot") == "USB 充電器 is hot"


def test_addresses_and_long_numbers_become_classes() -> None:
    clean = normalise("請看 https://a.tw/x?y=1 或寄 a.b@c.com.tw，案號115-000123")
    assert clean == "請看 <url> 或寄 <email>,案號<number>"


def test_cns_numbers_and_marks_stay_as_they_carry_meaning() -> None:
    assert normalise("CNS 15364 與 R12345") == "CNS 15364 與 R12345"


def test_normalising_twice_changes_nothing() -> None:
    for sample in ("臺 北 ＡＢＣ https://x.tw/y", "a\r\n\r\nb", "８５０７.６０.００.９０-２"):
        assert normalise(normalise(sample)) == normalise(sample)


@pytest.mark.parametrize(
    "term",
    ["標準檢驗局", "應施檢驗", "行動電源", "驗證登錄", "型式認可", "正字標記", "商品檢驗標識", "電動機車"],
)
def test_terms_of_the_bureau_stay_whole(term: str) -> None:
    assert term in tokenize(f"請問{term}怎麼辦理")


def test_words_are_spelt_as_the_writer_spelt_them() -> None:
    assert "經濟部" in tokenize("經濟部公告")
    assert "经济部" in tokenize("经济部公告")


def test_traditional_and_simplified_letters_have_the_same_features() -> None:
    assert analyse("標準檢驗局的行動電源") == analyse("标准检验局的行动电源")


def test_folding_keeps_every_position() -> None:
    sample = "臺灣İ後裏麵ＡbＣ😀"
    assert len(fold(sample)) == len(sample)


def test_tokens_are_words_without_punctuation() -> None:
    assert all(any(char.isalnum() for char in word) for word in tokenize("你好，世界！（測試）…"))


@pytest.mark.parametrize(
    "sample", ["", "電", "😀😀🔥", "\x00\x01\xff" * 50, "\ud83d", "\u200b", "a\u0301" * 9, "﷽" * 500]
)
def test_no_input_raises(sample: str) -> None:
    assert isinstance(tokenize(sample), list)
    assert isinstance(analyse(sample), list)


def test_a_megabyte_is_cut_to_what_counts() -> None:
    assert len(normalise("電" * 1_000_000)) == MAX_CHARS


def test_the_dictionary_cache_stays_in_our_own_folder(tmp_path: Path) -> None:
    terms = tmp_path / "terms.txt"
    terms.write_text("萬用蟬鳴器 99 # 測試\n\n# 註解\n", encoding="utf-8")
    shared = Path(tempfile.gettempdir()) / "jieba.cache"
    before = shared.stat().st_mtime_ns if shared.exists() else None
    configure(terms=terms, cache_dir=tmp_path / "cache", engine="jieba")
    assert (tmp_path / "cache" / "jieba.cache").is_file()
    assert (shared.stat().st_mtime_ns if shared.exists() else None) == before
    assert "萬用蟬鳴器" in tokenize("買了萬用蟬鳴器很吵")


@pytest.mark.parametrize("content", ["詞 多 少\n", "好詞\n詞 x\n"])
def test_a_bad_dictionary_line_is_named(tmp_path: Path, content: str) -> None:
    terms = tmp_path / "terms.txt"
    terms.write_text(content, encoding="utf-8")
    with pytest.raises(text.TermsError, match=rf"terms\.txt 第 {content.count(chr(10))} 行"):
        configure(terms=terms, cache_dir=tmp_path / "cache")


def test_a_missing_dictionary_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(text.TermsError, match="無法讀取詞庫"):
        configure(terms=tmp_path / "none.txt", cache_dir=tmp_path / "cache")


def test_the_shipped_dictionary_has_enough_terms_and_no_doubles() -> None:
    words = [term.word for term in text.read_terms(TERMS)]
    assert len(words) >= 150
    assert [word for word, count in Counter(words).items() if count > 1] == []


def test_real_traditional_text_falls_into_words_rather_than_characters() -> None:
    file = NLP / "tw_gov60.jsonl"
    if not file.exists():
        pytest.skip(f"略過：沒有共用資料 {file}")
    with file.open(encoding="utf-8") as lines:
        words = [word for line in list(lines)[:500] for word in tokenize(json.loads(line)["text"])]
    # jieba's default dictionary without folding gives 1.2 characters a word on the same texts.
    assert sum(map(len, words)) / len(words) > 1.6
