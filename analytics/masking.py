"""Find and hide personal data in free text, in the forms used in Taiwan.

Standard library only, so that pages and exports can mask without loading the classifier. Numbers that belong to
the bureau's own business (case numbers, CNS numbers, marks such as R12345, amounts) are not personal data.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """One find: what it is and where, as positions in the text as given (end exclusive)."""

    kind: str
    start: int
    end: int


EMAIL, IDENTITY, PHONE, ADDRESS = "電子郵件", "身分證號", "電話", "地址"
NAME, ACCOUNT, PLATE, BIRTHDAY = "姓名", "帳號", "車牌", "生日"
KINDS = (EMAIL, IDENTITY, BIRTHDAY, ACCOUNT, PHONE, PLATE, ADDRESS, NAME)
"""In order of precedence: where two finds overlap, the earlier kind is kept."""

_Valid = Callable[[re.Match[str]], bool]

# Full-width letters and digits, one for one, so that positions stay those of the text as given.
_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−─"), ord("-"))
_NARROW = _WIDTH | _DASHES

# First letter of an identity number → its two digits. The order is the Ministry of the Interior's.
_LETTER_VALUE = {letter: value for value, letter in enumerate("ABCDEFGHJKLMNPQRSTUVXYWZIO", start=10)}
_SURNAMES = (
    "陳林黃張李王吳劉蔡楊許鄭謝洪郭邱曾廖賴徐周葉蘇莊呂江何蕭羅高潘簡朱鍾游彭詹胡施沈余盧梁趙顏柯翁魏孫戴范方"
    "宋鄧杜傅侯曹薛丁卓阮馬董温溫唐藍石蔣古紀姚連馮歐程湯黄康田姜白汪鄒尤巫鐘黎涂龔嚴韓袁金童陸夏柳凃邵錢伍倪"
    "陈张刘杨许郑谢赖叶苏庄吕萧罗简钟卢赵颜孙邓马蓝蒋纪连冯欧汤邹龚严韩陆钱"
)
_DOUBLE = "歐陽|歐阳|司馬|司徒|上官|諸葛|張簡|范姜|周黃"
_NAME = rf"(?:(?:{_DOUBLE})[\u4e00-\u9fff]{{1,2}}|[{_SURNAMES}][\u4e00-\u9fff]{{1,2}})"
_TITLE = "先生|小姐|女士|太太|媽媽|伯伯|阿姨|同學"


def _identity_valid(match: re.Match[str]) -> bool:
    """Check digit of identity numbers (second digit 1, 2) and residence numbers (8, 9; old form two letters)."""
    code = match.group().upper().replace(" ", "").replace("-", "")
    first, second = _LETTER_VALUE[code[0]], code[1]
    digits = [first // 10, first % 10]
    digits.append(_LETTER_VALUE[second] % 10 if second.isalpha() else int(second))
    digits += map(int, code[2:])
    weights = (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=True)) % 10 == 0


def _date_valid(match: re.Match[str]) -> bool:
    return 1 <= int(match["month"]) <= 12 and 1 <= int(match["day"]) <= 31


def _always(match: re.Match[str]) -> bool:
    return True


_EDGE = r"(?<![A-Za-z0-9])"
_SEP = r"[ \-.]?"
_DATE = (
    r"(?:民國 ?|西元 ?)?(?:\d{2,4}) ?[年./\-] ?(?P<month>\d{1,2}) ?[月./\-] ?(?P<day>\d{1,2})(?!\d) ?日?"
)
# Any number of counties and streets could be listed; the shape 路/街/… + number + 號 is enough and needs no list.
_PLACE = r"(?:[\u4e00-\u9fff]{2}[縣市])? ?(?:[\u4e00-\u9fff]{1,4}[區鄉鎮市])? ?(?:[\u4e00-\u9fff]{1,4}[里村] ?(?:\d{1,3}鄰)?)?"
_ROAD = r"[\u4e00-\u9fff]{1,6}?(?:路|街|大道)"
_COUNT = r"[0-9一二三四五六七八九十百]{1,4}"
_HOUSE = (
    rf" ?(?:{_COUNT} ?段)? ?(?:{_COUNT} ?巷)? ?(?:{_COUNT} ?弄)? ?{_COUNT}(?:[之\-]{_COUNT})? ?號"
    rf"(?: ?[,、]? ?(?:{_COUNT}|地下{_COUNT}?) ?[樓Ff](?![A-Za-z]))?(?:[之\-]{_COUNT})?(?: ?{_COUNT} ?室)?"
)

# kind, pattern, which group to hide (0: all), extra check
_RULES: tuple[tuple[str, re.Pattern[str], str | int, _Valid], ...] = tuple(
    (kind, re.compile(pattern), group, valid)
    for kind, pattern, group, valid in (
        (
            EMAIL,
            r"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9._%+\-]{1,64}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){1,8}",
            0,
            _always,
        ),
        (IDENTITY, rf"{_EDGE}[A-Za-z][ \-]?[1289]\d{{8}}(?!\d)", 0, _identity_valid),
        (IDENTITY, rf"{_EDGE}[A-Za-z][A-Da-d]\d{{8}}(?!\d)", 0, _identity_valid),
        (BIRTHDAY, rf"(?:生日|出生年月日|出生日期|出生於|生於)[是為:： ]{{0,3}}(?P<hide>{_DATE})", "hide", _date_valid),
        (BIRTHDAY, rf"(?P<hide>{_DATE})(?=(?:出)?生(?![產效]))", "hide", _date_valid),
        (
            ACCOUNT,
            r"(?:帳號|帳戶|账号|戶頭|匯款至|匯入|轉帳至)[^\d\n]{0,12}(?P<hide>(?:\(?\d{3}\)?[ \-]?)?\d(?:[ \-]?\d){8,15})(?!\d)",
            "hide",
            _always,
        ),
        (PHONE, rf"(?:\+?886[ \-]?\(?0?\)?|{_EDGE}\(?0)9\d{{2}}\)?{_SEP}\d{{3}}{_SEP}\d{{3}}(?!\d)", 0, _always),
        (PHONE, rf"(?:\+?886[ \-]?\(?0?\)?|{_EDGE}\(?0)9\d{{1}}{_SEP}\d{{4}}{_SEP}\d{{3}}(?!\d)", 0, _always),
        (
            PHONE,
            rf"(?:\+?886[ \-]?\(?|{_EDGE}(?:\(0|0))(?:2|3|37|4|49|5|6|7|8|82|826|836|89)\)?[ \-]?"
            r"\d{3,4}[ \-]?\d{4}(?!\d)(?: ?(?:#|轉|分機|ext\.?) ?\d{1,6})?",
            0,
            _always,
        ),
        (PHONE, r"(?:電話|手機|市話|傳真|聯絡|tel|TEL)[^\d\n]{0,6}(?P<hide>\d{3,4}[ \-]?\d{4})(?!\d)", "hide", _always),
        (
            PLATE,
            r"(?:車牌|車號|牌照)[^A-Za-z0-9\n]{0,6}(?P<hide>[A-Za-z0-9]{2,4} ?-? ?[A-Za-z0-9]{2,4})(?![A-Za-z0-9])",
            "hide",
            _always,
        ),
        (PLATE, rf"{_EDGE}(?:[A-Z]{{3}}-\d{{4}}|\d{{4}}-[A-Z]{{2}}|[A-Z]{{2}}-\d{{4}})(?![A-Za-z0-9\-])(?=[^\n]{{0,4}}(?:車|機車|轎車))", 0, _always),
        (ADDRESS, rf"(?P<hide>{_PLACE}{_ROAD}{_HOUSE})", "hide", _always),
        (NAME, r"(?:姓名|聯絡人|陳情人|申請人|檢舉人|具名|署名|收件人|戶名) ?[:：為是] ?(?P<hide>[\u4e00-\u9fff]{2,4}(?![\u4e00-\u9fff])|[\u4e00-\u9fff]{2,3})", "hide", _always),
        (NAME, rf"(?:我叫做?|我的名字[是叫]|本人|敝姓|我姓名是|名叫)(?P<hide>{_NAME})(?=[^\u4e00-\u9fff]|$|住|電話|手機|身分證|要|想|是|在)", "hide", _always),
        (NAME, rf"我(?:是|叫)(?P<hide>{_NAME})(?=[^\u4e00-\u9fff]|$)", "hide", _always),
        (NAME, rf"我叫做?(?P<hide>{_NAME})", "hide", _always),
        (NAME, rf"(?P<hide>(?:{_NAME}|[{_SURNAMES}]))(?={_TITLE})", "hide", _always),
    )
)
