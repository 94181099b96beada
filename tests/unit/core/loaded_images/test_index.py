"""The index of saved images: read from a generation, and what each node of a new cluster gets."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.loaded_images.index import (
    SavedImage,
    archive_of,
    read_index,
    wanted_images,
)

A, B, C = (f"sha256:{letter * 64}" for letter in "abc")
PLANE, WORKER, WORKER2 = "k-control-plane", "k-worker", "k-worker2"
ROLES = {PLANE: "control-plane", WORKER: "worker", WORKER2: "worker"}


def saved(digest: str, names: str, *nodes: str) -> SavedImage:
    return SavedImage(tuple(names.split()), digest, nodes, 5, archive_of(digest))


def test_what_is_written_is_read() -> None:
    index = (saved(A, "a:1 registry.example/library/a@sha256:0", PLANE), SavedImage(("b",), B, (WORKER,)))
    assert read_index([image.as_dict() for image in index], "x") == index
    assert read_index([], "x") == ()


GOOD = saved(A, "a:1", PLANE).as_dict()


@pytest.mark.parametrize(
    "rows",
    [
        None,
        {},
        [{**GOOD, "digest": "sha256:aa"}],
        [{**GOOD, "digest": f"sha256:{'a' * 60}/../"}],
        [{**GOOD, "archive": f"images/../{'a' * 64}.tar"}],
        [{**GOOD, "archive": archive_of(B)}],
        [{**GOOD, "names": []}],
        [{**GOOD, "names": ["a b"]}],
        [{**GOOD, "names": ["-x"]}],
        [{**GOOD, "nodes": "k"}],
        [{**GOOD, "bytes": True}],
        [{key: value for key, value in GOOD.items() if key != "nodes"}],
    ],
)
def test_an_index_of_another_shape_is_refused(rows: Any) -> None:
    with pytest.raises(BadInput, match=r"^/b/cluster.yaml lists loaded images"):
        read_index(rows, "/b/cluster.yaml")


def names_of(index: list[SavedImage], nodes: dict[str, str], before: dict[str, str]) -> dict[str, dict[str, str]]:
    wanted = wanted_images(index, nodes, before)
    return {node: {name: image.digest for name, image in names.items()} for node, names in wanted.items()}


def test_nodes_get_what_they_had() -> None:
    index = [saved(A, "a:1 a:2", PLANE, WORKER), saved(B, "b:1", WORKER)]
    assert names_of(index, ROLES, ROLES) == {
        PLANE: {"a:1": A, "a:2": A},
        WORKER: {"a:1": A, "a:2": A, "b:1": B},
        WORKER2: {},
    }


def test_a_new_worker_gets_what_any_worker_had() -> None:
    before = {PLANE: "control-plane", WORKER: "worker"}
    index = [saved(A, "a:1", PLANE), saved(B, "b:1", WORKER)]
    assert names_of(index, ROLES, before)[WORKER2] == {"b:1": B}


def test_the_first_worker_gets_what_the_control_plane_had() -> None:
    index = [saved(A, "a:1", PLANE)]
    assert names_of(index, ROLES, {PLANE: "control-plane"})[WORKER] == {"a:1": A}


def test_a_new_node_gets_of_one_name_what_most_had() -> None:
    before = {**ROLES, "k-worker3": "worker"}
    index = [saved(A, "a:1", WORKER), saved(B, "a:1", WORKER2, "k-worker3")]
    for order in (index, index[::-1]):
        assert names_of(order, {**before, "k-worker4": "worker"}, before)["k-worker4"] == {"a:1": B}
