"""Volumes whose node goes away: to a node that has their directory, or with an archive to one of the same role."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.moves import (
    Moves,
    collisions,
    move_rows,
    places_of,
    plan_moves,
    role_of,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.shape import cluster_spec, expected_nodes

SHARED = [{"host_path": "/srv", "node_path": "/data"}]
PLANE, WORKER = {"role": "control-plane"}, {"role": "worker"}
MOUNTED = {**WORKER, "mounts": SHARED}


def volume(name: str, *nodes: str, path: str = "") -> Volume:
    return Volume(name, f"ns/{name}", node_directory=path or f"/data/{name}", source="hostPath", nodes=nodes)


def moved(nodes: list[Any], *volumes: Volume, node_map: Any = None, archived: Any = (), inside: Any = ()) -> Moves:
    """With all data in /srv, except of those that are inside their nodes."""
    directories = {v.name: "" if v.name in inside else f"/srv/{v.name}" for v in volumes}
    new = expected_nodes(cluster_spec("lab", {"nodes": nodes}), {})
    return plan_moves(volumes, directories, new, node_map or {}, cluster="lab", archived=archived)


def test_the_node_that_has_the_directory_takes_them() -> None:
    found = moved([PLANE, WORKER, MOUNTED], volume("a", "lab-worker3"), volume("b", "lab-worker3"))
    assert found.node_map == {"lab-worker3": "lab-worker2"}
    assert found.volumes == {"a": "lab-worker2", "b": "lab-worker2"}
    assert [v.nodes for v in found.as_moved] == [("lab-worker2",)] * 2


def test_nothing_moves_whose_node_stays() -> None:
    """Nor a volume that another of its nodes can have."""
    found = moved([PLANE, MOUNTED], volume("a", "lab-worker"), volume("b", "lab-worker", "lab-worker2"), volume("c"))
    assert (found.node_map, found.volumes) == ({}, {})
    assert [v.nodes for v in found.as_moved] == [("lab-worker",), ("lab-worker", "lab-worker2"), ()]


def test_without_the_directory_data_needs_an_archive() -> None:
    bare = [PLANE, WORKER]
    assert moved(bare, volume("a", "lab-worker2")).node_map == {}
    assert moved(bare, volume("a", "lab-worker2"), archived=("a",)).node_map == {"lab-worker2": "lab-worker"}
    inside = moved(bare, volume("a", "lab-worker2"), archived=("a",), inside=("a",))
    assert inside.volumes == {"a": "lab-worker"}
    assert moved([PLANE, MOUNTED], volume("a", "lab-worker2"), inside=("a",)).node_map == {}


def test_a_node_takes_all_volumes_of_another_or_none() -> None:
    both = (volume("a", "lab-worker2"), volume("b", "lab-worker2", path="/other/b"))
    assert moved([PLANE, MOUNTED], *both).node_map == {}
    assert moved([PLANE, MOUNTED], *both, archived=("b",)).node_map == {"lab-worker2": "lab-worker"}


def test_only_nodes_of_the_same_role_are_chosen() -> None:
    plane = {**PLANE, "mounts": SHARED}
    assert moved([plane], volume("a", "lab-worker")).node_map == {}
    asked = {"lab-worker": "lab-control-plane"}
    assert moved([plane], volume("a", "lab-worker"), node_map=asked).node_map == asked


def test_nodes_are_mapped_by_a_pattern() -> None:
    both = volume("a", "lab-worker2"), volume("b", "lab-worker3")
    found = moved([PLANE, WORKER], *both, node_map={"lab-worker*": "lab-worker"})
    assert found.node_map == {"lab-worker2": "lab-worker", "lab-worker3": "lab-worker"}
    assert moved([PLANE, WORKER], node_map={"lab-*": "lab-worker"}).node_map == {}


def test_a_node_map_is_checked() -> None:
    with pytest.raises(BadInput, match="nodes that the new cluster does not have: lab-worker9"):
        moved([PLANE, WORKER], volume("a", "lab-worker2"), node_map={"lab-worker2": "lab-worker9"})
    with pytest.raises(BadInput, match="nodes that no volume has: other") as raised:
        moved([PLANE, WORKER], volume("a", "lab-worker2"), node_map={"other": "lab-worker"})
    assert "lab-worker2" in raised.value.next_step
    unused = moved([PLANE, MOUNTED], volume("a", "lab-worker"), node_map={"lab-worker5": "lab-worker"})
    assert (unused.node_map, unused.volumes) == ({}, {})


def test_volumes_that_would_share_a_directory() -> None:
    one, other = volume("a", "lab-worker", path="/x"), volume("b", "lab-worker2", path="/x")
    found = moved([PLANE, WORKER], one, other, archived=("a", "b"), inside=("a", "b"))
    nodes = expected_nodes(cluster_spec("lab", {"nodes": [PLANE, WORKER]}), {})
    directories = {"a": "", "b": ""}
    places = places_of(found, directories, nodes, ("a", "b"))
    assert collisions(places, directories, found.volumes) == {"b": ["a"]}
    shared = {"a": "/srv/x", "b": "/srv/x"}
    assert collisions(places, shared, found.volumes) == {}


def test_rows_of_the_plan() -> None:
    nodes = expected_nodes(cluster_spec("lab", {"nodes": [PLANE, MOUNTED]}), {})
    volumes = (volume("a", "lab-worker2"), volume("b", "lab-worker2", path="/x/b"), volume("c", "lab-worker"))
    directories = {"a": "/srv/a", "b": "", "c": "/srv/c"}
    found = plan_moves(volumes, directories, nodes, {}, cluster="lab", archived=("b",))
    assert move_rows(found, directories, places_of(found, directories, nodes, ("b",))) == {
        "a": {"node": "lab-worker", "directory": ""},
        "b": {"node": "lab-worker", "directory": "/x/b in lab-worker"},
    }


@pytest.mark.parametrize(
    ("name", "role"),
    [("lab-worker", "worker"), ("lab-control-plane12", "control-plane"), ("other-worker", ""), ("lab-workerx", "")],
)
def test_roles_by_name(name: str, role: str) -> None:
    assert role_of(name, "lab") == role
