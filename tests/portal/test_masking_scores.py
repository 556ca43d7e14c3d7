"""Masking on the written set of cases: how much is found, and how little is hidden that need not be."""

from __future__ import annotations

from functools import cache
from itertools import combinations, pairwise

import pytest

from portal.masking import KINDS, NAME, Span, find, mask
from tests.masking_scores import Case, Score, read, score, wilson

MISSED = {"車牌": 1, "通訊帳號": 1, "地址": 2, "姓名": 8}
"""Spans of the whole set that no rule finds. Every rule finds at least one, so that none can go unnoticed."""


@cache
def cases() -> tuple[Case, ...]:
    return tuple(read())


@cache
def whole() -> Score:
    return score(cases())


def test_the_set_is_large_and_holds_traps() -> None:
    assert len(cases()) >= 450
    assert sum(not case.spans for case in cases()) >= 150
    assert sum(case.part == "held" for case in cases()) >= 150
    assert {span.kind for case in cases() for span in case.spans} == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_no_more_is_missed_than_is_known(kind: str) -> None:
    missed = whole().spans[kind] - whole().covered[kind]
    assert missed <= MISSED.get(kind, 0), whole().missed
    assert whole().recall(kind) >= 0.95


@pytest.mark.parametrize("kind", KINDS)
def test_masks_of_each_kind_hide_personal_data(kind: str) -> None:
    assert whole().precision(kind) >= 0.97, whole().wrong


def test_traps_stay_as_they_are() -> None:
    assert whole().traps_masked <= 0.01 * whole().traps, whole().wrong


def test_recall_on_the_part_that_was_not_looked_at_is_reported_apart() -> None:
    held = score(case for case in cases() if case.part == "held")
    numbers = sum(held.spans[kind] for kind in KINDS if kind not in (NAME, "地址"))
    found = sum(held.covered[kind] for kind in KINDS if kind not in (NAME, "地址"))
    assert found >= 0.97 * numbers
    assert held.recall(NAME) >= 0.9
    assert held.recall("地址") >= 0.93


def test_masking_any_case_twice_changes_nothing_more() -> None:
    for case in cases():
        once = mask(case.text)
        assert mask(once) == once


def test_masking_two_letters_that_touch_twice_changes_nothing_more() -> None:
    some = [case.text for case in cases() if case.spans][::12]
    for one, other in combinations(some, 2):
        once = mask(one + other)
        assert mask(once) == once


def test_finds_of_every_case_are_in_order_within_the_text_and_apart() -> None:
    for case in cases():
        spans = find(case.text)
        assert all(0 <= span.start < span.end <= len(case.text) for span in spans)
        assert all(one.end <= other.start for one, other in pairwise(spans))


def test_a_span_counts_only_when_wholly_covered() -> None:
    case = Case("我叫王小明", (Span(NAME, 2, 5),), "tuned")
    part, all_of_it = score([case], lambda _: [Span(NAME, 2, 4)]), score([case], lambda _: [Span(NAME, 2, 5)])
    assert (part.recall(NAME), part.precision(NAME)) == (0, 1)
    assert all_of_it.recall(NAME) == 1


def test_a_mask_that_touches_no_span_is_wrong_and_a_trap_masked_counts() -> None:
    trap = Case("高雄方便", (), "tuned")
    counted = score([trap], lambda _: [Span(NAME, 0, 2)])
    assert (counted.traps, counted.traps_masked, counted.wrong) == (1, 1, [("高雄方便", "高雄")])


def test_wilson_interval_as_published() -> None:
    low, high = wilson(81, 263)  # Newcombe, Statistics in Medicine 17 (1998) 857, table I
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
