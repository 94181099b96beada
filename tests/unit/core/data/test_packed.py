"""Packed sequences: as lists, in little memory."""

from __future__ import annotations

import tracemalloc
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.packed import CHUNK, RUN, Packed, in_order


class Item(NamedTuple):
    name: str
    number: int


items = st.builds(Item, st.text(max_size=3) | st.just("\udcff"), st.integers())


def many(count: int) -> list[Item]:
    return [Item(f"{number:07}", number) for number in range(count)]


@given(st.lists(items, max_size=8), st.sampled_from([0, 1, CHUNK - 3, CHUNK]))
def test_as_a_list(found: list[Item], before: int) -> None:
    found = [*many(before), *found]
    packed = Packed(Item._make, found)
    assert list(packed) == list(packed) == found
    assert (packed == found, len(packed), bool(packed)) == (True, len(found), bool(found))
    assert all(isinstance(item, Item) for item in packed)


@pytest.mark.parametrize("index", [0, CHUNK - 1, CHUNK, CHUNK + 2, -1, -CHUNK, slice(1, 3), slice(None)])
def test_items_by_index(index: int) -> None:
    found = many(CHUNK + 3)
    assert Packed(Item._make, found)[index] == found[index]


def test_no_item_beyond_the_end() -> None:
    with pytest.raises(IndexError):
        Packed(Item._make, many(3))[3]


def test_a_difference_is_seen() -> None:
    assert Packed(Item._make, many(3)) != many(2)
    assert Packed(Item._make, many(3)) != [*many(2), Item("x", 2)]


def test_sorted_by_the_first_field_in_runs() -> None:
    found = many(RUN + 10)
    assert list(in_order(Item._make, reversed(found))) == found


def test_a_million_would_need_little_memory() -> None:
    tracemalloc.start()
    try:
        packed = Packed(Item._make, (Item(f"a/directory/{number}", number) for number in range(20_000)))
        kept, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(packed) == 20_000
    assert kept / 20_000 < 40
