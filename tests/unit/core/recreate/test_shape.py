"""The new cluster: its nodes as they will be, and how they differ from those that there are."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.requested import cluster_options
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.shape import (
    are_images_of,
    change_texts,
    changes,
    cluster_spec,
    created_nodes,
    expected_nodes,
    shown,
    undescribed,
)

MOUNT = {"host_path": "/srv", "node_path": "/data"}
CREATED = {**MOUNT, "read_only": False, "create": True, "mode": "0755"}
PORT = {"node_port": 80, "host_port": 80}
RECORDED: dict[str, Any] = {
    "nodes": [
        {"role": "control-plane", "image": "a:1", "ports": [PORT], "mounts": [MOUNT]},
        {"role": "worker", "image": "a:1", "labels": {"disk": "slow"}, "mounts": [MOUNT]},
    ],
    "networking": {"pod_subnet": "10.1.0.0/16"},
}


@pytest.mark.parametrize(
    ("requested", "text"),
    [
        ({"image": "b:2"}, "lab-control-plane: image a:1 -> b:2"),
        ({"ports": [{"node_port": 80, "host_port": 81}]}, "lab-control-plane: ports 80->80/TCP -> 81->80/TCP"),
        ({"mounts": []}, "lab-worker: mount /data /srv -> none"),
        ({"labels": {"disk": "fast"}}, "lab-worker: labels {'disk': 'slow'} -> {'disk': 'fast'}"),
        ({"networking": {}}, "networking {'podSubnet': '10.1.0.0/16'} -> none"),
        ({"nodes": RECORDED["nodes"][:1]}, "lab-worker (worker) is removed"),
        ({"workers": 0}, "lab-worker (worker) is removed"),
        ({"workers": 2}, "lab-worker2 (worker) is added"),
    ],
)
def test_changes_are_told(requested: dict[str, Any], text: str) -> None:
    found = change_texts(changes("lab", RECORDED, cluster_options("lab", requested, RECORDED, {})))
    assert text in found, found
    assert changes("lab", RECORDED, cluster_options("lab", {}, RECORDED, {})) == ()


def test_a_diff_shows_nodes_by_name() -> None:
    options = {**RECORDED, "merge_kubeconfig": True, "nodes": [{**RECORDED["nodes"][0], "mounts": [CREATED]}]}
    assert shown("lab", options) == {
        "nodes": {"lab-control-plane": {"role": "control-plane", "image": "a:1", "ports": [PORT], "mounts": [MOUNT]}},
        "networking": {"pod_subnet": "10.1.0.0/16"},
    }


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
