"""Folding spellings that mean the same, in one place, and the way back to what was written.

`normalise` is the fast way; `align` does the same steps and keeps, for every character, where it came
from, so that a highlight found in the clean text falls on the writer's own words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import opencc

MAX_CHARS = 20_000
"""Characters of one letter that count. A pasted megabyte must not hold up everybody else's letters."""

URL_CLASS = "<url>"
EMAIL_CLASS = "<email>"
NUMBER_CLASS = "<number>"
GLAD_CLASS, CROSS_CLASS, EMOJI_CLASS = "<glad>", "<cross>", "<emoji>"

_CJK = r"\u3400-\u9fff\uf900-\ufaff\u3000-\u303f\uff00-\uffef"
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\ud800-\udfff\ue000-\uf8ff"
    "\U0001f3fb-\U0001f3ff\U000e0000-\U000e0fff\U000f0000-\U0010ffff]+"
)
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

_Step = tuple[re.Pattern[str], str]
# What happens to a text after width folding, in order. Steps are taken only when their mark is in the text.
_STEPS: tuple[tuple[re.Pattern[str], tuple[_Step, ...]], ...] = (
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
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))
    text = _INVISIBLE.sub("", text)
    for mark, steps in _STEPS:
        if mark.search(text):
            for pattern, replacement in steps:
                text = pattern.sub(replacement, text)
    return text.strip()[:MAX_CHARS]


@dataclass(frozen=True, slots=True)
class Aligned:
    """A normalised text and, for each of its characters, the span of the original it came from."""

    clean: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Span of the original that holds the characters `start` to `end` of the clean text (end exclusive).

        Raises ValueError for an empty span or one outside of the text.
        """
        if not 0 <= start < end <= len(self.clean):
            raise ValueError(f"no span {start}:{end} in a text of {len(self.clean)} characters")
        return self.starts[start], max(self.ends[start:end])


_Piece = tuple[str, int, int]


def align(text: str) -> Aligned:
    """`normalise`, with the way back. Several times slower: for showing one letter, not for reading many."""
    pieces = [(char, at, at + 1) for at, char in enumerate(text[: 4 * MAX_CHARS])]
    pieces = _replace(pieces, _INVISIBLE, "")
    pieces = _replace(_widths(pieces), _INVISIBLE, "")
    for pattern, replacement in (step for _, steps in _STEPS for step in steps):
        pieces = _replace(pieces, pattern, replacement)
    clean = _joined(pieces)
    left, right = len(clean) - len(clean.lstrip()), len(clean.rstrip())
    kept = pieces[left : max(left, right)][:MAX_CHARS]
    return Aligned(_joined(kept), tuple(start for _, start, _ in kept), tuple(end for _, _, end in kept))


def _joined(pieces: list[_Piece]) -> str:
    return "".join(char for char, _, _ in pieces)


def _replace(pieces: list[_Piece], pattern: re.Pattern[str], replacement: str) -> list[_Piece]:
    """`pattern.sub` on characters that remember where they came from."""
    result: list[_Piece] = []
    done = 0
    for match in pattern.finditer(_joined(pieces)):
        result += pieces[done : match.start()]
        found = pieces[match.start() : match.end()]
        result += [(char, found[0][1], found[-1][2]) for char in replacement]
        done = match.end()
    return result + pieces[done:]


def _widths(pieces: list[_Piece]) -> list[_Piece]:
    """NFKC by clusters: what combines with each other is folded together and shares one origin."""
    text = _joined(pieces)
    if unicodedata.is_normalized("NFKC", text):
        return pieces
    result: list[_Piece] = []
    for start, end in _clusters(text):
        folded = unicodedata.normalize("NFKC", text[start:end])
        result += [(char, pieces[start][1], pieces[end - 1][2]) for char in folded]
    return result


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Spans that NFKC treats alone: it may reorder and join characters within one, never across."""
    start = 0
    for at in range(1, len(text)):
        if _begins_cluster(text[at]):
            yield start, at
            start = at
    if text:
        yield start, len(text)


def _begins_cluster(char: str) -> bool:
    folded = unicodedata.normalize("NFKD", char)
    # Hangul vowels and finals (U+1161–U+11FF) have class 0 and still join the consonant before them.
    return unicodedata.combining(folded[0]) == 0 and not "\u1161" <= folded[0] <= "\u11ff"


def _fold_table() -> dict[int, str]:
    """Traditional→Simplified and A→a, one character to one character."""
    characters = "".join(map(chr, range(0x3400, 0xA000)))
    simplified = opencc.OpenCC("t2s").convert(characters)
    if len(simplified) != len(characters):
        raise RuntimeError("OpenCC 的字元表不是一對一，無法保留文字位置。")
    table = {ord(a): b for a, b in zip(characters, simplified, strict=True) if a != b}
    return table | {code: chr(code + 32) for code in range(ord("A"), ord("Z") + 1)}


_FOLD = _fold_table()


def fold(text: str) -> str:
    """The same text in one script and one case, of the same length: for comparing, never for showing."""
    return text.translate(_FOLD)
