"""What an issue is called: the words and names its letters share, as the writers spelt them, masked."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from analytics.issues.features import feature_names, opening_of
from analytics.text import fold, is_word, normalise, segment
from portal.masking import mask

WORDS = 4
"""Words or names in a label at most."""

LETTERS = 40
"""Letters of an issue that are read for its label, evenly spread."""

CHARACTERS = 1_000
"""Characters read of each: matter and place stand early."""

SHORTEST, LONGEST = 2, 8
"""Characters of a word or name of a label."""

PIECES = 3
"""Pieces of the segmenter that may stand together as one name."""

SHARED = 1 / 3
"""Share of the letters that must have a word before it can name them."""

# No name holds one of these as a piece by itself; compared in folded spelling.
_EMPTY = frozenset(
    fold("的了在是我你他它您和與及有不也就都對把被從到等之其這那以為所上下中個請要會將還很去來又或於並而且自")
)
_MASKED = re.compile(r"〔.{1,6}?〕")
_DATES = re.compile(r"[\d\W年月日时点分号]+")

Information = Callable[[Sequence[str]], float]
"""Feature names of a word (`feature_names`) → how much they tell, in nats."""


def label_of(texts: Sequence[str], information: Information) -> str:
    """Up to `WORDS` shared words and names, the most telling first, separated by 、.

    Each stands in a letter as it is written here. Personal data is masked before words are taken. Without a
    shared word, the masked opening of the first letter; empty when the letters have no words.
    """
    read = [mask(text[:CHARACTERS]) for text in _spread(texts)]
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for text in read:
        for key, spelt in dict(_phrases(text)).items():
            spellings[key][spelt] += 1
    titles = Counter(key for text in read for key in dict(_phrases(opening_of(text))))
    least = max(len(read) * SHARED, min(2, len(read)))
    shared = {key: found.total() + titles[key] for key, found in spellings.items() if found.total() >= least}
    chosen = _choose(shared, information)
    words = [min(spellings[key], key=lambda word: (-spellings[key][word], word)) for key in chosen]
    return "、".join(words) or _opening(read)


def _choose(shared: Mapping[str, int], information: Information) -> list[str]:
    """The phrases that tell most for the places they stand in, none of them a piece of another."""
    worth = {}
    for key, places in shared.items():
        names = feature_names(key)
        worth[key] = places * information(names) / math.sqrt(max(len(names), 1))
    chosen: list[str] = []
    for key in sorted(worth, key=lambda key: (-worth[key], key)):
        if worth[key] > 0 and not any(_overlap(key, other) for other in chosen):
            chosen.append(key)
        if len(chosen) == WORDS:
            break
    return chosen


def _overlap(one: str, other: str) -> bool:
    """Whether two phrases share a pair of characters, or one starts where the other ends."""
    touching = one[-1] == other[0] or one[0] == other[-1]
    return touching or any(one[at : at + 2] in other for at in range(len(one) - 1))


def _spread(texts: Sequence[str]) -> Sequence[str]:
    return texts[:: max(1, -(-len(texts) // LETTERS))]


def _phrases(text: str) -> Iterator[tuple[str, str]]:
    """Runs of one to `PIECES` pieces that could be a name: folded key and the writer's spelling."""
    for part in _MASKED.split(text):
        clean = normalise(part)
        spans = _spans(clean)
        for first in range(len(spans)):
            for start, end in spans[first : first + PIECES]:
                if _empty(clean[start:end]) or end - spans[first][0] > LONGEST:
                    break
                phrase = clean[spans[first][0] : end]
                if len(phrase) >= SHORTEST and not _DATES.fullmatch(key := fold(phrase)):
                    yield key, phrase


def _spans(clean: str) -> list[tuple[int, int]]:
    spans, start = [], 0
    for piece in segment(fold(clean)):
        spans.append((start, start + len(piece)))
        start += len(piece)
    return spans


def _empty(piece: str) -> bool:
    return fold(piece) in _EMPTY or not all(map(is_word, piece))


def _opening(texts: Sequence[str]) -> str:
    return next((text.strip().splitlines()[0][:20] for text in texts if is_word(text)), "")
