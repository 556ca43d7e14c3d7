"""What an open survey answer says: its sentiment and the service dimension it is about.

Comments are short, so single words decide. Besides words and characters the model reads a list of glad and
cross words (`data/polarity.txt`), turned round by a negation before them and marked after 但. Pure, like the
classifier of letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer

from analytics.corpus import NEUTRAL, Comment
from analytics.linear import Head, fit_head, out_of_fold
from analytics.metrics import agreement
from analytics.normal import CROSS_CLASS, GLAD_CLASS
from analytics.text import fold, folded, is_word, segment

POLARITY = Path(__file__).parent / "data" / "polarity.txt"
NEGATION_REACH = 4
"""Characters before a glad or cross word in which a negation turns it round (不太親切, 沒有等很久)."""

PENALTY = 1.0
NO_DIMENSION = ""

# Whole answers that say: nothing to say. Compared folded and without punctuation.
_NOTHING = re.compile(
    fold(
        "(?:(?:目前|暫時|暫|尚|都|皆|我|本人|並|其他|以上)?(?:無|沒有?|沒|没)(?:啥|什麼|甚麼|任何|特別|其他|其它|可)*"
        "(?:的|之)?(?:意見|建議|想法|問題|補充|需要|要說|想說|看法|回饋|事)*(?:了|喔|哦|耶|啦|呢|ㄟ)?)|"
        "n/?a|no|none|nil|無+|略|如題|同上|不適用|不知道|沒用過|x+|o+|ok|test|測試"
    ),
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[,。.!?;、~\s]+")
_BLANK = re.compile(r"[\W_]+")
_ASKS = re.compile(fold(r"\?|嗎|呢|何時|如何|怎麼樣?才|哪裡可以|請問"))


@dataclass(frozen=True, slots=True)
class Reading:
    """What one comment says. `dimension` is a code A–H, None where it is about none or nothing is said."""

    sentiment: str
    dimension: str | None


def says_nothing(text: str) -> bool:
    """Whether an answer is one of the spellings of "no comment": 無, 沒意見, N/A, a lone dot."""
    plain = _BLANK.sub("", folded(text).replace("n/a", "na"))
    return not plain or _NOTHING.fullmatch(plain) is not None


@dataclass(frozen=True, slots=True)
class _Polarity:
    words: re.Pattern[str]
    glad: Mapping[str, bool]
    negation: re.Pattern[str]
    contrast: re.Pattern[str]


@lru_cache(maxsize=1)
def _polarity() -> _Polarity:
    sections: dict[str, list[str]] = {}
    for line in POLARITY.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            section.append(folded(line))
    glad = dict.fromkeys([CROSS_CLASS, *sections["負面"]], False)
    glad |= dict.fromkeys([GLAD_CLASS, *sections["正面"]], True)
    return _Polarity(_any_of(glad), glad, _any_of(sections["否定"]), _any_of(sections["轉折"]))


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    """The longest of these words."""
    return re.compile("|".join(map(re.escape, sorted(set(words), key=lambda word: (-len(word), word)))))


def analyse_comment(text: str) -> list[str]:
    """The features of one comment; at module level so that a pickled model refers to it by name."""
    plain = folded(text)
    words = [piece for piece in segment(plain) if is_word(piece)]
    features = [f"w:{word}" for word in words]
    features += [f"p:{first}_{second}" for first, second in pairwise(words)]
    features += plain
    features += map("".join, pairwise(plain))
    return features + list(_mood(plain))


def _mood(plain: str) -> Iterator[str]:
    """Glad and cross words as features: turned round by a negation, marked once the mood has changed."""
    book = _polarity()
    glad = cross = False
    turned = ""
    for clause in _CLAUSE.split(plain):
        if book.contrast.search(clause):
            turned = ":after-but"
            yield "m:but"
        for match in book.words.finditer(clause):
            is_glad = book.glad[match.group()]
            if book.negation.search(clause, max(0, match.start() - NEGATION_REACH), match.start()):
                is_glad = not is_glad
                yield f"m:turned:{is_glad}"
            glad, cross = glad or is_glad, cross or not is_glad
            yield f"m:{is_glad}"
            if turned:
                yield f"m:{is_glad}{turned}"
    yield f"m:glad={glad},cross={cross}"
    yield f"m:length={min(5, len(plain) // 8)}"
    if _ASKS.search(plain):
        yield "m:asks"


@dataclass(frozen=True, slots=True)
class CommentModel:
    """Reads open survey answers; immutable and picklable."""

    features: TfidfVectorizer
    sentiments: Head
    dimensions: Head
    scores: dict[str, Any]
    """Out-of-fold scores of the training comments, with their n."""

    def read(self, texts: Iterable[str]) -> list[Reading]:
        """One reading per text; any string goes."""
        texts = list(texts)
        if not texts:
            return []
        rows = self.features.transform(texts)
        return [
            Reading(NEUTRAL, None) if says_nothing(text) else Reading(sentiment, dimension or None)
            for text, sentiment, dimension in zip(
                texts, self.sentiments.best(rows), self.dimensions.best(rows), strict=True
            )
        ]


def train_comments(comments: Sequence[Comment], *, seed: int) -> CommentModel:
    """Learn from labelled comments. Raises ValueError without comments."""
    if not comments:
        raise ValueError("沒有已標記的問卷意見。")
    features = TfidfVectorizer(analyzer=analyse_comment, sublinear_tf=True)
    rows = features.fit_transform([comment.text for comment in comments])
    moods = [comment.sentiment for comment in comments]
    topics = [comment.dimension or NO_DIMENSION for comment in comments]
    scores = {"comments_n": len(comments)} | _scores(rows, comments, "sentiment", moods, seed)
    scores |= _scores(rows, comments, "dimension", topics, seed)
    sentiments = fit_head(rows, moods, penalty=PENALTY, seed=seed)
    return CommentModel(features, sentiments, fit_head(rows, topics, penalty=PENALTY, seed=seed), scores)


def _scores(
    rows: csr_matrix, comments: Sequence[Comment], what: str, labels: Sequence[str], seed: int
) -> dict[str, Any]:
    """Accuracy and macro F1 of comments read by models that have not seen them."""
    names, margins = out_of_fold(rows, labels, penalty=PENALTY, seed=seed)
    nothing = NEUTRAL if what == "sentiment" else NO_DIMENSION
    found = [
        nothing if says_nothing(comment.text) else names[best]
        for comment, best in zip(comments, margins.argmax(axis=1).tolist(), strict=True)
    ]
    measured = agreement(labels, found)
    return {f"{what}_accuracy": measured["accuracy"], f"{what}_macro_f1": measured["macro_f1"]}
