"""Who has a directory, or one above or below it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import is_below
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.related import Related

OWNED = (("/srv/a", "a", "volume a"), ("/srv/b/c", "c", "volume c"), ("/srv/b/c", "d", "volume d"))
PATHS = st.lists(st.sampled_from("ab"), max_size=4).map(lambda parts: "/" + "/".join(parts))


def test_it_says_who() -> None:
    related = Related(OWNED)
    assert related.why("/srv/a") == "/srv/a is the directory of volume a"
    assert related.why("/srv/a/x/y") == "/srv/a is the directory of volume a"
    assert related.why("/srv/b") == "/srv/b/c, in it, is the directory of volume c"
    assert related.why("/srv/bc") == related.why("/other") == ""


def test_an_owner_that_does_not_count() -> None:
    related = Related(OWNED)
    assert related.why("/srv/a", besides="a") == ""
    assert related.why("/srv/b/c", besides="c") == "/srv/b/c is the directory of volume d"
    assert "volume c" in related.why("/srv", besides="a")


def test_nobody_in_particular_always_counts() -> None:
    assert Related([("/srv/a", "", "a backup")]).why("/srv/a", besides="")


@given(st.lists(st.tuples(PATHS, st.sampled_from("xyz")), max_size=6), PATHS, st.sampled_from(["", "x"]))
def test_it_finds_what_a_search_of_all_finds(owned: list[tuple[str, str]], path: str, besides: str) -> None:
    found = Related((other, owner, owner) for other, owner in owned).why(path, besides)
    every = [
        o for other, o in owned if (is_below(other, path) or is_below(path, other)) and (not besides or o != besides)
    ]
    assert bool(found) == bool(every)
