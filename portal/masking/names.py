"""Names of persons, found from the words around them: a label, a relation, a title, a signature.

A name is a surname and one or two characters more. Without a word that says so, only what is made of a
common surname and two characters usual in given names is taken for one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from portal.masking.name_words import (
    DOUBLE_SURNAMES,
    LABELS,
    NEVER_GIVEN,
    NOT_GIVEN,
    PERSON_ENDS,
    RARE_SURNAMES,
    RELATIONS,
    SURNAMES,
    TITLES,
    USUAL_GIVEN,
    WEAK_TITLES,
    WORD_ENDS,
    WORD_LIKE,
    begins_a_word,
)
from portal.masking.rules import BARRIER, HAN, NAME, Rule, Span, apply, holds_one


def _without(letters: str, excluded: str) -> str:
    return "".join(letter for letter in letters if letter not in excluded)


def _han_without(excluded: str) -> str:
    """The inside of a class: every Chinese character but these. Faster than looking ahead at each."""
    bounds = [0x4DFF, *sorted(set(map(ord, excluded))), 0xA000]
    return "".join(f"{chr(low + 1)}-{chr(high - 1)}" for low, high in pairwise(bounds) if high - low > 1)


_ONE = f"[{SURNAMES}{RARE_SURNAMES}]"
_SURE_ONE = f"[{_without(SURNAMES + RARE_SURNAMES, WORD_LIKE)}]"
_GIVEN = f"[{_han_without(NEVER_GIVEN)}]"
_USUAL = f"[{_without(''.join(USUAL_GIVEN), NEVER_GIVEN)}]"
# Of any surname; of a surname that is seldom the beginning of a word; of three characters.
_FULL = rf"(?:(?:{DOUBLE_SURNAMES}){_GIVEN}{{1,2}}|{_ONE}{_GIVEN}{{1,2}})"
_SURE = rf"(?:(?:{DOUBLE_SURNAMES}){_GIVEN}{{1,2}}|{_SURE_ONE}{_GIVEN}{{1,2}})"
_SURE_SURNAME = rf"(?:{DOUBLE_SURNAMES}|{_SURE_ONE})"
_SURNAME = rf"(?:{DOUBLE_SURNAMES}|{_ONE})"
_VIETNAMESE = rf"[阮黎武裴范潘陳]氏{_GIVEN}"
_APART = rf"(?:{_ONE}(?: {_GIVEN}){{1,2}}(?![{HAN}]))"
_INDIGENOUS = rf"(?:[{HAN}]{{1,6}}[・‧·•.][{HAN}]{{1,6}})"
_LATIN = r"[A-Z][A-Za-z.'\-]{1,20}(?: [A-Z][A-Za-z.'\-]{0,20}){0,3}"
_NO_HAN = rf"(?![{HAN}])"
_SURE_THREE = rf"{_SURE_ONE}{_GIVEN}{{2}}"
_THREE = rf"{_ONE}{_GIVEN}{{2}}"
_WHO = "|".join(RELATIONS)
_LABEL = "|".join(LABELS)
_PEOPLE = tuple({*RELATIONS, *WEAK_TITLES})
_ENDINGS = ("敬上", "謹上", "謹啟", "敬啟", "敬启", "謹呈", "敬筆", "謹誌")
_GREETINGS = ("時祺", "安康", "順心", "平安", "謝謝", "感謝", "謹此")
_OWNED = ("的委託書", "的身分證", "的身份證", "的帳號", "的電話", "的手機", "的地址", "的簽名", "的名義")


def _valid(match: re.Match[str]) -> bool:
    """Not a word that begins like a name, and not the end of a word before it."""
    start = match.start("hide")
    before = match.string[max(0, start - 2) : start]
    hidden = match["hide"]
    # 感謝張小姐, 謝謝林小姐: the 謝 thanks; in 謝謝謝小姐 the third one is the name.
    thanks = hidden[0] in "謝谢" and before[-1:] in tuple("感謝谢多致") and before not in ("謝謝", "谢谢")
    return not thanks and not begins_a_word(hidden) and before[-1:] + hidden[0] not in WORD_ENDS


def _valid_alone(match: re.Match[str]) -> bool:
    """Besides, two characters are a name only where no third follows."""
    hidden, end = match["hide"], match.end("hide")
    return _valid(match) and (len(hidden) > 2 or not re.match(f"[{HAN}]", match.string[end : end + 1]))


def _half_usual(match: re.Match[str]) -> bool:
    given = match["hide"][1:]
    return given not in TITLES and not USUAL_GIVEN.isdisjoint(given) and _valid(match)


def _usual(match: re.Match[str]) -> bool:
    return match["hide"][1:] not in NOT_GIVEN and _valid(match)


_UNSAID = re.compile("不|同上|同前|如|無|保密|匿名|本人|詳|略|未|姓名|某|民眾|公司|業者|老闆|路人")


def _said(match: re.Match[str]) -> bool:
    return not _UNSAID.match(match["hide"])


_LABELLED = (
    # 姓名：… — after a colon whatever stands alone is the name.
    Rule(
        NAME,
        re.compile(
            rf"(?:{_LABEL}) ?: {{0,2}}(?P<hide>{_APART}|{_INDIGENOUS}|[{HAN}]{{2,4}}{_NO_HAN}|{_FULL})"
        ),
        _said,
    ),
    Rule(NAME, re.compile(rf"(?:{_LABEL})[是為为 :]{{1,3}}(?P<hide>{_LATIN})")),
    # 承辦人黃志強, 鄰居 陳水, 我先生王大明: with nothing or a gap between.
    Rule(NAME, re.compile(rf"(?:{_LABEL})[是為为叫]? ?(?P<hide>{_FULL})"), _valid_alone),
)
_BESIDE_A_WORD = (
    Rule(NAME, re.compile(rf"(?:{_WHO}) ?(?P<hide>[A-Z][a-z]{{1,20}} [A-Z][a-z]{{1,20}})")),
    Rule(NAME, re.compile(rf"(?:{_WHO})(?:姓名)?[是為为叫]? ?(?P<hide>{_SURE})"), _valid_alone),
    Rule(
        NAME,
        re.compile(rf"(?P<hide>{_SURE}|{_SURE_SURNAME})(?= ?(?:{'|'.join(WEAK_TITLES)}))"),
        _valid,
    ),
)
_TOLD = (
    Rule(
        NAME,
        re.compile(rf"(?:[Mm]y name is|(?<![A-Za-z])(?:Mr|Mrs|Ms|Miss)\b\.?) (?P<hide>{_LATIN})"),
        needs=("name is", "Mr", "Ms", "Miss"),
    ),
    Rule(
        NAME,
        re.compile(rf"(?:我叫做?|(?:我的)?名字[是叫]|名叫) ?(?P<hide>{_INDIGENOUS}|{_FULL})"),
        _valid,
        ("我叫", "名字", "名叫"),
    ),
    Rule(NAME, re.compile(rf"(?:我是|本人(?:是|叫)?|敝姓|我姓) ?(?P<hide>{_FULL}){_NO_HAN}"), _valid),
    Rule(NAME, re.compile(rf"本人(?P<hide>(?=.{{3}}){_SURE})"), _valid_alone, ("本人",)),
    Rule(
        NAME,
        re.compile(rf"(?:[敝我他她人]姓|姓氏:?|我是) ?(?P<hide>{_SURNAME}){_NO_HAN}"),
        needs=("姓", "我是"),
    ),
    Rule(
        NAME,
        re.compile(rf"(?<![百老同貴大國原])姓(?P<hide>{_SURNAME})(?=的|先生|小姐|{_NO_HAN})"),
        needs=("姓",),
    ),
    Rule(
        NAME,
        re.compile(rf"(?:^|[^{HAN}]|[名某被位的])(?P<hide>{_SURNAME})(?=姓[{HAN}])", re.M),
        _valid,
        ("姓",),
    ),
    Rule(NAME, re.compile(rf"[由經](?P<hide>{_SURE})(?=簽|代|收|承辦|受理|經手|轉)"), _valid, ("由", "經")),
)
_TITLED = (
    # 張大同先生, 林小姐. 許多老師 and 高中老師 are stopped by the words that begin so.
    Rule(NAME, re.compile(rf"(?P<hide>{_SURE}|{_SURNAME})(?= ?(?:{'|'.join(TITLES)}))"), _valid, TITLES),
    Rule(NAME, re.compile(rf"(?P<hide>(?!古){_SURE_SURNAME})(?=董{_NO_HAN})"), _valid, ("董",)),
    Rule(NAME, re.compile(rf"(?P<hide>{_SURE})(?={'|'.join(_OWNED)})"), _valid, _OWNED),
)
_UNTOLD = (
    # 值班人員許嘉芸, 表哥蘇柏安: after the end of any word for a person, if it sounds like a name.
    Rule(NAME, re.compile(rf"[{PERSON_ENDS}][為是叫:]?(?P<hide>{_SURE_THREE})"), _half_usual),
    # Anywhere, if all of it sounds like a name.
    Rule(NAME, re.compile(rf"(?P<hide>[{_without(SURNAMES, WORD_LIKE)}]{_USUAL}{{2}})"), _usual),
    Rule(NAME, re.compile(rf"(?<![{HAN}])(?P<hide>{_VIETNAMESE}){_NO_HAN}")),
    # 黃、林兩位小姐; 方姐說 …
    Rule(
        NAME,
        re.compile(rf"(?P<hide>{_SURE_SURNAME})(?=[、和與及]{_ONE}(?:[兩二]位)?(?:{'|'.join(TITLES)}))"),
        _valid,
    ),
    Rule(
        NAME,
        re.compile(rf"(?<![{HAN}])(?P<hide>{_SURE_SURNAME})(?=[姐姊哥嫂](?![姐姊哥嫂夫妹弟]))"),
        _valid,
        tuple("姐姊哥嫂"),
    ),
)
_SIGNED = (
    Rule(NAME, re.compile(rf"(?P<hide>{_FULL})(?= ?(?:{'|'.join(_ENDINGS)}))"), _valid, _ENDINGS),
    # A bare 上 closes a letter only after a name that stands by itself: 尤其早上 is a time of day.
    Rule(NAME, re.compile(rf"(?:^|[ ,。!])(?P<hide>{_FULL})(?= ?上[ 。]{{0,4}}$)", re.M), _valid, ("上",)),
    Rule(
        NAME,
        re.compile(rf"(?:^|[ 。!,])(?P<hide>{_THREE})(?= {{0,2}}(?:民國 ?)?1[0-9]{{2}}[年./])", re.M),
        _valid,
        ("年", ".", "/"),
    ),
    Rule(
        NAME,
        re.compile(rf"(?:{'|'.join(_GREETINGS)})[ ,。!\n]{{1,3}}(?P<hide>{_THREE})\Z"),
        _valid,
        _GREETINGS,
    ),
    # Beside what is hidden as someone's own.
    Rule(
        NAME, re.compile(rf"(?<![{HAN}])(?P<hide>{_FULL})(?=[ ,、:(/]{{0,3}}{BARRIER})"), _valid, (BARRIER,)
    ),
)
_OTHERS = (*_TOLD, *_TITLED, *_UNTOLD, *_SIGNED)


def find(text: str) -> Iterator[Span]:
    """Spans of a narrow text; they may overlap."""
    if holds_one(text, LABELS):
        yield from apply(_LABELLED, text)
    if holds_one(text, _PEOPLE):
        yield from apply(_BESIDE_A_WORD, text)
    yield from apply(_OTHERS, text)
