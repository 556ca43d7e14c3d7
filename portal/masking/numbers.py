"""Personal data made of digits and letters: identity, passport, account, telephone numbers and such."""

from __future__ import annotations

import re
from collections.abc import Iterator

from portal.masking.rules import (
    ACCOUNT,
    BARRIER,
    BIRTHDAY,
    EMAIL,
    END,
    GAP,
    HAN,
    HEALTH_CARD,
    IDENTITY,
    MESSENGER,
    NAME_BARRIER,
    PASSPORT,
    PHONE,
    PLATE,
    START,
    Rule,
    Span,
    apply,
    holds_one,
)

_DIGIT = re.compile("[0-9]")
# Every number but dates and plates has seven digits or more, whatever signs are between.
_SEVEN_DIGITS = re.compile(r"[0-9](?:[ \-._()]{0,3}[0-9]){6}")
_WRITTEN_MONTH = re.compile("年 ?[一二三四五六七八九十]{1,2} ?月")


def find(text: str) -> Iterator[Span]:
    """Spans of a narrow text; they may overlap."""
    if "@" in text:
        yield from apply(_EMAILS, text)
    if _DIGIT.search(text):
        yield from apply(_WITH_DIGITS, text)
    if _SEVEN_DIGITS.search(text):
        yield from apply(_WITH_MANY_DIGITS, text)
    if "生" in text and _WRITTEN_MONTH.search(text):
        yield from apply(_CHINESE_BIRTHDAYS, text)
    if holds_one(text, _APP_WORDS):
        yield from apply(_MESSENGERS, text)
    yield from apply(_WRITTEN_PHONES, text)


_EMAILS = (
    Rule(
        EMAIL,
        re.compile(
            r"(?<![A-Za-z0-9._%+'\-])[A-Za-z0-9._%+'\-]{1,64} ?@ ?"
            r"[A-Za-z0-9\-]{1,63}(?: ?\.[A-Za-z0-9\-]{1,63}){1,8}"
        ),
    ),
)

# First letter of an identity number → its two digits; the order is the Ministry of the Interior's.
_LETTERS = {letter: value for value, letter in enumerate("ABCDEFGHJKLMNPQRSTUVXYWZIO", start=10)}


def _identity_valid(match: re.Match[str]) -> bool:
    """Check digit of identity and residence numbers (second place 8 or 9, a letter in the old form)."""
    code = match.group().replace(" ", "").upper()
    first, second = _LETTERS[code[0]], code[1]
    digits = [first // 10, first % 10, _LETTERS[second] % 10 if second.isalpha() else int(second)]
    digits += map(int, code[2:])
    weights = (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=True)) % 10 == 0


_IDENTITIES = (
    Rule(IDENTITY, re.compile(rf"{START}[A-Za-z] ?[1289A-Da-d][0-9]{{8}}{END}"), _identity_valid),
    # Where the writer calls it one, a mistyped check digit or signs between the digits do not matter.
    Rule(
        IDENTITY,
        re.compile(
            rf"(?:身[分份][證証证]|居留[證证]|[統统]一?[證证][號号]|[證证]件?[號号]|ARC|ID){GAP}{{0,12}}"
            rf"(?P<hide>[A-Za-z][ \-]?[1289A-Da-d](?:[ \-]?[0-9]){{8}}){END}"
        ),
        needs=("證", "証", "证", "ARC", "ID"),
    ),
)

_CARDS = (
    Rule(
        PASSPORT,
        re.compile(
            rf"(?:護照|护照|[Pp]assport|PASSPORT)[^0-9\n{BARRIER}{NAME_BARRIER}]{{0,12}}?"
            rf"(?P<hide>{START}[A-Za-z]{{0,2}}[0-9]{{7,9}}){END}"
        ),
        needs=("護照", "护照", "assport", "PASSPORT"),
    ),
    Rule(
        HEALTH_CARD,
        re.compile(rf"健保(?:IC)?卡{GAP}{{0,8}}(?P<hide>[0-9](?:[ \-]?[0-9]){{11}}){END}"),
        needs=("健保",),
    ),
)


def _date_valid(match: re.Match[str]) -> bool:
    return 1 <= int(match["month"]) <= 12 and 1 <= int(match["day"]) <= 31


# 發生於, 先生于, 學生於 end with the same sign.
_ELSE = "先醫医學学發发產产考招師师民新寄原"
_BORN = rf"(?:生日|出生(?:年月日|日期|於)?|(?<![{_ELSE}])生[於于]|DOB|[Bb]irthday|date of birth)"
_BORN += rf"{GAP}{{0,4}}?"
_BORN_WORDS = ("生", "DOB", "irth")
_ERA = "(?:民國 ?|民国 ?|西元 ?)?"
_DATE = (
    rf"(?P<hide>{_ERA}[0-9]{{2,4}} ?[年./\-] ?(?P<month>[0-9]{{1,2}}) ?[月./\-] ?"
    r"(?P<day>[0-9]{1,2})(?![0-9])(?: ?[日号號])?)"
)
_COMPACT = (
    r"(?P<hide>(?:0?[0-9]{2}|1[0-9]{2}|(?:19|20)[0-9]{2})"
    r"(?P<month>0[1-9]|1[0-2])(?P<day>[0-2][0-9]|3[01]))(?![0-9])"
)
_FIGURE = "[零〇○一二三四五六七八九十]"
_WRITTEN = (
    rf"{_ERA}[零〇○一二三四五六七八九十百]{{1,5}} ?年 ?{_FIGURE}{{1,3}} ?月 ?{_FIGURE}{{1,3}} ?[日号號]"
)
# 生產, 生效, 生活 …: the day on which something else began. 生日 after a date is a birthday.
_IS_BORN = r"(?= ?(?:出生|生(?![產产效成長长病鏽活意])))"

_BIRTHDAYS = (
    Rule(BIRTHDAY, re.compile(_BORN + _DATE), _date_valid, _BORN_WORDS),
    Rule(BIRTHDAY, re.compile(_BORN + _COMPACT), needs=_BORN_WORDS),
    Rule(BIRTHDAY, re.compile(rf"(?<![0-9]){_DATE}{_IS_BORN}"), _date_valid, ("生",)),
)
_CHINESE_BIRTHDAYS = (
    Rule(BIRTHDAY, re.compile(rf"{_BORN}(?P<hide>{_WRITTEN})")),
    Rule(BIRTHDAY, re.compile(f"{_WRITTEN}{_IS_BORN}")),
)


def _luhn(match: re.Match[str]) -> bool:
    """Check digit of payment cards: ISO/IEC 7812-1, annex B."""
    digits = [int(char) for char in reversed(match["hide"]) if char.isdigit()]
    doubled = (digit * 2 - 9 * (digit > 4) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


_ACCOUNT_WORDS = "(?:帳|账|帐)(?:號|号|戶|户)|[局戶户][號号]|戶頭|户头"
_BANK_WORDS = (
    "匯[款入到至]|退[至到]|汇[款入到至]|轉帳|转账|銀行|银行|郵局|邮局|分行|農會|信用合作社|合作金庫|合庫|中國信託|國泰世華|"
    "台新|玉山|兆豐|富邦|土銀|存簿|存摺"
)
_BANK_CODE = rf"(?:\(?[0-9]{{3}}\)?{GAP}{{1,8}})??"
# An amount follows the same words: 匯款1200000元.
_NOT_MONEY = r"(?! ?[元萬塊])(?![,.][0-9])"

_ACCOUNTS = (
    Rule(
        ACCOUNT,
        re.compile(
            rf"(?:{_ACCOUNT_WORDS}){GAP}{{0,12}}"
            rf"(?P<hide>(?:\([0-9]{{3}}\) ?)?[0-9](?:[ \-]?[0-9]){{6,18}}){END}{_NOT_MONEY}"
        ),
        needs=("帳", "账", "帐", "局", "戶", "户"),
    ),
    Rule(
        ACCOUNT,
        re.compile(
            rf"(?:{_BANK_WORDS}){GAP}{{0,12}}{_BANK_CODE}"
            rf"(?P<hide>(?:\([0-9]{{3}}\) ?)?[0-9](?:[ \-]?[0-9]){{9,18}}){END}{_NOT_MONEY}"
        ),
    ),
    Rule(ACCOUNT, re.compile(rf"卡[號号]{GAP}{{0,6}}(?P<hide>[0-9](?:[ \-]?[0-9]){{13,18}}){END}")),
    # Without a word for it, only with a card's check digit, and not where an order or a serial is spoken of.
    Rule(
        ACCOUNT,
        re.compile(
            rf"(?<![單编編號号序條碼])(?<![號号单單碼] ){START}"
            rf"(?P<hide>[3-6][0-9]{{3}}(?:[ \-]?[0-9]{{4}}){{3}}){END}"
        ),
        _luhn,
    ),
)

# 0800 and 0809 are free lines of agencies and firms, no one's own.
_SIGN = r"[ \-._()]{0,3}"
_EXTENSION = r"(?: ?(?:#|\*|轉分機|转|轉|分機|分机|[Ee][Xx][Tt]\.?) ?[0-9]{1,6})?"
_AREA = "(?:2|37|3|49|4|5|6|7|826|836|82|89|8)"


def _line_valid(match: re.Match[str]) -> bool:
    """Area code and number together have nine or ten digits."""
    digits = re.sub(r"[^0-9]", "", match["line"])
    national = digits.removeprefix("886")
    return 9 <= len(national.removeprefix("0")) + 1 <= 10


_PHONES = (
    Rule(  # mobile: 0912-345-678, 0912345678, +886 912 345 678, and typed one by one
        PHONE,
        re.compile(
            rf"(?:\+886{_SIGN}0?{_SIGN}|{START}886{_SIGN}0?|{START}(?<!第)\(?0{_SIGN})9"
            rf"(?:[ \-._()]{{0,3}}[0-9]){{8}}{END}(?!號)"
        ),
        lambda match: not re.match(r"[0-9]{4}\.[0-9]{1,2}\.[0-9]{1,2}", match.group()),
    ),
    Rule(  # land line with area code and perhaps an extension: (02)2343-1700 轉 123
        PHONE,
        re.compile(
            rf"(?P<line>(?:\+886{_SIGN}0?|{START}886{_SIGN}0?|{START}\(?0 ?){_AREA}{_SIGN}"
            rf"[2-9](?:[ \-]{{0,2}}[0-9]){{4,7}}){END}{_EXTENSION}"
        ),
        _line_valid,
    ),
    Rule(  # land line without area code, only where the writer calls it one
        PHONE,
        re.compile(
            rf"(?:電話|电话|手機|手机|市話|傳真|传真|[Tt][Ee][Ll]|(?:住家|家裡|公司|聯絡)(?=[2-9])){GAP}{{0,6}}"
            rf"(?P<hide>[2-9][0-9]{{2,3}}[ \-]?[0-9]{{4}}{END}{_EXTENSION})"
        ),
        needs=("話", "话", "機", "机", "傳真", "传真", "el", "EL", "家", "公司", "聯絡"),
    ),
)

_VEHICLES = ("車", "车", "牌照")
_PLATE = (
    r"(?:[A-Za-z]{2,3}[ \-]{0,2}[0-9]{3,4}|[0-9]{3,4}[ \-]{0,2}[A-Za-z]{2}"
    r"|[0-9]{3,4}-[A-Za-z0-9]{2}|[A-Za-z][0-9]-[0-9]{3,4}|[0-9][A-Za-z]-[0-9]{4}|[A-Za-z]{2,3}-[A-Za-z0-9]{3,4})"
    r"(?![A-Za-z0-9\-])"
)
_PLATE_WITH_DASH = r"(?:[A-Z]{2,3}-[0-9]{3,4}|[0-9]{3,4}-[A-Z]{2,3})(?![A-Za-z0-9\-])"


_STANDARDS = re.compile(r"(?:CNS|ISO|IEC|JIS|SAE|NTC|DIN|EN|UL|USB)[ \-]")


def _plate_valid(match: re.Match[str]) -> bool:
    """Standards and models look like plates."""
    return not _STANDARDS.match(match["hide"]) and not re.search("型|款|標準", match.group())


_PLATES = (
    Rule(
        PLATE,
        re.compile(rf"(?:[車车]牌|[車车][號号]|牌照){GAP}{{0,14}}(?P<hide>(?=[^0-9]{{0,5}}[0-9]){_PLATE})"),
        needs=_VEHICLES,
    ),
    Rule(
        PLATE,
        re.compile(
            rf"(?:[車车黃]|騎|搭乘?|駕駛|{BARRIER} ?[和與及、,]){GAP}{{0,3}}"
            rf"(?P<hide>{START}{_PLATE_WITH_DASH})"
        ),
        _plate_valid,
    ),
    # Product models look alike, so a vehicle must follow.
    Rule(
        PLATE,
        re.compile(rf"(?P<hide>{START}{_PLATE_WITH_DASH})(?= ?[的這这那]?[{HAN}]{{0,3}}[車车](?![用充]))"),
        _plate_valid,
        _VEHICLES,
    ),
)

_APP_WORDS = (
    "LINE", "Line", "line", "WeChat", "Wechat", "wechat", "Telegram", "telegram", "WhatsApp", "Whatsapp",
    "whatsapp", "Instagram", "instagram", "IG", "ig", "微信", "賴",
)  # fmt: skip
_APPS = f"(?<![A-Za-z])(?:{'|'.join(_APP_WORDS)})"
_QUOTE = "[「『(]?"
_IDENTIFIER = r"@?[A-Za-z0-9][A-Za-z0-9._\-]{3,29}(?![A-Za-z0-9@班])"

_MESSENGERS = (
    Rule(
        MESSENGER,
        re.compile(
            rf"{_APPS}的? ?(?:(?:[Ii][Dd]|帳號|帐号|账号|號|号)[是為为 :]{{0,3}}|[是為为:我] ?){_QUOTE}"
            rf"(?P<hide>{_IDENTIFIER})"
        ),
    ),
    # Without a word between, an identifier shows by a digit or a sign: LINE Notify is a service.
    Rule(
        MESSENGER,
        re.compile(
            rf"{_APPS} ?(?:我|搜尋|搜)? ?{_QUOTE}"
            rf"(?P<hide>(?=[A-Za-z@]{{1,20}}[0-9._\-]?[A-Za-z._]{{0,9}}[0-9_]){_IDENTIFIER})"
        ),
    ),
)

_WRITTEN_PHONES = (Rule(PHONE, re.compile("[零〇○]九[零〇○一二三四五六七八九]{8}")),)
_WITH_DIGITS = (*_BIRTHDAYS, *_PLATES)
_WITH_MANY_DIGITS = (*_IDENTITIES, *_CARDS, *_ACCOUNTS, *_PHONES)
