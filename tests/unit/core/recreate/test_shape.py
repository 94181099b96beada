"""The options of the new cluster: recorded ones, replaced by what is requested, every node with its image."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.shape import (
    are_images_of,
    change_texts,
    changes,
    cluster_options,
    cluster_spec,
    created_nodes,
    expected_nodes,
    keeping_directories,
    undescribed,
)

MOUNT = {"host_path": "/srv", "node_path": "/data"}
PORT = {"node_port": 80, "host_port": 80}
RECORDED: dict[str, Any] = {
    "nodes": [
        {"role": "control-plane", "image": "a:1", "ports": [PORT], "mounts": [MOUNT]},
        {"role": "worker", "image": "a:1", "labels": {"disk": "slow"}, "mounts": [MOUNT]},
    ],
    "networking": {"pod_subnet": "10.1.0.0/16"},
}


def options(requested: dict[str, Any], recorded: dict[str, Any] | None = None, **images: str) -> dict[str, Any]:
    known = RECORDED if recorded is None else recorded
    return cluster_options("lab", requested, known, {name.replace("_", "-"): i for name, i in images.items()})


def test_recorded_options_stay_unless_others_are_requested() -> None:
    assert options({}) == RECORDED
    assert options({"merge_kubeconfig": True}) == {**RECORDED, "merge_kubeconfig": True}
    assert options({"networking": {}})["networking"] == {}


@pytest.mark.parametrize(
    ("requested", "text"),
    [
        ({"image": "b:2"}, "lab-control-plane: image is a:1, but b:2 was requested"),
        ({"ports": [{"node_port": 80, "host_port": 81}]}, "lab-control-plane: ports is 80->80/TCP, but 81->80/TCP"),
        ({"mounts": []}, "lab-worker: mount /data is /srv, but none was requested"),
        ({"labels": {"disk": "fast"}}, "lab-worker: labels is {'disk': 'slow'}, but {'disk': 'fast'} was requested"),
        ({"networking": {}}, "networking is {'podSubnet': '10.1.0.0/16'}, but none was requested"),
        ({"nodes": RECORDED["nodes"][:1]}, "lab-worker: node is worker, but none was requested"),
        ({"nodes": [*RECORDED["nodes"], {"role": "worker"}]}, "lab-worker2: node is none, but worker was requested"),
    ],
)
def test_what_is_requested_wins_and_is_told(requested: dict[str, Any], text: str) -> None:
    """Options of all nodes replace those of each node, with which they would clash."""
    found = change_texts(changes("lab", RECORDED, options(requested)))
    assert any(line.startswith(text) for line in found), found
    assert changes("lab", RECORDED, options({})) == ()


def test_nodes_without_an_image_get_their_own_or_that_of_the_others() -> None:
    bare = {"nodes": [{"role": "worker"}, {}, {"role": "worker", "image": "c:3"}]}
    found = options(bare, {}, lab_control_plane="a:1", lab_worker="b:2")
    assert [node.get("image") for node in found["nodes"]] == ["a:1", "b:2", "c:3"]
    more = options({"nodes": [{}, {"role": "worker"}]}, {}, lab_control_plane="a:1", **{"": "a:1"})
    assert [node["image"] for node in more["nodes"]] == ["a:1", "a:1"]
    assert options({**bare, "image": "d:4"}, {}, lab_worker="b:2")["nodes"] == bare["nodes"]


@pytest.mark.parametrize("option", ["name", "state", "engine", "kind", "kubeconfig", "backup", "force"])
def test_options_of_a_recreation_are_refused(option: str) -> None:
    with pytest.raises(BadInput, match=f"must not contain {option}"):
        options({option: "x", "nodes": []})


def test_incomplete_and_unknown_options_are_refused() -> None:
    with pytest.raises(BadInput, match=r"its options are not recorded\. Nothing was changed"):
        options({"workers": 2}, {})
    with pytest.raises(BadInput, match=r"options\.workers cannot change"):
        options({"workers": 2})
    with pytest.raises(BadInput, match="contains mount, which"):
        cluster_options("lab", {"mount": []}, RECORDED, {}, known=("mounts",))


def test_containers_are_compared_except_for_their_image() -> None:
    def existing(path: str) -> list[Node]:
        mounts = (Mount("/data", path, propagation="rprivate"),)
        return [Node("lab-control-plane", "lab", "control-plane", image="x", mounts=mounts)]

    nodes = existing("/srv")
    spec = cluster_spec("lab", {"nodes": [{"image": "y", "mounts": [{**MOUNT}]}]})
    assert [d.field for d in undescribed(spec, existing("/other"))] == ["mount /data"]
    assert undescribed(spec, nodes) == ()
    assert [d.node for d in undescribed(cluster_spec("lab", {"nodes": [{}, {"role": "worker"}]}), nodes)] == [
        "lab-control-plane",
        "lab-worker",
    ]


def test_described_host_directories_are_never_created() -> None:
    found = keeping_directories({"mounts": [MOUNT], "nodes": [{"mounts": [{**MOUNT, "create": True}]}, {}]})
    assert found["mounts"][0]["create"] is found["nodes"][0]["mounts"][0]["create"] is False


def test_nodes_as_they_will_be() -> None:
    spec = cluster_spec("lab", RECORDED)
    plane, worker = expected_nodes(spec, {"lab-worker": {"labels": {"zone": "a"}, "taints": []}})
    assert (plane.takes_pods, worker.takes_pods) == (False, True)
    assert worker.labels == {
        "kubernetes.io/hostname": "lab-worker",
        "kubernetes.io/os": "linux",
        "disk": "slow",
        "zone": "a",
    }
    opened = {"lab-control-plane": {"labels": {}, "taints": []}}
    assert expected_nodes(spec, opened)[0].takes_pods
    assert expected_nodes(cluster_spec("lab", {"nodes": [{}]}), {})[0].takes_pods


def test_a_load_balancer_is_created_for_several_control_planes() -> None:
    assert created_nodes(cluster_spec("lab", {"nodes": [{}, {}]})) == [
        "lab-control-plane",
        "lab-control-plane2",
        "lab-external-load-balancer",
    ]
    assert created_nodes(cluster_spec("lab", {"nodes": [{}]})) == ["lab-control-plane"]


def test_whether_images_are_those_of_the_nodes() -> None:
    """By name, and by content: a name may have been given to another image."""
    nodes = [Node("a", "lab", "control-plane", image="n:1", image_id="id")]
    assert are_images_of({"n:1": "id"}, ["docker.io/n:1"], nodes)
    assert are_images_of({"n:1": "id"}, ["n:1"], ())
    assert not are_images_of({"n:1": "new"}, ["n:1"], nodes)
    assert not are_images_of({"n:2": "id"}, ["n:1"], nodes)
