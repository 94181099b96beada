"""The options of the new cluster: recorded ones, replaced by what is requested, every node with what is its own."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.config import kind_config
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import ClusterSpec
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.requested import (
    check_own,
    cluster_options,
    each_node,
    host_paths,
    keeping_directories,
    requested_labels,
)
from ansible_collections.kindlab.volumes.tests.unit.support.cluster_options import OPTIONS

MOUNT = {"host_path": "/srv", "node_path": "/data"}
OTHER = {"host_path": "/other", "node_path": "/data"}
PORT = {"node_port": 80, "host_port": 80}
RECORDED: dict[str, Any] = {
    "nodes": [
        {"role": "control-plane", "image": "a:1", "ports": [PORT], "mounts": [MOUNT], "patches": ["kind: A"]},
        {"role": "worker", "image": "a:1", "labels": {"disk": "slow", "zone": "a"}, "mounts": [MOUNT]},
        {"role": "worker", "image": "a:1", "labels": {"disk": "slow", "zone": "b"}, "mounts": [MOUNT, OTHER]},
    ],
    "networking": {"pod_subnet": "10.1.0.0/16"},
}


def options(requested: dict[str, Any], recorded: dict[str, Any] | None = None, **images: str) -> dict[str, Any]:
    known = RECORDED if recorded is None else recorded
    return cluster_options("lab", requested, known, {name.replace("_", "-"): i for name, i in images.items()})


def nodes(requested: dict[str, Any], **images: str) -> list[dict[str, Any]]:
    return list(options(requested, **images)["nodes"])


def test_recorded_options_stay_unless_others_are_requested() -> None:
    assert options({}) == RECORDED
    assert options({"merge_kubeconfig": True}) == {**RECORDED, "merge_kubeconfig": True}
    assert options({"networking": {}})["networking"] == {}


def test_what_is_requested_for_all_nodes_replaces_what_each_has() -> None:
    """So that no two mounts lie on one path, and no port is requested twice."""
    found = nodes({"mounts": [{**OTHER, "roles": ["worker"]}], "ports": [{**PORT, "node_port": 81}], "image": "b:2"})
    assert [node["image"] for node in found] == ["b:2"] * 3
    assert [node.get("mounts") for node in found] == [None, [OTHER], [OTHER]]
    assert [node.get("ports") for node in found] == [[{"node_port": 81, "host_port": 80}], None, None]
    assert [node.get("labels") for node in nodes({"labels": {"disk": "fast"}})] == [
        {"disk": "fast"},
        {"disk": "fast", "zone": "a"},
        {"disk": "fast", "zone": "b"},
    ]


def test_nodes_that_are_requested_are_the_whole_cluster() -> None:
    found = nodes({"nodes": [{"role": "worker", "labels": {"a": "b"}}, {}], "mounts": [MOUNT], "labels": {"c": "d"}})
    assert found == [
        {"role": "control-plane", "labels": {"c": "d"}, "mounts": [MOUNT]},
        {"role": "worker", "labels": {"c": "d", "a": "b"}, "mounts": [MOUNT]},
    ]


def test_new_nodes_have_what_those_of_their_role_have_in_common() -> None:
    assert nodes({"workers": 3})[:3] == RECORDED["nodes"]
    assert nodes({"workers": 3})[3] == {
        "role": "worker",
        "image": "a:1",
        "labels": {"disk": "slow"},
        "mounts": [MOUNT],
    }
    plane = nodes({"control_planes": 2})[1]
    assert plane == {"role": "control-plane", "image": "a:1", "mounts": [MOUNT], "patches": ["kind: A"]}
    only = {"nodes": RECORDED["nodes"][:1]}
    assert options({"workers": 1}, only)["nodes"][1] == {**plane, "role": "worker"}


def test_the_last_nodes_go() -> None:
    assert nodes({"workers": 1}) == RECORDED["nodes"][:2]
    assert nodes({"workers": 0}) == RECORDED["nodes"][:1]
    assert nodes({"workers": 2, "control_planes": 1}) == RECORDED["nodes"]


def test_nodes_without_an_image_get_their_own_or_that_of_the_others() -> None:
    bare = {"nodes": [{"role": "worker"}, {}, {"role": "worker", "image": "c:3"}]}
    found = options(bare, {}, lab_control_plane="a:1", lab_worker="b:2")
    assert [node.get("image") for node in found["nodes"]] == ["a:1", "b:2", "c:3"]
    more = options({"nodes": [{}, {"role": "worker"}]}, {}, lab_control_plane="a:1", **{"": "a:1"})
    assert [node["image"] for node in more["nodes"]] == ["a:1", "a:1"]
    given_for_all = options({**bare, "image": "d:4"}, {}, lab_worker="b:2")["nodes"]
    assert [node["image"] for node in given_for_all] == ["d:4", "d:4", "c:3"]


@pytest.mark.parametrize("option", ["name", "state", "engine", "kind", "kubeconfig", "backup", "force"])
def test_options_of_a_recreation_are_refused(option: str) -> None:
    with pytest.raises(BadInput, match=f"must not contain {option}"):
        check_own({option: "x", "nodes": []})


@pytest.mark.parametrize(
    ("requested", "text"),
    [
        ({"nodes": [{}], "workers": 1}, "contains nodes and a number of nodes"),
        ({"control_planes": 0}, "must be at least 1"),
        ({"workers": -1}, "at least 0"),
    ],
)
def test_impossible_numbers_of_nodes_are_refused(requested: dict[str, Any], text: str) -> None:
    with pytest.raises(BadInput, match=text):
        options(requested)


def test_what_nobody_recorded_has_to_be_described() -> None:
    with pytest.raises(BadInput, match=r"its options are not recorded\. Nothing was changed"):
        options({"ports": []}, {})
    with pytest.raises(BadInput, match="cannot be read from it: no control plane is running"):
        cluster_options("lab", {}, {}, {}, problem="no control plane is running")
    assert [node["role"] for node in options({"workers": 1}, {})["nodes"]] == ["control-plane", "worker"]


def test_directories_that_the_cluster_had_are_never_created() -> None:
    asked = {"nodes": [{"mounts": [{**MOUNT, "create": True}, {**OTHER, "create": True}]}, {}]}
    assert [m["create"] for m in keeping_directories(asked)["nodes"][0]["mounts"]] == [False, False]
    kept = keeping_directories(asked, host_paths({"nodes": [{"mounts": [MOUNT]}]}))
    assert [m["create"] for m in kept["nodes"][0]["mounts"]] == [False, True]


def test_labels_of_all_and_of_single_nodes() -> None:
    assert requested_labels({"labels": {"a": "1"}, "nodes": [{"labels": {"b": "2"}}, {}]}) == {"a", "b"}


@given(OPTIONS)
def test_complete_nodes_make_the_same_cluster(asked: dict[str, Any]) -> None:
    count = ["control-plane"] * asked["control_planes"] + ["worker"] * asked["workers"]
    complete = {**asked, "nodes": [{"role": role} for role in count]}
    shared = ("mounts", "ports", "labels", "image")
    rest = {name: value for name, value in asked.items() if name not in shared}
    made = ClusterSpec.from_options({**rest, "nodes": each_node(complete)})
    assert kind_config(made) == kind_config(ClusterSpec.from_options(asked))
