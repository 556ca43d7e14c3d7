"""Find and hide personal data in free text, in the forms used in Taiwan.

Standard library only, so that pages and exports can mask without loading the classifier. Numbers that belong
to the bureau's own business (case numbers, CNS numbers, marks such as R12345, amounts) are not personal data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

EMAIL, IDENTITY, PHONE, ADDRESS = "電子郵件", "身分證號", "電話", "地址"
NAME, ACCOUNT, PLATE, BIRTHDAY = "姓名", "帳號", "車牌", "生日"
KINDS = (EMAIL, IDENTITY, BIRTHDAY, ACCOUNT, PHONE, PLATE, ADDRESS, NAME)
"""Where two finds overlap the longer one is kept, then the one earlier in this order."""


@dataclass(frozen=True, slots=True)
class Span:
    """One find: what it is and where, as positions in the text as given (end exclusive)."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Rule:
    """A pattern whose group `hide` (or whole match) is personal, if `valid` agrees."""

    kind: str
    pattern: re.Pattern[str]
    valid: Callable[[re.Match[str]], bool] = bool


def mask(text: str) -> str:
    """The text with each find replaced by its kind, such as 〔電話〕. Masking twice changes nothing more."""
    parts: list[str] = []
    start = 0
    for span in find(text):
        parts += [text[start : span.start], f"〔{span.kind}〕"]
        start = span.end
    return "".join(parts) + text[start:]


def find(text: str) -> list[Span]:
    """Personal data in a text, in order and without overlap. Full-width letters and digits are understood."""
    narrow = text.translate(_NARROW)
    spans = [span for rule in _RULES for span in _apply(rule, narrow)]
    spans += _addresses(narrow)
    spans.sort(key=lambda span: (span.start - span.end, KINDS.index(span.kind), span.start))
    return _without_overlap(spans, len(text))


def _without_overlap(spans: list[Span], length: int) -> list[Span]:
    taken = bytearray(length)
    kept: list[Span] = []
    for span in spans:
        if not any(taken[span.start : span.end]):
            taken[span.start : span.end] = b"\x01" * (span.end - span.start)
            kept.append(span)
    return sorted(kept, key=lambda span: span.start)


def _apply(rule: _Rule, text: str) -> Iterator[Span]:
    group = "hide" if "hide" in rule.pattern.groupindex else 0
    match = rule.pattern.search(text)
    while match:
        good = rule.valid(match)
        if good:
            yield Span(rule.kind, *match.span(group))
        # A refused match may hide a good one that starts inside it.
        match = rule.pattern.search(
            text, max(match.end(group), match.start() + 1) if good else match.start() + 1
        )


# One for one, so that positions stay those of the text as given.
_NARROW = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_NARROW |= dict.fromkeys(map(ord, "‐‑‒–—―−─"), ord("-"))

_HAN = r"\u4e00-\u9fff"
_START = r"(?<![A-Za-z0-9])"
_END = r"(?![0-9])"

# First letter of an identity number → its two digits; the order is the Ministry of the Interior's.
_LETTERS = {letter: value for value, letter in enumerate("ABCDEFGHJKLMNPQRSTUVXYWZIO", start=10)}


def _identity_valid(match: re.Match[str]) -> bool:
    """Check digit of identity and residence numbers (second place 8 or 9, a letter in the old form)."""
    code = match.group().upper()
    first, second = _LETTERS[code[0]], code[1]
    digits = [first // 10, first % 10, _LETTERS[second] % 10 if second.isalpha() else int(second)]
    digits += map(int, code[2:])
    weights = (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=True)) % 10 == 0


def _date_valid(match: re.Match[str]) -> bool:
    return 1 <= int(match["month"]) <= 12 and 1 <= int(match["day"]) <= 31


_DATE = (
    r"(?P<hide>(?:民國 ?|西元 ?)?[0-9]{2,4} ?[年./\-] ?(?P<month>[0-9]{1,2}) ?[月./\-] ?"
    r"(?P<day>[0-9]{1,2})(?![0-9])(?: ?日)?)"
)
_SURNAMES = (
    "陳林黃張李王吳劉蔡楊許鄭謝洪郭邱曾廖賴徐周葉蘇莊呂江何蕭羅高潘簡朱鍾游彭詹胡施沈余盧梁趙顏柯翁魏孫戴范方"
    "宋鄧杜傅侯曹薛丁卓阮馬董温溫唐藍石蔣古紀姚連馮歐程湯黄康田姜白汪鄒尤巫鐘黎涂龔嚴韓袁金童陸夏柳邵錢伍倪"
    "陈张刘杨许郑谢赖叶苏庄吕萧罗简钟卢赵颜孙邓马蓝蒋纪连冯欧汤邹龚严韩陆钱"
)
_NAME = rf"(?:(?:歐陽|司馬|司徒|上官|諸葛|張簡|范姜)[{_HAN}]{{1,2}}|[{_SURNAMES}][{_HAN}]{{1,2}})"
# Ordinary words that begin like a name.
_NOT_NAMES = re.compile(
    "高雄|高中|高級|高齡|高溫|高興|高鐵|方便|方法|方面|溫度|溫泉|周末|周邊|周圍|連續|連鎖|連江|金額|金屬|金融|金門|馬上|"
    "馬達|石油|白色|白天|何時|何人|何種|何況|許多|許可|施工|施行|程序|程度|謝謝|古代|紀錄|簡單|簡訊|簡易|曾經|黃色|黃金|"
    "藍色|陸續|夏天|游泳|童裝|羅東|楊梅|馬祖|康復|葉子|林口|江湖|王先|田裡|唐裝|張貼|王牌|白米|石材|張先|店"
)


def _name_valid(match: re.Match[str]) -> bool:
    before = match.string[max(0, match.start("hide") - 2) : match.start("hide")]
    # 感謝張小姐, 謝謝林小姐: the 謝 thanks; in 謝謝謝小姐 the third one is the name.
    thanks = (
        match["hide"][0] in "謝谢" and before[-1:] in tuple("感謝谢多致") and before not in ("謝謝", "谢谢")
    )
    return not thanks and not _NOT_NAMES.match(match["hide"])


_TITLES = "先生|小姐|女士|太太|科長|課長|組長|主任|承辦員|技正|技士"

_RULES = (
    _Rule(
        EMAIL,
        re.compile(
            r"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9._%+\-]{1,64}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){1,8}"
        ),
    ),
    _Rule(IDENTITY, re.compile(rf"{_START}[A-Za-z](?:[1289]|[A-Da-d])[0-9]{{8}}{_END}"), _identity_valid),
    _Rule(
        BIRTHDAY, re.compile(rf"(?:生日|出生年月日|出生日期|出生於|生於)[是為: ]{{0,3}}{_DATE}"), _date_valid
    ),
    _Rule(BIRTHDAY, re.compile(rf"(?<![0-9]){_DATE}(?= ?(?:出生|次|生(?![產效成])))"), _date_valid),
    _Rule(
        ACCOUNT,
        re.compile(
            r"(?:帳號|帳戶|戶頭|账号|匯款|匯入|轉帳|銀行|郵局|分行)[^0-9\n]{0,12}"
            rf"(?P<hide>(?:\([0-9]{{3}}\) ?)?[0-9](?:[ \-]?[0-9]){{9,16}}){_END}"
        ),
    ),
    _Rule(
        PHONE,  # mobile: 0912-345-678, 0912345678, +886 912 345 678
        re.compile(
            rf"(?:\+?886[ \-]?\(?0?\)?|{_START}\(?0)9[0-9]{{2}}\)?[ \-.]?[0-9]{{3}}[ \-.]?[0-9]{{3}}{_END}"
            rf"|{_START}09[0-9][ \-][0-9]{{4}}[ \-][0-9]{{3}}{_END}"
        ),
    ),
    _Rule(
        PHONE,  # land line with area code and perhaps an extension: (02)2343-1700 轉 123
        re.compile(
            rf"(?:\+886[ \-]?\(?0?|{_START}\(?0)(?:2|37|3|49|4|5|6|7|826|836|82|89|8)\)?[ \-]?"
            rf"[0-9]{{3,4}}[ \-]?[0-9]{{3,4}}{_END}(?: ?(?:#|轉|分機|ext\.?) ?[0-9]{{1,6}})?"
        ),
        lambda match: 9 <= len(re.sub(r"(?:#|轉|分機|ext).*|[^0-9]", "", match.group())) <= 12,
    ),
    _Rule(
        PHONE,  # land line without area code, only where the writer calls it one
        re.compile(
            r"(?:電話|手機|市話|傳真|[Tt][Ee][Ll])[^0-9\n]{0,6}"
            rf"(?P<hide>[0-9]{{3,4}}[ \-]?[0-9]{{4}}){_END}"
        ),
    ),
    _Rule(
        PLATE,
        re.compile(
            r"(?:車牌|車號|牌照)[^A-Za-z0-9\n]{0,6}(?P<hide>(?=[A-Za-z0-9]*-?[A-Za-z0-9]*[0-9])"
            r"[A-Za-z0-9]{2,4} ?-? ?[A-Za-z0-9]{2,4})(?![A-Za-z0-9])"
        ),
    ),
    _Rule(
        PLATE,  # without the word before it, only where a vehicle follows: product models look alike
        re.compile(
            rf"{_START}(?:[A-Z]{{2,3}}-[0-9]{{3,4}}|[0-9]{{3,4}}-[A-Z]{{2,3}})(?![A-Za-z0-9\-])"
            rf"(?= ?[的這那]?[{_HAN}]{{0,3}}車)"
        ),
    ),
    _Rule(
        NAME,
        re.compile(
            r"(?:姓名|聯絡人|陳情人|投訴人|申訴人|申請人|檢舉人|收件人|戶名|具名|署名) ?(?::|[是為]) ?"
            rf"(?P<hide>[{_HAN}]{{2,4}}(?![{_HAN}])|{_NAME})"
        ),
    ),
    _Rule(  # a label and a name with only a gap between: a signature, or an official who is named
        NAME,
        re.compile(
            r"(?:(?:陳情人|投訴人|申訴人|檢舉人|聯絡人|寄件人|署名)[ 　]+|(?:姓名|承辦人|承辦員|經辦)[ 　]?)"
            rf"(?P<hide>{_NAME})"
        ),
        _name_valid,
    ),
    _Rule(NAME, re.compile(rf"(?P<hide>{_NAME})(?=[ 　]?(?:敬上|謹上|謹啟|敬啟))"), _name_valid),
    # A bare 上 closes a letter only after a name that stands by itself: 尤其早上 is a time of day.
    _Rule(NAME, re.compile(rf"(?:^|[ 　])(?P<hide>{_NAME})(?=[ 　]?上\s*$)", re.M), _name_valid),
    _Rule(NAME, re.compile(rf"(?:我叫做?|我的名字[是叫]|名叫)(?P<hide>{_NAME})"), _name_valid),
    _Rule(NAME, re.compile(rf"(?:我是|本人|敝姓|我姓) ?(?P<hide>{_NAME})(?![{_HAN}])"), _name_valid),
    _Rule(NAME, re.compile(rf"(?:敝姓|我姓) ?(?P<hide>[{_SURNAMES}])(?![{_HAN}])")),
    _Rule(
        NAME,
        re.compile(rf"(?P<hide>{_NAME}|[{_SURNAMES}])(?= ?(?:{_TITLES}))"),
        _name_valid,
    ),
)

_COUNT = r"[0-9一二三四五六七八九十百]{1,4}"
# An address is found from its street and house number, then followed back to its county.
_HOUSE = re.compile(
    rf"(?:(?<![公網線電鐵])路|街|大道|[村里](?: ?[0-9]{{1,3}} ?鄰)?)(?: ?{_COUNT} ?段)?(?: ?{_COUNT} ?巷)?"
    rf"(?: ?{_COUNT} ?弄)? ?{_COUNT}(?: ?[之\-] ?{_COUNT})? ?號(?: ?[,、]? ?(?:地下)?{_COUNT} ?(?:樓|[Ff]))?"
    rf"(?:[之\-]{_COUNT})?(?: ?{_COUNT} ?室)?"
)
_BEFORE_HOUSE = re.compile(rf"[{_HAN}0-9 ]{{1,24}}$")
_COUNTIES = re.compile(
    "(?:[臺台][北中南東]|新北|桃園|高雄|基隆|新竹|嘉義|苗栗|彰化|南投|雲林|屏東|宜蘭|花蓮|澎湖|金門|連江|桃园|高雄)[市縣县]"
)
_LEAD_IN = re.compile(
    r"住在|居住於|居住在|位於|位在|地址[是為在]?|戶籍[是為在]?|住|寄到|送到|在|於|到|[0-9]{3,6}| "
)


def _addresses(text: str) -> Iterator[Span]:
    for house in _HOUSE.finditer(text):
        start = house.start()
        before = _BEFORE_HOUSE.search(text, max(0, start - 24), start)
        if before:
            county = _COUNTIES.search(text, before.start(), start)
            lead_ins = list(_LEAD_IN.finditer(text, before.start(), start))
            start = county.start() if county else lead_ins[-1].end() if lead_ins else before.start()
        yield Span(ADDRESS, start, house.end())
