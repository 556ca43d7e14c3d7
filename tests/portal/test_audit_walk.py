"""The walk through a chain: whatever is done to it afterwards is found, and the first bad link named."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.audit.chain import FIELDS, GENESIS, BrokenChain, Head, Link, Walk, canonical, digest, moment_text
from tests.factories import NOW

LETTERS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
DETAILS = st.dictionaries(LETTERS, st.none() | st.booleans() | st.integers() | LETTERS, max_size=3)


def make(details: list[dict[str, Any]]) -> list[Link]:
    """A sound chain with one link for each detail; ids have gaps, as real ones may."""
    chain: list[Link] = []
    previous = GENESIS
    for index, detail in enumerate(details):
        facts = {
            "at": moment_text(NOW + timedelta(minutes=index)),
            "actor_id": index or None,
            "action": "case.opened",
            "object_type": "case",
            "object_id": f"115-{index:06d}",
            "detail": detail,
            "request_id": None,
            "previous": previous,
        }
        previous = digest(facts)
        chain.append(Link(10 * index + 10, facts, previous))
    return chain


def head_of(chain: list[Link]) -> Head:
    return Head(chain[-1].hash if chain else GENESIS, len(chain))


def first_bad(chain: list[Link], head: Head, anchor: str | None = None) -> int | None:
    """The id of the link that the walk names; None when all is well."""
    walk = Walk(head, anchor)
    try:
        for link in chain:
            walk.take(link)
        walk.finish(head)
    except BrokenChain as broken:
        return int(broken.link_id)
    return None


def changed(link: Link, **facts: Any) -> Link:
    return Link(link.id, {**link.facts, **facts}, link.hash)


def rehashed(link: Link) -> Link:
    return Link(link.id, link.facts, digest(link.facts))


@given(st.lists(DETAILS, max_size=6))
def test_a_chain_that_nobody_touched_holds(details: list[dict[str, Any]]) -> None:
    chain = make(details)
    assert first_bad(chain, head_of(chain)) is None


@given(st.lists(DETAILS, min_size=1, max_size=6), st.data())
def test_a_change_of_any_field_is_found_at_its_link(
    details: list[dict[str, Any]], data: st.DataObject
) -> None:
    chain = make(details)
    head = head_of(chain)
    index = data.draw(st.integers(0, len(chain) - 1))
    name = data.draw(st.sampled_from(FIELDS))
    value = data.draw(DETAILS | LETTERS | st.integers() | st.none())
    if value != chain[index].facts[name]:
        chain[index] = changed(chain[index], **{name: value})
        assert first_bad(chain, head) == chain[index].id


@given(st.integers(2, 8), st.data())
def test_whatever_is_done_to_the_order_or_number_is_found(length: int, data: st.DataObject) -> None:
    chain = make([{}] * length)
    head, kept = head_of(chain), list(chain)
    index, other = data.draw(st.permutations(range(length)).map(lambda order: order[:2]))
    act = data.draw(st.sampled_from(["delete", "swap", "repeat", "cut"]))
    if act == "delete":
        del chain[index]
    elif act == "swap":
        chain[index], chain[other] = chain[other], chain[index]
    elif act == "repeat":
        chain.insert(index, chain[other])
    else:
        del chain[max(index, 1) :]
    where = next((place for place, link in enumerate(chain) if link is not kept[place]), None)
    # A link that is missing shows at the one after it; at the end, at the last that is left.
    assert first_bad(chain, head) == (chain[-1] if where is None or where >= length else chain[where]).id


def test_a_link_that_was_rewritten_with_a_right_hash_is_named_by_the_next_one() -> None:
    chain = make([{}] * 4)
    head = head_of(chain)
    chain[1] = rehashed(changed(chain[1], action="case.closed"))
    assert first_bad(chain, head) == chain[2].id


def test_a_link_put_between_two_others_is_the_one_named() -> None:
    chain = make([{}] * 4)
    head = head_of(chain)
    intruder = rehashed(Link(25, {**chain[2].facts, "action": "case.forged"}, ""))
    chain.insert(2, intruder)
    assert first_bad(chain, head) == 25


def test_a_link_added_behind_the_head_is_the_one_named() -> None:
    chain = make([{}] * 4)
    head = Head(chain[2].hash, 3)
    assert first_bad(chain, head) == chain[3].id


def test_a_whole_chain_made_anew_is_found_by_a_hash_noted_before() -> None:
    old, new = make([{}] * 4), make([{}, {"urgent": True}, {}, {}])
    assert first_bad(new, head_of(new)) is None
    walk = Walk(head_of(new), old[1].hash)
    for link in new:
        walk.take(link)
    with pytest.raises(BrokenChain, match="--head"):
        walk.finish(head_of(new))


def test_a_hash_noted_before_is_found_however_much_came_later() -> None:
    chain = make([{}] * 4)
    walk = Walk(head_of(chain), chain[1].hash)
    for link in chain:
        walk.take(link)
    walk.finish(head_of(chain))
    assert walk.anchored_at == 2


def test_an_emptied_chain_is_told_by_its_head() -> None:
    with pytest.raises(BrokenChain, match="少了 3 筆"):
        Walk(Head("a" * 64, 3)).finish(Head("a" * 64, 3))


def test_the_canonical_form_is_what_the_manual_says() -> None:
    """A change of it would make every stored hash wrong: docs/audit.md and installations hold on to it."""
    facts = {
        "at": moment_text(NOW),
        "actor_id": 7,
        "action": "case.transferred",
        "object_type": "case",
        "object_id": "115-000001",
        "detail": {"unit": "臺中分局", "b": [1, 2.5], "a": None},
        "request_id": None,
        "previous": GENESIS,
    }
    assert canonical(facts) == (
        '{"action":"case.transferred","actor_id":7,"at":"2026-11-23T02:30:00.000000+00:00",'
        '"detail":{"a":null,"b":[1,2.5],"unit":"臺中分局"},"object_id":"115-000001","object_type":"case",'
        f'"previous":"{GENESIS}","request_id":null,"v":1}}'
    )
    assert json.loads(canonical(facts))["v"] == 1
    assert digest(facts) == "6fb450c0caef8a87e9042188aae6bbf97a1523bb69838f645de1df964c8bec8f"
