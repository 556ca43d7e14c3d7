"""Addresses down to the house number. A road, a district or a shop without one is nobody's home."""

from __future__ import annotations

import re
from collections.abc import Iterator

from portal.masking.rules import ADDRESS, HAN, Span

# An address is found from its street and house number, then followed back to its county.
_COUNT = "[0-9零〇一二三四五六七八九十百]{1,5}"
_FLOOR = rf"(?:(?:地下)? ?{_COUNT} ?(?:樓|楼|[Ff](?![A-Za-z]))|B[0-9]{{1,2}}(?![0-9A-Za-z]))"
_AFTER_NUMBER = (
    rf"(?: ?之 ?{_COUNT})?(?: ?[,、]? ?{_FLOOR})?(?: ?[之\-] ?{_COUNT})?(?: ?(?:{_COUNT}|[A-Z]) ?室)?"
)
_NUMBER = rf"(?<!第){_COUNT}(?: ?[之\-] ?{_COUNT}){{0,2}} ?[號号](?![機机線线出櫃柜窗攤摊公]){_AFTER_NUMBER}"
_LANES = rf"(?: ?{_COUNT} ?段)?(?: ?[{HAN}]{{0,4}}?(?:{_COUNT} ?)?巷)?(?: ?{_COUNT} ?弄)?"
_HOUSE = re.compile(
    rf"(?:(?<![公網网線线電电鐵铁])路|街|大道|(?:[村里]|部落)(?: ?{_COUNT} ?[鄰邻])?){_LANES} ?{_NUMBER}"
)
# 富世村富世291號: a settlement in a village of a township, without a road.
_SETTLEMENT = re.compile(
    rf"[鄉鎮市區乡镇区][{HAN}]{{1,3}}[村里](?: ?{_COUNT} ?[鄰邻])?[{HAN}]{{1,4}}{_NUMBER}"
)

_REACH = 30
_BEFORE = re.compile(rf"[{HAN}0-9 \-]{{1,{_REACH}}}$")
_POSTCODE = r"(?:(?<![0-9])[0-9]{3,6} ?)?"
_COUNTY = re.compile(
    rf"{_POSTCODE}(?:[臺台][北中南東东]|新北|桃[園园]|高雄|基隆|新竹|嘉[義义]|苗栗|彰化|南投|[雲云]林|屏[東东]|宜[蘭兰]|"
    "花[蓮莲]|澎湖|金[門门]|[連连]江)[市縣县]"
)
_TOWN = re.compile(
    rf"{_POSTCODE}(?:那瑪夏|阿里山|三地門|太麻里|[東西南北中](?=區)|[{HAN}]{{2}})[區鄉鎮市区乡镇](?!場|民大道)"
)
_LEAD_IN = re.compile(
    "住在|居住[於在]|[位住]於|位在|(?:地|住)址[是為在]?|[戶户]籍[是為在]?|[住寄送][到至]?|"
    "[在於到至是的去往將将把請请]| "
)


def find(text: str) -> Iterator[Span]:
    """Spans of a narrow text; they may overlap."""
    if "號" not in text and "号" not in text:
        return
    for pattern in (_HOUSE, _SETTLEMENT):
        for house in pattern.finditer(text):
            yield Span(ADDRESS, _beginning(text, house.start()), house.end())


def _beginning(text: str, house: int) -> int:
    """Where the address begins whose street or village ends at `house`: county, town, or street."""
    before = _BEFORE.search(text, max(0, house - _REACH), house)
    if not before:
        return house
    for pattern in (_COUNTY, _TOWN):
        # A county's name stands whole. A town's two characters are counted from a word that leads in.
        begin = before.start() if pattern is _COUNTY else _after_lead_in(text, before.start(), house)
        if place := pattern.search(text, begin, house):
            return place.start()
    return max(_after_lead_in(text, before.start(), house), house - 5)


def _after_lead_in(text: str, start: int, end: int) -> int:
    leads = [lead.end() for lead in _LEAD_IN.finditer(text, start, end) if lead.end() < end]
    return leads[-1] if leads else start
