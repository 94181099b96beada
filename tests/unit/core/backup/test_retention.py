"""Which generations are removed, and which ones stay because they alone hold a volume."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import (
    Catalog,
    SavedArchive,
    SavedCluster,
    SavedVolume,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.retention import (
    Retention,
    removable,
    retention,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume

A = SavedVolume("a", "ns/a", phase="Bound")
B = SavedVolume("b", "ns/b", phase="Bound")
ARCHIVE = SavedArchive("a.tar.gz", "0" * 64, 1, "gzip")
LIVE = Volume("a", "ns/a", phase="Bound", claim_phase="Bound")


def catalog(*volumes: SavedVolume) -> Catalog:
    return Catalog("", SavedCluster("lab", "v1"), volumes=volumes)


def kept(generations: list[Catalog | None], keep: int = 1, living: tuple[Volume, ...] = ()) -> Retention:
    return retention([(str(number), found) for number, found in enumerate(generations)], keep, living)


def test_all_are_kept_by_default() -> None:
    assert kept([catalog(), catalog(), catalog()], keep=0) == Retention()


def test_the_oldest_are_removed() -> None:
    assert kept([catalog(A)] * 4, keep=2) == Retention(("0", "1"))
    assert kept([catalog(A)], keep=3) == Retention()


def test_a_generation_that_alone_holds_a_volume_stays() -> None:
    """As after `kind delete` and a new cluster of that name, which is empty."""
    found = kept([catalog(A), catalog(A, B), catalog(), catalog()])
    assert found == Retention(("0", "2"), {"1": "only this generation holds ns/a (a), ns/b (b)"})


def test_the_newest_that_holds_it_is_enough() -> None:
    found = kept([catalog(B), catalog(A, B), catalog(A), catalog()])
    assert found == Retention(
        ("0",), {"1": "only this generation holds ns/b (b)", "2": "only this generation holds ns/a (a)"}
    )


@pytest.mark.parametrize(
    "living, stays",
    [
        (LIVE, False),
        (replace(LIVE, claim_phase="", phase="Released"), True),
        (replace(LIVE, claim="ns/other"), True),
        (replace(LIVE, is_terminating=True), True),
        (replace(LIVE, name="other"), True),
        (replace(LIVE, node_directory="/data/a"), False),
        (replace(LIVE, node_directory="/data/b"), True),
    ],
)
def test_what_the_cluster_has_as_it_was_needs_none(living: Volume, stays: bool) -> None:
    """A backup of other volumes does not say that it is gone."""
    saved = replace(A, node_directory="/data/a")
    assert bool(kept([catalog(saved), catalog(B)], living=(living,)).kept) == stays


@pytest.mark.parametrize(
    "older, newer, stays",
    [
        (A, A, False),
        (A, replace(A, phase="Released"), True),
        (replace(A, phase="Released"), A, False),
        (replace(A, phase="Released"), replace(A, phase="Released"), False),
        (A, replace(A, consistent=False), True),
        (replace(A, consistent=False), replace(A, consistent=False), False),
        (A, replace(A, claim="ns/other"), True),
        (A, replace(A, data="none"), True),
        (replace(A, data="none"), B, False),
        (replace(A, data="elsewhere"), B, True),
        (replace(A, phase=""), A, False),
        (replace(A, phase=""), replace(A, phase="Released"), True),
        (SavedVolume("a"), SavedVolume("a", phase="Available"), False),
        # Its data may be gone from where only a list of it was saved.
        (replace(A, archive=ARCHIVE), A, True),
        (A, replace(A, archive=ARCHIVE), False),
        (replace(A, archive=ARCHIVE), replace(A, archive=ARCHIVE), False),
        # Another one of that name.
        (replace(A, node_directory="/data/a"), replace(A, node_directory="/data/b"), True),
        (replace(A, source="nfs a:/x"), replace(A, source="nfs b:/x"), True),
    ],
)
def test_what_holds_a_volume(older: SavedVolume, newer: SavedVolume, stays: bool) -> None:
    assert bool(kept([catalog(older), catalog(newer)]).kept) == stays


def test_a_damaged_one_may_hold_anything_and_counts_for_nothing() -> None:
    assert kept([None, catalog(A)]).kept == {"0": "it is damaged, and what it holds is unknown"}
    assert kept([catalog(A), None]).kept == {"0": "only this generation holds ns/a (a)"}


volumes = st.builds(
    SavedVolume,
    st.sampled_from("ab"),
    st.sampled_from(["", "ns/a", "ns/b"]),
    st.sampled_from(["", "Bound", "Released"]),
    data=st.sampled_from(["host", "elsewhere", "none"]),
    consistent=st.booleans(),
    archive=st.sampled_from([None, ARCHIVE]),
)


@given(st.lists(st.lists(volumes, max_size=2, unique_by=lambda v: v.name), min_size=1, max_size=6), st.integers(1, 3))
def test_no_volume_is_lost(drawn: list[list[SavedVolume]], keep: int) -> None:
    generations: list[Any] = [catalog(*found) for found in drawn]
    result = kept(generations, keep)
    left = [found for number, found in enumerate(drawn) if str(number) not in result.removed]
    assert len(left) >= min(keep, len(drawn))
    before = [v for found in drawn for v in found if v.data != "none"]
    after = [v for found in left for v in found if v.data != "none"]
    assert all(any(_stands_for(other, volume) for other in after) for volume in before)


def _stands_for(other: SavedVolume, volume: SavedVolume) -> bool:
    same = (other.name, other.claim) == (volume.name, volume.claim)
    return same and other.consistent >= volume.consistent and bool(other.archive) >= bool(volume.archive)


def test_generations_by_name() -> None:
    """Those that are not named count, if they are newer."""
    generations = [("0", catalog(A)), ("1", catalog(B)), ("2", catalog(A))]
    assert removable(generations, {"0"}, ()) == Retention(("0",))
    assert removable(generations, {"1"}, ()).kept == {"1": "only this generation holds ns/b (b)"}
    assert removable(generations, {"2"}, ()).kept == {"2": "only this generation holds ns/a (a)"}
