"""Rules of `analytics.features`: the rows are those that scikit-learn would make of `analyse`."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from analytics import text
from analytics.features import TITLE_LENGTH, Features, fold_all
from analytics.resources import DATA
from analytics.text import analyse, title_of

LEARNED = ["行動電源起火冒煙", "磅秤斤兩不足，ＡＢＣ", "行動電源要不要檢驗？", "詢問標章\n標章怎麼申請", ""]
OTHERS = ["行動電源行動電源起火", "沒見過的龘龘", "", "電", "a\ud83db", "標章\n行動電源"]


@pytest.fixture(autouse=True)
def _configured(jieba: Path) -> None:
    text.configure(terms=DATA / "bsmi" / "terms.txt", cache_dir=jieba)


def test_rows_are_those_of_scikit_learn_on_the_same_features() -> None:
    reference = TfidfVectorizer(analyzer=analyse, sublinear_tf=True).fit(LEARNED)
    features = Features.learn(fold_all(LEARNED), title=False)
    ours, theirs = features.rows(fold_all(OTHERS)), reference.transform(OTHERS)
    learned, known = features.rows(fold_all(LEARNED)), reference.transform(LEARNED)
    assert ours.shape == theirs.shape
    # The columns come in another order; products of rows do not depend on it.
    assert np.allclose((ours @ learned.T).toarray(), (theirs @ known.T).toarray())
    assert np.allclose((ours @ ours.T).toarray(), (theirs @ theirs.T).toarray())


def test_the_subject_line_is_a_field_of_its_own_with_a_length_of_its_own() -> None:
    plain, titled = (Features.learn(fold_all(LEARNED), title=title) for title in (False, True))
    letter = fold_all(["標章\n行動電源"])
    own = titled.rows(letter)[:, plain.rows(letter).shape[1] :]
    assert (own @ own.T).toarray()[0, 0] == pytest.approx(TITLE_LENGTH**2)
    assert titled.rows(fold_all(["行動電源"])).nnz == plain.rows(fold_all(["行動電源"])).nnz


@pytest.mark.parametrize(
    ("letter", "title"),
    [("主旨\n內容", "主旨"), ("只有一行", ""), ("長" * 61 + "\n內容", ""), ("主旨\n", "")],
)
def test_a_subject_is_a_short_first_line_before_more(letter: str, title: str) -> None:
    assert title_of(letter) == title


@pytest.mark.parametrize("title", [False, True])
def test_what_words_add_is_the_margin_of_the_row(title: bool) -> None:
    features = Features.learn(fold_all(LEARNED), title=title)
    letter = "行動電源 起火\n磅秤與行動電源，起火！"
    row = features.rows(fold_all([letter]))
    weights = np.linspace(-1, 1, row.shape[1]).astype(np.float32)
    values = features.word_values(letter, weights)
    assert sum(values.values()) == pytest.approx(float((row @ weights)[0]), abs=1e-6)
    assert "行動電源" in values


def test_the_share_of_unknown_words_is_of_words_never_learned() -> None:
    features = Features.learn(fold_all(["行動電源起火"]), title=False)
    assert features.unknown_share(text.folded("行動電源起火")) == 0.0
    assert features.unknown_share(text.folded("租屋押金")) == 1.0
    assert features.unknown_share("") == 0.0


def test_learned_features_survive_pickling() -> None:
    features = Features.learn(fold_all(LEARNED), title=True)
    copy = pickle.loads(pickle.dumps(features))  # noqa: S301 - our own bytes
    assert (copy.rows(fold_all(OTHERS)) != features.rows(fold_all(OTHERS))).nnz == 0
