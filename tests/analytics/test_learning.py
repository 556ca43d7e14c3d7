"""What may be learned and what is kept to judge by: no letter is ever on both sides."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta

from analytics.corpus import Letter
from analytics.learning import FROZEN_SHARE, NEWEST_MOST, Label, Material, compare, divide, is_frozen
from tests.factories import NOW


def texts(*, frozen: bool) -> Iterator[str]:
    """Invented letters that all are frozen by their text, or none is."""
    written = (f"第{number}封信問國家標準哪裡買" for number in itertools.count())
    return (text for text in written if is_frozen(text) is frozen)


def letters(count: int, *, frozen: bool = False) -> list[Letter]:
    return [Letter("", text, "A") for text in itertools.islice(texts(frozen=frozen), count)]


def labels(found: list[Letter], first: datetime = NOW) -> list[Label]:
    """Confirmed an hour apart, in the order given."""
    return [Label(letter, first + timedelta(hours=place)) for place, letter in enumerate(found)]


def learned(material: Material) -> set[str]:
    return {letter.text for letter in material.learn}


def test_one_letter_in_ten_is_frozen() -> None:
    share = sum(is_frozen(f"隨便寫的第{number}封信") for number in range(5000)) / 5000
    assert abs(share - 1 / FROZEN_SHARE) < 0.02


def test_a_copy_in_another_writing_falls_on_the_same_side() -> None:
    for text in itertools.islice(texts(frozen=True), 20):
        full_width = text.translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"})
        assert is_frozen(f"　{full_width}！！\n")
        assert is_frozen(text.replace("國", "国"))
        assert is_frozen(" ".join(text))


def test_a_frozen_letter_is_not_learned_however_it_came() -> None:
    kept = letters(3, frozen=True)
    open_ones = letters(10)
    copies = [Letter(item.subject, f"　{item.text}。", "B") for item in kept]
    material = divide(corpus=[*open_ones, *copies], labels=labels([*kept, *copies]))
    assert learned(material) == {item.text for item in open_ones}
    assert {item.text for item in kept} <= {item.text for item in material.frozen}
    assert material.newest == ()


def test_the_agencys_own_frozen_letters_are_not_learned_from_corpus_or_people() -> None:
    agencys, others = letters(12)[:2], letters(12)[2:]
    copies = [Letter("", item.text + "！", "B") for item in agencys]
    material = divide(corpus=[*others, copies[0]], labels=labels([copies[1]]), frozen=agencys)
    assert learned(material) == {item.text for item in others}
    assert material.frozen == tuple(agencys)
    assert material.newest == ()


def test_a_frozen_letter_of_the_corpus_alone_may_be_learned() -> None:
    """Only what the agency or a person vouches for judges models; the starter corpus is there to learn."""
    corpus = letters(2, frozen=True)
    assert learned(divide(corpus, [])) == {item.text for item in corpus}


def test_the_newest_fifth_of_the_labels_waits_and_the_others_are_learned() -> None:
    found = letters(10)
    material = divide([], reversed(labels(found)))
    assert [item.letter for item in material.newest] == found[8:]
    assert list(material.learn) == found[:8]
    assert material.learned_until == NOW + timedelta(hours=7)


def test_at_most_so_many_labels_wait() -> None:
    material = divide([], labels(letters(NEWEST_MOST * 5 + 10)))
    assert len(material.newest) == NEWEST_MOST


def test_a_letter_that_waits_is_not_learned_from_a_copy() -> None:
    found = letters(10)
    copy = Letter("", found[9].text + "。", "B")
    material = divide(corpus=[copy], labels=labels([copy, *found[1:]]))
    assert found[9].text in {item.letter.text for item in material.newest}
    assert copy.text not in learned(material)


def test_without_labels_everything_is_learned() -> None:
    corpus = letters(3)
    assert divide(corpus, []) == Material(tuple(corpus), (), (), None)


def test_a_candidate_is_worse_when_it_loses_more_than_one_standard_error() -> None:
    """6 lost and 2 gained: 4 more wrong, and the standard error is √8 = 2.8."""
    truth = ["A"] * 20
    active = ["A"] * 18 + ["B"] * 2
    candidate = ["B"] * 6 + ["A"] * 14
    found = compare(truth, candidate, active)
    assert (found["lost"], found["gained"], found["worse"]) == (6, 2, True)
    assert (found["candidate"]["accuracy"], found["active"]["accuracy"]) == (0.7, 0.9)
    low, high = found["candidate"]["interval"]
    assert low < 0.7 < high


def test_a_loss_within_one_standard_error_is_not_worse() -> None:
    """3 lost and 2 gained: 1 more wrong, and the standard error is √5 = 2.2."""
    truth = ["A"] * 20
    found = compare(truth, ["B"] * 3 + ["A"] * 17, ["A"] * 18 + ["B"] * 2)
    assert (found["lost"], found["gained"], found["worse"]) == (3, 2, False)


def test_without_a_rival_or_letters_nothing_is_worse() -> None:
    alone = compare(["A"], ["B"], None)
    assert (alone["worse"], alone["n"], "active" in alone) == (False, 1, False)
    assert compare([], [], []) == {"n": 0, "worse": False, "candidate": {"n": 0}}


def test_each_topic_has_its_precision_recall_and_n() -> None:
    found = compare(["A", "A", "B"], ["A", "B", "B"], None)["candidate"]["per_topic"]
    assert found == {
        "A": {"precision": 1.0, "recall": 0.5, "n": 2},
        "B": {"precision": 0.5, "recall": 1.0, "n": 1},
    }
