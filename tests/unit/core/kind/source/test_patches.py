"""Merge patches lead from one value to another."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.source.patches import (
    merge_patch,
    merged,
    pruned,
)

LEAF = st.booleans() | st.integers(0, 2) | st.text("ab", max_size=1) | st.lists(st.integers(0, 1), max_size=2)
VALUE = st.dictionaries(st.sampled_from("abc"), st.recursive(LEAF, lambda v: st.dictionaries(st.sampled_from("xy"), v)))


@given(VALUE, VALUE)
def test_applied_to_the_first_it_makes_the_second(before: dict[str, Any], after: dict[str, Any]) -> None:
    patch = merge_patch(before, after)
    assert pruned(merged(before, patch)) == pruned(after)
    assert merge_patch(after, after) == {}


def test_types_are_kept_apart() -> None:
    assert merge_patch({"a": 1}, {"a": True}) == {"a": True}
    assert merge_patch({"a": 1, "b": {"c": 1}}, {"a": 1, "b": {}}) == {"b": {"c": None}}


def test_what_means_nothing_is_dropped() -> None:
    assert pruned({"a": None, "b": {"c": {}}, "d": "", "e": [{"f": None}], "g": 0}) == {"d": "", "e": [{}], "g": 0}
