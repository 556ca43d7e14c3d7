"""Looking over a draft answer before it leaves: is it clear, founded, readable, and does it say how to go on.

Advice for the writer and for whoever signs it off. Nothing here stops an answer: a person knows better.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from portal.masking import ACCOUNT, BIRTHDAY, HEALTH_CARD, IDENTITY, MESSENGER, PASSPORT, PLATE, find
from portal.profile import ReplyCheck

KINDS_OF_LAW = "(?:法|條例|辦法|規則|標準|要點|細則)"
LAW = re.compile(
    rf"[《「][^》」]{{2,30}}{KINDS_OF_LAW}[》」]"
    rf"|{KINDS_OF_LAW}第\s*[\d０-９一二三四五六七八九十百]+\s*[條點]"
    r"|依(?:據)?[^，。；]{1,30}規定|CNS\s*\d+"
)
WHOM = re.compile(
    r"電話|分機|承辦人|洽詢|聯絡|聯繫|電子郵件|來信|訴願|陳情|申訴|\(?0\d{1,2}\)?[-\s]?\d{3,4}[-\s]?\d{3,4}"
)
SENTENCE_END = re.compile(r"[。！？!?；;\n]+")
FIELD = re.compile(r"\{[^{}\n]{1,20}\}|○{2,}|＿{2,}|_{3,}")
PRIVATE = (IDENTITY, HEALTH_CARD, PASSPORT, ACCOUNT, PLATE, BIRTHDAY, MESSENGER)
"""What an answer seldom needs; the names and telephones of the office belong into it."""

EXAMPLES = 3


def findings(text: str, rules: ReplyCheck) -> list[str]:
    """What to look at again, each a sentence for the writer, the weightiest first; empty when all is well."""
    return [
        *_unfinished(text),
        *_personal(text),
        *_unclear(text, rules),
        *_unfounded(text),
        *_without_a_way_on(text),
        *_hard_to_read(text, rules),
    ]


def _unfinished(text: str) -> Iterator[str]:
    if left := FIELD.findall(text):
        yield f"還有沒填的地方：{_some(left)}。"


def _personal(text: str) -> Iterator[str]:
    if kinds := [kind for kind in PRIVATE if any(span.kind == kind for span in find(text))]:
        yield f"內容有{_some(kinds)}；請確認需要寫出來，而且是來信人自己的。"


def _unclear(text: str, rules: ReplyCheck) -> Iterator[str]:
    hollow = [phrase for phrase in rules.hollow if phrase in text]
    if hollow:
        yield f"「{hollow[0]}」沒有說明結果；請寫出做了什麼、什麼時候會有結果。"
    if len(text) < rules.shortest:
        yield f"只有 {len(text)} 個字，請確認來信問的每一件事都答了。"


def _unfounded(text: str) -> Iterator[str]:
    if not LAW.search(text):
        yield "沒有寫依據的法規或標準；不需要時可以不寫。"


def _without_a_way_on(text: str) -> Iterator[str]:
    if not WHOM.search(text):
        yield "沒有寫還有疑問時可以找誰，或不服時可以怎麼做。"


def _hard_to_read(text: str, rules: ReplyCheck) -> Iterator[str]:
    for word, plain in rules.jargon.items():
        if word in text:
            yield f"「{word}」可以改成「{plain}」。"
    longest = max((part.strip() for part in SENTENCE_END.split(text)), key=len, default="")
    if len(longest) > rules.longest_sentence:
        yield f"有一句長 {len(longest)} 個字，分成幾句比較好讀：「{longest[:20]}…」。"


def _some(items: list[str]) -> str:
    return "、".join(items[:EXAMPLES])
