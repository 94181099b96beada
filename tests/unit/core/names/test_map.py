"""Maps of names: exact keys, and patterns whose text is kept."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.names.map import collisions, expanded

CLAIMS = ["shop/data-db-0", "shop/data-db-1", "shop/data-db-10", "test/data-db-0", "shop/a.b"]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, {}),
        (None, {}),
        ({"shop/a.b": "shop/c"}, {"shop/a.b": "shop/c"}),
        (
            {"shop/data-db-*": "shop/data-pg-*"},
            {f"shop/data-db-{number}": f"shop/data-pg-{number}" for number in (0, 1, 10)},
        ),
        ({"*/data-db-0": "*/first"}, {"shop/data-db-0": "shop/first", "test/data-db-0": "test/first"}),
        ({"*/a.*": "x/*-*"}, {"shop/a.b": "x/shop-b"}),
        ({"shop/a?b": "x"}, {"shop/a?b": "x"}),
        ({"shop/*0": "all", "shop/data-db-0": "own"}, {"shop/data-db-0": "own", "shop/data-db-10": "all"}),
        (
            {"*/a.*": "first/*", "shop/*": "then/*"},
            {"shop/a.b": "first/shop", **{f"shop/data-db-{n}": f"then/data-db-{n}" for n in (0, 1, 10)}},
        ),
    ],
)
def test_names(given: dict[str, str] | None, found: dict[str, str]) -> None:
    assert expanded("claim_map", given, CLAIMS) == found


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"other/*": "x/*"}, "claim_map has the pattern other/*, which matches none of shop/a.b"),
        ({"shop/a.b": "x/*"}, "maps shop/a.b to x/*, which has more '*'"),
        ({"shop/*": "*/*"}, "maps shop/* to */*, which has more '*'"),
        ({"data-db-*": "x"}, "matches none"),
    ],
)
def test_what_matches_nothing_is_an_error(given: dict[str, str], why: str) -> None:
    with pytest.raises(BadInput) as caught:
        expanded("claim_map", given, CLAIMS)
    assert why in caught.value.message and "claim_map" in caught.value.next_step


def test_where_nothing_is_known_a_pattern_stands_for_nothing() -> None:
    assert expanded("node_map", {"a-*": "b-*", "c": "d"}, ()) == {"c": "d"}


def test_several_names_that_become_one() -> None:
    assert collisions(["a", "b", "c", "d"], {"a": "x", "b": "x", "c": "d"}) == {"x": ["a", "b"], "d": ["c", "d"]}
    assert collisions(["a", "b"], {"a": "b", "b": "a"}) == {}
