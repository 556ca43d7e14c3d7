"""Rules of `analytics.classifier`: suggestions that know when they do not know."""

from __future__ import annotations

import json
import pickle
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from analytics import classifier, text
from analytics.calibration import answer_threshold, calibration_error, probabilities
from analytics.classifier import Rule, TrainedModel, train
from analytics.corpus import VOICES, Letter, read_corpus
from analytics.evaluation import benchmark, cross_validate, evaluate
from analytics.learning import fingerprint
from analytics.linear import Settings
from analytics.typical import keywords, typical_sentences
from tests.analytics.learning import BUREAU

DATA = Path(text.__file__).parent / "data" / "bsmi"
NLP = Path(__file__).resolve().parents[3] / "shared" / "data" / "nlp"
ODD = ["", " ", "電", "😀🔥😀", "\x00\x01\x02\xff", "\ud83d", "Ω" * 40, "電" * 1_000_000]


@pytest.fixture(autouse=True, scope="module")
def _configured(tmp_path_factory: pytest.TempPathFactory) -> None:
    text.configure(terms=DATA / "terms.txt", cache_dir=tmp_path_factory.getbasetemp() / "jieba")


def letters(count: int = 30) -> list[Letter]:
    """A small corpus of three topics that share some words."""
    goods = ("行動電源", "延長線", "吹風機", "電鍋", "充電器", "電風扇")
    made = []
    for number in range(count):
        thing, day = goods[number % len(goods)], f"{number % 12 + 1}月"
        made += [
            Letter("", f"{day}買的{thing}起火冒煙，第{number}次，請處理", "SAFE", (), "申訴或抱怨", True),
            Letter("", f"{thing}要不要檢驗？{day}進口第{number}批", "SCOPE", (), "詢問", False),
            Letter("", f"檢舉賣場賣沒有標識的{thing}，{day}第{number}家", "MARKET", ("SAFE",), "檢舉", False),
        ]
    return made


@pytest.fixture(scope="module")
def model(_configured: None) -> TrainedModel:
    return train(letters(), seed=3, urgent_phrases=("瓦斯外洩",))


def test_a_clear_letter_is_answered_with_its_topic_voice_and_urgency(model: TrainedModel) -> None:
    found = model.predict(["昨天買的電鍋起火冒煙", "請問電風扇要不要檢驗？"])
    assert [(one.topic, one.voice, one.urgent) for one in found] == [
        ("SAFE", "申訴或抱怨", True),
        ("SCOPE", "詢問", False),
    ]


def test_simplified_letters_are_understood_like_traditional_ones(model: TrainedModel) -> None:
    one, other = model.predict(["行動電源起火冒煙", "行动电源起火冒烟"])
    assert one == other


def test_candidates_are_the_three_likeliest_in_order_and_the_first_is_the_topic(model: TrainedModel) -> None:
    found = model.predict(["賣場賣的吹風機"])[0]
    chances = [candidate.probability for candidate in found.candidates]
    assert chances == sorted(chances, reverse=True)
    assert len(chances) == 3
    assert sum(chances) == pytest.approx(1.0)
    assert (found.topic, found.probability) == (found.candidates[0].topic, chances[0])


@pytest.mark.parametrize("sample", ["", "😀🔥😀", "\x00\x01\x02", "Ω"])
def test_a_letter_that_says_nothing_is_left_to_a_person(model: TrainedModel, sample: str) -> None:
    found = model.predict([sample])[0]
    assert found.abstain
    assert found.secondary == ()


def test_an_unsure_letter_is_left_to_a_person(model: TrainedModel) -> None:
    found = model.predict(["租屋押金不還怎麼辦"])[0]
    assert found.probability < model.threshold
    assert found.abstain


def test_no_input_raises_and_long_input_takes_bounded_time(model: TrainedModel) -> None:
    began = time.process_time()
    assert len(model.predict(ODD)) == len(ODD)
    for sample in ODD:
        model.explain(sample, "SAFE")
    assert time.process_time() - began < 10
    assert model.predict([]) == []


def test_the_agencys_phrases_make_a_letter_urgent_whatever_the_model_says(model: TrainedModel) -> None:
    plain, ruled = model.predict(["熱水器要不要檢驗", "熱水器瓦斯外洩要不要檢驗"])
    assert not plain.urgent
    assert ruled.urgent


def test_the_urgent_words_that_were_found_are_named_as_the_profile_writes_them(model: TrainedModel) -> None:
    plain, ruled = model.predict(["電鍋起火", "瓦斯 外洩了"])
    assert plain.urgent_phrase is None
    assert ruled.urgent_phrase == "瓦斯外洩"


def test_a_rule_of_the_agency_comes_before_the_model_and_is_named() -> None:
    rules = (Rule("度量衡", "SCOPE"), Rule("度量衡器起火", "SAFE"))
    ruled = train(letters(8), seed=1, rules=rules)
    short, exact, without = ruled.predict(["度量衡的延長線起火冒煙", "度量衡器起火", "電鍋起火冒煙"])
    assert (short.topic, short.rule, short.abstain) == ("SCOPE", "度量衡", False)
    assert short.probability >= classifier.TARGET_ACCURACY
    assert sum(item.probability for item in short.candidates) == pytest.approx(1.0)
    assert (exact.topic, exact.rule) == ("SAFE", "度量衡器起火")
    assert without.rule is None


def test_a_rule_for_a_topic_the_model_never_saw_is_passed_over() -> None:
    ruled = train(letters(8), seed=1, rules=(Rule("電鍋", "NOWHERE"),))
    assert ruled.predict(["電鍋起火冒煙"])[0].rule is None


def test_without_urgent_examples_only_the_phrases_count() -> None:
    calm = [letter for letter in letters(6) if not letter.urgent]
    found = train(calm, seed=1, urgent_phrases=("起火",)).predict(["電鍋起火", "電鍋要不要檢驗"])
    assert [one.urgent for one in found] == [True, False]


def test_the_explanation_names_words_of_the_letter_for_and_against(model: TrainedModel) -> None:
    told = model.explain("買的電鍋起火冒煙，賣場沒有標識", "SAFE", limit=3)
    assert {word.word for word in told.supports} & {"起火", "冒煙"}
    assert {word.word for word in told.opposes} & {"賣場", "沒有", "標識"}
    assert all(word.weight > 0 for word in told.supports)
    assert all(word.weight < 0 for word in told.opposes)
    assert max(len(told.supports), len(told.opposes)) <= 3


def test_the_weights_of_an_explanation_add_up_to_the_margin(model: TrainedModel) -> None:
    sample = "檢舉賣場的延長線起火，ＡＢＣ　沒有標識！"
    column = model.labels.index("SAFE")
    margin = (
        model.topics.margins(model.features.rows([text.folded(sample)]))[0, column]
        - model.topics.bias[column]
    )
    assert sum(model.word_weights(sample, "SAFE").values()) == pytest.approx(margin, abs=1e-4)


def test_an_unknown_topic_cannot_be_explained(model: TrainedModel) -> None:
    with pytest.raises(KeyError):
        model.explain("電鍋", "NOPE")


def test_training_twice_gives_the_same_model() -> None:
    one, other = train(letters(8), seed=5), train(letters(8), seed=5)
    samples = [letter.full_text for letter in letters(3)]
    assert one.predict(samples) == other.predict(samples)
    assert one.scores == other.scores


def test_a_trained_model_survives_pickling(model: TrainedModel) -> None:
    copy = pickle.loads(pickle.dumps(model))  # noqa: S301 - our own bytes
    assert copy.predict(["電鍋起火"]) == model.predict(["電鍋起火"])


def test_one_topic_alone_cannot_be_learned() -> None:
    with pytest.raises(ValueError, match="至少需要兩個主題"):
        train([Letter("", "電鍋", "A")] * 5, seed=1)


def test_a_topic_with_a_single_letter_does_not_stop_training() -> None:
    assert "RARE" in train([*letters(6), Letter("", "獨一無二的來信", "RARE")], seed=1).labels


def test_letters_without_voice_or_urgency_train_the_topic_all_the_same() -> None:
    bare = [Letter("", letter.text, letter.topic) for letter in letters(6)]
    found = train(bare, seed=1).predict(["電鍋起火"])[0]
    assert (found.voice, found.urgent) == (None, False)


def test_the_threshold_is_the_lowest_that_reaches_the_target() -> None:
    top = np.array([0.99, 0.9, 0.8, 0.7, 0.6])
    chances = np.column_stack([top, 1 - top])
    truth = np.array([0, 0, 0, 1, 1])
    assert answer_threshold(chances, truth, 0.95) == pytest.approx(0.8)
    assert answer_threshold(chances, np.ones(5, dtype=np.int64), 0.95) > 1


def test_calibration_error_is_the_distance_between_said_and_found() -> None:
    assert calibration_error(np.array([0.8] * 10), np.array([True] * 8 + [False] * 2)) == pytest.approx(0.0)
    assert calibration_error(np.array([0.9] * 10), np.array([False] * 10)) == pytest.approx(0.9)


def test_probabilities_are_shares_of_one_even_without_any_evidence() -> None:
    chances = probabilities(np.array([[-50.0, -50.0], [1.0, -1.0], [0.0, 0.0]]), (8.0, 2.0))
    assert np.isfinite(chances).all()
    assert chances[1:].sum(axis=1) == pytest.approx([1.0, 1.0])


def test_evaluation_counts_what_was_answered_and_how_well(model: TrainedModel) -> None:
    unknown = Letter("", "完全不同的事情", "NEW")
    result = evaluate(model, [*letters(5), unknown])
    assert result["n"] == 16
    assert result["accuracy"] == pytest.approx(15 / 16)
    assert result["per_topic"]["NEW"] == {"precision": 0.0, "recall": 0.0, "n": 1}
    assert 0 < result["coverage"] < 1
    assert result["accuracy_answered"] == 1.0
    assert (result["voice_n"], result["urgent_n"]) == (15, 5)


def test_cross_validation_judges_letters_the_model_has_not_seen() -> None:
    shuffled = [Letter("", chr(0x4E00 + number * 7), "AB"[number % 2]) for number in range(40)]
    assert cross_validate(shuffled, 4, 1)["accuracy"] < 0.9
    assert cross_validate(letters(10), 3, 1)["accuracy"] > 0.9


def test_typical_sentences_are_extracted_masked_and_from_different_letters(model: TrainedModel) -> None:
    texts = [
        (number, f"我叫王小明。行動電源充電時起火冒煙，嚇死人了{number}！電話0912345678")
        for number in range(4)
    ]
    texts += [(9, "行動電源充電時起火冒煙，店家不理會。另外計程車跳表太快。")]
    told = typical_sentences(texts, limit=3)
    assert told == typical_sentences(texts[::-1], limit=3)
    assert len({one.case_id for one in told}) == len(told) == 3
    sources = dict(texts)
    for one in told:
        assert "王小明" not in one.sentence
        assert "0912345678" not in one.sentence
        assert one.sentence in sources[one.case_id] or "〔" in one.sentence


def test_copies_of_one_sentence_are_quoted_once() -> None:
    told = typical_sentences([(number, "行動電源充電時突然起火。") for number in range(5)])
    assert [one.sentence for one in told] == ["行動電源充電時突然起火。"]


def test_nothing_to_quote_gives_nothing() -> None:
    assert typical_sentences([]) == []
    assert typical_sentences([(1, ""), (2, "😀"), (3, "好")]) == []
    assert keywords([], limit=5) == []
    assert keywords(["", "😀", "電"], limit=5) == []


def test_keywords_are_what_marks_the_letters_spelt_their_way() -> None:
    texts = ["請問我們的行動電源起火", "行動電源冒煙，謝謝", "行动电源鼓起，我叫王小明"]
    told = keywords(texts, limit=3)
    assert (told[0].word, told[0].letters) == ("行動電源", 3)
    assert not {"請問", "我們", "謝謝", "王小明", "姓名"} & {one.word for one in keywords(texts, limit=50)}


@pytest.fixture(scope="module")
def starter() -> list[Letter]:
    return read_corpus(DATA / "letters", {topic.code for topic in BUREAU.topics})


def test_the_starter_corpus_is_large_and_varied_enough_for_every_topic(starter: list[Letter]) -> None:
    counts = Counter(letter.topic for letter in starter)
    assert min(counts[topic.code] for topic in BUREAU.topics) >= 120
    assert {letter.voice for letter in starter} == set(VOICES)
    assert sum(bool(letter.urgent) for letter in starter) >= 150


def test_a_third_of_the_starter_corpus_already_gives_a_calibrated_model(starter: list[Letter]) -> None:
    phrases = BUREAU.analysis.urgent_phrases
    scores = train(starter[::3], seed=1, urgent_phrases=phrases, settings=Settings()).scores
    assert scores["accuracy"] > 0.72
    assert scores["top3"] > 0.90
    assert scores["ece"] < 0.04
    assert scores["urgent_recall"] >= 0.98


def test_a_rule_of_the_profile_is_hardly_ever_wrong_on_the_starter_corpus(starter: list[Letter]) -> None:
    phrases = classifier.Phrases.of((), (classifier.Rule(r.phrase, r.topic) for r in BUREAU.analysis.rules))
    ruled = [(phrases.rule_for(text.folded(letter.full_text)), letter) for letter in starter]
    decided = [rule.topic == letter.topic for rule, letter in ruled if rule is not None]
    assert len(decided) >= 30
    assert sum(decided) / len(decided) >= 0.95


def test_the_frozen_letters_are_in_no_corpus(starter: list[Letter]) -> None:
    frozen = read_corpus(DATA / "frozen", {topic.code for topic in BUREAU.topics})
    assert len(frozen) >= 500
    learned = {fingerprint(letter.full_text) for letter in starter}
    assert not learned & {fingerprint(letter.full_text) for letter in frozen}


def test_real_taiwanese_questions_are_sorted_better_than_by_plain_jieba() -> None:
    file = NLP / "tw_gov60.jsonl"
    if not file.exists():
        pytest.skip(f"略過：沒有共用資料 {file}")
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    parts = {
        name: [(row["text"], row["label"]) for row in rows if row["split"] == name]
        for name in ("train", "valid")
    }
    result = benchmark(parts["train"], parts["valid"])
    # Same split: jieba's default dictionary with LinearSVC 76.9, characters 1-3 78.3, both 79.8.
    assert result["macro_f1"] > 0.80
    assert result["train_n"] == len(parts["train"])


def test_nothing_to_learn_or_to_test_is_refused() -> None:
    with pytest.raises(ValueError, match="至少要有兩種標籤"):
        benchmark([("一", "A")], [("二", "A")])
    assert classifier.TARGET_ACCURACY == 0.95
