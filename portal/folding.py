"""Folding spellings that mean the same, and the way back to what was written.

What a text is folded to depends on the reader: the classifier (`analytics.normal`) and the search
(`portal.fulltext`) give their own steps. What they share is here: width, script, case, what nobody sees.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\ud800-\udfff\ue000-\uf8ff"
    "\U0001f3fb-\U0001f3ff\U000e0000-\U000e0fff\U000f0000-\U0010ffff]+"
)

Step = tuple[re.Pattern[str], str]
"""A pattern and what stands for it in the folded text."""


@cache
def _one_script() -> dict[int, str]:
    """Traditional→Simplified and A→a, one character to one character.

    OpenCC is loaded on first use: a web process that never searches does without its 8 MB.
    """
    import opencc

    characters = "".join(map(chr, range(0x3400, 0xA000)))
    simplified = opencc.OpenCC("t2s").convert(characters)
    if len(simplified) != len(characters):
        raise RuntimeError("OpenCC 的字元表不是一對一，無法保留文字位置。")
    table = {ord(a): b for a, b in zip(characters, simplified, strict=True) if a != b}
    return table | {code: chr(code + 32) for code in range(ord("A"), ord("Z") + 1)}


def fold(text: str) -> str:
    """The same text in one script and one case, of the same length: for comparing, never for showing."""
    return text.translate(_one_script())


def narrow(text: str) -> str:
    """Compatible characters as one (NFKC: full and half width), without what nobody sees."""
    return INVISIBLE.sub("", unicodedata.normalize("NFKC", INVISIBLE.sub("", text)))


@dataclass(frozen=True, slots=True)
class Aligned:
    """A folded text and, for each of its characters, the span of the original it came from."""

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

    def cut(self, start: int, end: int) -> Aligned:
        """The characters `start` to `end` alone."""
        return Aligned(self.clean[start:end], self.starts[start:end], self.ends[start:end])


_Piece = tuple[str, int, int]


def align(text: str, steps: Sequence[Step] = ()) -> Aligned:
    """`narrow`, then the steps, with the way back. Several times slower than without."""
    pieces = [(char, at, at + 1) for at, char in enumerate(text)]
    pieces = _replace(pieces, INVISIBLE, "")
    pieces = _replace(_widths(pieces), INVISIBLE, "")
    for pattern, replacement in steps:
        pieces = _replace(pieces, pattern, replacement)
    return Aligned(
        _joined(pieces), tuple(start for _, start, _ in pieces), tuple(end for _, _, end in pieces)
    )


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
