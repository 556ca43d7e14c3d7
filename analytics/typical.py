"""What a set of letters says, in its own words: sentences picked from it, and its key words.

Nothing is generated. A sentence is shown as it was written, with personal data masked.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer

from analytics.segment import COUNTED, count_of
from analytics.text import MAX_CHARS, analyse, fold, tokenize
from portal.masking import mask

SHORTEST, LONGEST = 6, 120
"""Characters of a sentence worth quoting: shorter says nothing, longer is not a quotation."""

RELEVANCE = 0.7
"""Weight of being typical against being unlike what is already quoted (maximal marginal relevance)."""

NEW_LETTERS, NEW_LEVEL, NEW_BASE = 3, 10.83, 20
"""Letters that a new word is in at least; G² that chance exceeds once in 1,000; letters to compare with."""

_SENTENCE = re.compile(r"[^。！？!?；;\n\r]+[。！？!?；;]*")
_CLASS_TOKENS = frozenset({"url", "email", "number", "glad", "cross", "emoji"})
# Words every letter has, whatever it is about; compared in folded spelling.
_EMPTY_WORDS = re.compile(
    fold(
        "請問|您好|你好|謝謝|感謝|麻煩|可以|可否|是否|如何|什麼|甚麼|怎麼|為什麼|"
        "為何|哪裡|有沒有|能不能|我們|你們|他們|貴局|貴單位|自己|這個|那個|這樣|已經|"
        "還是|還有|但是|因為|所以|如果|或是|以及|沒有|不是|不能|現在|目前|一直|一個|"
        "一下|今天|昨天|最近|需要|想要|希望|知道|覺得|應該|可能|就是|都是|不會|不要|"
        "時候|時間|問題|部分|相關|這種|這些|一樣|後來|之前|之後|直接|"
        "起來|真的|可是|看到|出來|只有|其他|很多|然後|不能|回來|比較"
    )
)


@dataclass(frozen=True, slots=True)
class Typical:
    """A sentence of one letter, masked."""

    case_id: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Keyword:
    """A word and in how many letters it occurs."""

    word: str
    letters: int


@dataclass(frozen=True, slots=True)
class NewWord:
    """A word, in how many letters it occurs now, and in how many it did before."""

    word: str
    letters: int
    before: int


@dataclass(frozen=True, slots=True)
class WordCounts:
    """Folded words by the number of letters that hold them, and how many letters there are."""

    counts: Counter[str]
    letters: int

    def __add__(self, other: WordCounts) -> WordCounts:
        return WordCounts(self.counts + other.counts, self.letters + other.letters)


def typical_sentences(texts: Sequence[tuple[int, str]], *, limit: int = 5) -> list[Typical]:
    """At most `limit` sentences that stand for the set, each from another letter and unlike the others.

    Nearest to the centroid of all sentences first. The same set gives the same sentences in any order.
    """
    found = sorted({(case_id, sentence) for case_id, text in texts for sentence in sentences(text)})
    if not found or limit < 1:
        return []
    rows = _vectors([sentence for _, sentence in found])
    centre = np.asarray(rows.mean(axis=0)).ravel()
    length = float(np.linalg.norm(centre)) or 1.0
    near = np.asarray(rows @ (centre / length), dtype=np.float64).ravel()
    return [Typical(*found[index]) for index in _pick(rows, near, [case_id for case_id, _ in found], limit)]


def sentences(text: str) -> list[str]:
    """The quotable sentences of a text, masked first, so that a name is hidden with its context in sight."""
    pieces = (piece.strip() for piece in _SENTENCE.findall(mask(text[:MAX_CHARS])))
    return [piece for piece in pieces if SHORTEST <= len(piece) <= LONGEST and re.search(r"\w", piece)]


def _vectors(found: Sequence[str]) -> csr_matrix:
    return TfidfVectorizer(analyzer=analyse, sublinear_tf=True).fit_transform(found)


def _pick(rows: csr_matrix, near: NDArray[np.float64], cases: Sequence[int], limit: int) -> list[int]:
    chosen: list[int] = []
    likeness = np.zeros(len(cases))
    open_rows = np.ones(len(cases), dtype=bool)
    case_of = np.asarray(cases)
    while len(chosen) < limit and open_rows.any():
        # Rounded, so that the order of adding floats cannot decide between equals.
        score = np.round(RELEVANCE * near - (1 - RELEVANCE) * likeness, 9)
        best = int(np.where(open_rows, score, -np.inf).argmax())
        chosen.append(best)
        open_rows &= case_of != case_of[best]
        likeness = np.maximum(likeness, (rows @ rows[best].T).toarray().ravel())
        open_rows &= likeness < 0.999  # a copy sent by somebody else is not a second voice
    return chosen


def keywords(texts: Sequence[str], *, limit: int) -> list[Keyword]:
    """The words that mark a set of letters: in many of them, and rare in Chinese at large.

    Spelt as most of the letters spell them. Personal data, numbers and single characters are left out.
    """
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for text in texts:
        for key, word in telling_words(text).items():
            spellings[key][word] += 1
    ranked = sorted(spellings, key=lambda key: (-spellings[key].total() * _rarity(key), key))
    return [Keyword(_commonest(spellings[key]), spellings[key].total()) for key in ranked[: max(limit, 0)]]


def telling_words(text: str) -> dict[str, str]:
    """The words of one letter that can say what it is about: folded key and the writer's spelling.

    Personal data is masked first; numbers, single characters and words of every letter are left out.
    """
    return {
        key: word
        for word in sorted(set(tokenize(re.sub("〔.{1,6}?〕", " ", mask(text[:MAX_CHARS])))))
        if len(word) > 1
        and not _EMPTY_WORDS.fullmatch(key := fold(word))
        and key not in _CLASS_TOKENS
        and not word.isdecimal()
    }


def new_words(texts: Sequence[str], before: WordCounts, *, limit: int) -> list[NewWord]:
    """Words in far more of these letters than of those `before`, the clearest difference first.

    The measure is the log-likelihood ratio G² of the two shares of letters (Dunning 1993, Comput. Linguist.
    19(1)); a word counts from `NEW_LETTERS` letters and G² of `NEW_LEVEL` on. Without `NEW_BASE` letters
    before there is nothing to be new against.
    """
    if before.letters < NEW_BASE:
        return []
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for text in texts:
        for key, word in telling_words(text).items():
            spellings[key][word] += 1
    rated = []
    for key, spelt in spellings.items():
        now, earlier = spelt.total(), before.counts.get(key, 0)
        more = now * before.letters > earlier * len(texts)
        strength = log_likelihood(now, len(texts), earlier, before.letters)
        if now >= NEW_LETTERS and more and strength >= NEW_LEVEL:
            rated.append((-strength, key, NewWord(_commonest(spelt), now, earlier)))
    return [word for *_, word in sorted(rated, key=lambda item: item[:2])[: max(limit, 0)]]


def count_words(texts: Sequence[str]) -> WordCounts:
    """In how many of these letters each word occurs."""
    counts = Counter(key for text in texts for key in telling_words(text))
    return WordCounts(counts, len(texts))


def log_likelihood(now: int, letters: int, before: int, letters_before: int) -> float:
    """G² of a word in `now` of `letters` and `before` of `letters_before`; χ² with one degree of freedom."""
    share = (now + before) / (letters + letters_before)
    found = 0.0
    for count, total in ((now, letters), (before, letters_before)):
        for observed, expected in ((count, total * share), (total - count, total * (1 - share))):
            if observed:
                found += 2 * observed * math.log(observed / expected)
    return found


def _rarity(key: str) -> float:
    """Information of a word against jieba's own counts of general Chinese, in nats."""
    return math.log(COUNTED / max(count_of(key), 1) + 1.0)


def _commonest(spelling: Counter[str]) -> str:
    return min(spelling, key=lambda word: (-spelling[word], word))
