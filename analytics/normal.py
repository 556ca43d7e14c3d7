"""Folding spellings that mean the same, in one place, and the way back to what was written.

`normalise` is the fast way; `align` does the same steps and keeps, for every character, where it came
from, so that a highlight found in the clean text falls on the writer's own words.
"""

from __future__ import annotations

import re
import unicodedata

from portal import folding
from portal.folding import Aligned, Step, fold, narrow

__all__ = ["MAX_CHARS", "Aligned", "align", "fold", "normalise"]

MAX_CHARS = 20_000
"""Characters of one letter that count. A pasted megabyte must not hold up everybody else's letters."""

URL_CLASS = "<url>"
EMAIL_CLASS = "<email>"
NUMBER_CLASS = "<number>"
GLAD_CLASS, CROSS_CLASS, EMOJI_CLASS = "<glad>", "<cross>", "<emoji>"

_CJK = r"\u3400-\u9fff\uf900-\ufaff\u3000-\u303f\uff00-\uffef"
# Seven digits or more, perhaps grouped: telephones, case numbers, tariff codes. CNS numbers (at most five
# digits) carry meaning and stay.
_NUMBER = re.compile(r"(?<!\d)\d(?:[.\-/]?\d){6,}")
_URL = re.compile(r"(?:https?://|www\.)[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+;=%]+", re.IGNORECASE)
_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9._%+\-]{1,64}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){1,8}"
)
_GLAD = re.compile("[👍👌👏🙏😀-😆😇😊-😎🙂🤗🥰🥳❤💕-💗💯🎉✨👼💪😻]+")
_CROSS = re.compile("[👎😑😒😓😔😕😖😞-😢😣-😫😭-😱😾🙁🙃🙄🤔🤢-🤮🤬🥲🥵💢💩😤☹]+")
_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf\u2b00-\u2bff]+")
_LINE_BREAKS = re.compile(r"\s*[\n\r\u2028\u2029\x85]\s*")
_BLANKS = re.compile(r"[^\S\n]+")
_BLANK_IN_CJK = re.compile(rf"(?<=[{_CJK}])[^\S\n]+(?=[{_CJK}])")

# What happens to a text after width folding, in order. Steps are taken only when their mark is in the text.
_STEPS: tuple[tuple[re.Pattern[str], tuple[Step, ...]], ...] = (
    (re.compile("臺"), ((re.compile("臺"), "台"),)),
    (re.compile(r"://|www\.", re.IGNORECASE), ((_URL, URL_CLASS),)),
    (re.compile("@"), ((_EMAIL, EMAIL_CLASS),)),
    (re.compile(r"\d"), ((_NUMBER, NUMBER_CLASS),)),
    (_EMOJI, ((_GLAD, GLAD_CLASS), (_CROSS, CROSS_CLASS), (_EMOJI, EMOJI_CLASS))),
    (re.compile(r"\s"), ((_LINE_BREAKS, "\n"), (_BLANKS, " "), (_BLANK_IN_CJK, ""))),
)
# Most short letters are nothing but these, and then width is all there is to fold.
_PLAIN = re.compile("[\u3400-\u81f9\u81fb-\u9fff，。、？！；：（）「」]*")  # 臺 is U+81FA


def normalise(text: str) -> str:
    """Fold spellings that mean the same: width (NFKC), 臺/台, invisible characters, blanks inside Chinese.

    Web addresses, e-mail addresses, numbers of seven digits or more and emoji become class tokens: which one
    it is says nothing about the topic, and personal data stay out of the vocabulary. Emoji keep whether they
    are glad or cross. Only the first `MAX_CHARS` characters count. Never raises, whatever the string holds.
    """
    text = text[: 4 * MAX_CHARS]
    if _PLAIN.fullmatch(text):
        return unicodedata.normalize("NFKC", text)[:MAX_CHARS]
    text = narrow(text)
    for mark, steps in _STEPS:
        if mark.search(text):
            for pattern, replacement in steps:
                text = pattern.sub(replacement, text)
    return text.strip()[:MAX_CHARS]


def align(text: str) -> Aligned:
    """`normalise`, with the way back. Several times slower: for showing one letter, not for reading many."""
    found = folding.align(text[: 4 * MAX_CHARS], [step for _, steps in _STEPS for step in steps])
    clean = found.clean
    left, right = len(clean) - len(clean.lstrip()), len(clean.rstrip())
    return found.cut(left, max(left, min(right, left + MAX_CHARS)))
