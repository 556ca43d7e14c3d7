"""Rules of `portal.masking`: what must be hidden, and what must not."""

from __future__ import annotations

from itertools import pairwise

import pytest

from portal.masking import Span, find, mask


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("我的身分證字號是A123456789", "我的身分證字號是〔身分證號〕"),
        ("居留證 A800000014 與舊式 AC01234567", "居留證 〔身分證號〕 與舊式 〔身分證號〕"),
        ("手機0912-345-678或0912345678", "手機〔電話〕或〔電話〕"),
        ("請撥 +886 912 345 678", "請撥 〔電話〕"),
        ("電話(02)2343-1700轉123，傳真037-123456", "電話〔電話〕，傳真〔電話〕"),
        ("市話 2343-1700", "市話 〔電話〕"),
        ("寄到 wang.xm@mail.example.com.tw 謝謝", "寄到 〔電子郵件〕 謝謝"),
        ("我住在台北市中正區濟南路一段4號3樓", "我住在〔地址〕"),
        ("地址：高雄市苓雅區成功一路436號9樓之2", "地址：〔地址〕"),
        ("宜蘭縣員山鄉湖東村3鄰12號", "〔地址〕"),
        ("我叫王小明，住附近", "我叫〔姓名〕，住附近"),
        ("我是陳美麗。", "我是〔姓名〕。"),
        ("感謝林小姐與張大同先生", "感謝〔姓名〕小姐與〔姓名〕先生"),
        ("謝謝謝小姐", "謝謝〔姓名〕小姐"),
        ("姓名：歐陽大文\n申請人: 李四", "姓名：〔姓名〕\n申請人: 〔姓名〕"),
        ("匯款帳號 (822) 1234-5678-9012", "匯款帳號 〔帳號〕"),
        ("郵局700-00212341234567", "郵局〔帳號〕"),
        ("車牌 ABC-1234", "車牌 〔車牌〕"),
        ("一台 XYZ-1234 的白色機車", "一台 〔車牌〕 的白色機車"),
        ("生日：75年3月2日", "生日：〔生日〕"),
        ("民國75年3月2日出生", "〔生日〕出生"),
        ("Ａ１２３４５６７８９ ０９１２３４５６７８", "〔身分證號〕 〔電話〕"),
    ],
)
def test_personal_data_is_hidden(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "案號115-000123 請查",
        "依 CNS 15364 與 CNS 3378-1 規定",
        "標識 R12345、T31234、D33A12 是真的嗎",
        "罰鍰 1,000,000 元，退費2343元",
        "號列 8507.60.00.90-2",
        "A123456780 檢查碼不對",
        "113年3月2日生產，113年3月2日生效",
        "我是高雄人，我是消費者",
        "許多小姐、這位先生、店家先生",
        "型號 ABC-1234 充電器",
        "統一編號 12345678",
        "網路1號賣場，國道3號",
        "客服 0800-007-123 與 1950 專線",
        "",
    ],
)
def test_business_numbers_and_common_words_stay(text: str) -> None:
    assert mask(text) == text


def test_positions_are_those_of_the_text_as_given() -> None:
    text = "我叫王小明　０９１２－３４５－６７８"
    assert find(text) == [Span("姓名", 2, 5), Span("電話", 6, 18)]


def test_finds_are_in_order_and_do_not_overlap() -> None:
    spans = find("聯絡人：王大明 0912345678 a0912345678@x.tw 住新北市板橋區文化路一段1號 王大明先生")
    assert all(one.end <= other.start for one, other in pairwise(spans))


def test_masking_twice_changes_nothing_more() -> None:
    once = mask("我叫王小明，電話0912345678，住台北市信義路五段7號，a@b.tw")
    assert mask(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "",
        "陳",
        "1",
        "😀" * 9,
        "\x00\x07\x1b",
        "\ud800陳\udfff0912",
        "\ue000\ue001王大明",
        "\n" * 50,
        "〔" * 30,
    ],
)
def test_no_text_makes_masking_fail(text: str) -> None:
    assert mask(mask(text)) == mask(text)


def test_a_megabyte_is_masked() -> None:
    assert mask("電話很難打" * 200_000 + "0912345678") == "電話很難打" * 200_000 + "〔電話〕"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("身分證號 A123456788", "身分證號 〔身分證號〕"),
        ("批號 A123456788", "批號 A123456788"),
        ("護照號碼301234567", "護照號碼〔護照號碼〕"),
        ("健保卡號0000-1234-5678", "健保卡號〔健保卡號〕"),
        ("LINE ID：wang1234", "LINE ID：〔通訊帳號〕"),
        ("卡在 4311-7058-6492-0830", "卡在 〔帳號〕"),
        ("卡在 4311-7058-6492-0831", "卡在 4311-7058-6492-0831"),
        ("我是75年次", "我是75年次"),
        ("〔電話〕 2343-1700", "〔電話〕 2343-1700"),
    ],
)
def test_a_number_is_told_by_its_check_digit_or_by_what_the_writer_calls_it(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("林美玲敬上", "〔姓名〕敬上"),
        ("以上 陳小華上", "以上 〔姓名〕上"),
        ("陳情人　黃志明", "陳情人　〔姓名〕"),
        ("我姓名王小明", "我姓名〔姓名〕"),
        ("承辦人王大明態度很差", "承辦人〔姓名〕態度很差"),
        ("王大明科長收紅包", "〔姓名〕科長收紅包"),
        ("本人王萬卷申請退費", "本人〔姓名〕申請退費"),
        ("林盟雀 0912345678", "〔姓名〕 〔電話〕"),
    ],
)
def test_signatures_and_named_officials_are_hidden(text: str, hidden: str) -> None:
    assert mask(text) == hidden


@pytest.mark.parametrize(
    "text",
    [
        "電話很難打進去，尤其早上",
        "訓練課程開晚上",
        "承辦人方便的話請回電",
        "聯絡人 高雄分局",
        "經辦何時回覆",
        "承辦人員態度",
        "請安排主任說明",
    ],
)
def test_words_beside_an_official_are_not_taken_for_a_name(text: str) -> None:
    assert mask(text) == text
