"""What the classifier reads in a text: words, single characters and character pairs.

jieba's own dictionary is Simplified, so plain jieba is poor at Traditional text. Every character is therefore
folded to its Simplified form (OpenCC's character table, one to one, so lengths and positions stay) before
segmentation; the words handed back are cut from the writer's own text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from analytics.normal import MAX_CHARS, align, fold, normalise
from analytics.segment import (
    TermsError,
    configure,
    dictionary_digest,
    read_terms,
    segment,
    synonyms,
)

__all__ = [
    "FEATURES_VERSION",
    "MAX_CHARS",
    "TermsError",
    "align",
    "analyse",
    "configure",
    "dictionary_digest",
    "fold",
    "folded",
    "has_phrase",
    "is_word",
    "normalise",
    "read_terms",
    "segment",
    "synonyms",
    "title_of",
    "tokenize",
]

FEATURES_VERSION = 2
"""Raise it when `analyse` or `normalise` changes: older models would then read letters wrongly."""

LONGEST_TITLE = 60
"""Characters of a first line that can be a subject; longer ones are the letter itself."""

_WORD = re.compile(r"\w")


def folded(text: str) -> str:
    """A text as it is compared: normalised, in one script and one case."""
    return fold(normalise(text))


def is_word(piece: str) -> bool:
    """Whether a piece of a text is more than punctuation."""
    return _WORD.search(piece) is not None


def title_of(clean: str) -> str:
    """The subject of a normalised letter: its first line, where it is short and more follows; else empty."""
    first, _, rest = clean.partition("\n")
    return first if rest and len(first) <= LONGEST_TITLE else ""


def tokenize(text: str) -> list[str]:
    """The words of a text as the writer spelt them (after `normalise`), without punctuation and blanks."""
    clean = normalise(text)
    words: list[str] = []
    start = 0
    for piece in segment(fold(clean)):
        end = start + len(piece)
        if is_word(piece):
            words.append(clean[start:end])
        start = end
    return words


def analyse(text: str) -> list[str]:
    """The features of one text: words of two characters or more, single characters and character pairs.

    This is the definition; `analytics.features` computes the same for many texts at once. A term's older
    name counts as its name of today.
    """
    text = folded(text)
    names = synonyms()
    features = [
        f"w:{names.get(piece, piece)}" for piece in segment(text) if len(piece) > 1 and is_word(piece)
    ]
    features += text
    features += map("".join, pairwise(text))
    return features


def has_phrase(text: str, phrases: Sequence[str]) -> bool:
    """Whether a folded text holds one of the folded phrases."""
    return any(phrase in text for phrase in phrases)
