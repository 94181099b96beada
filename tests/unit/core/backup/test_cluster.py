"""The cluster in a backup: with what people set on it, and with nodes whose container is gone."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.cluster import (
    describe_cluster,
    running_pods,
    with_lost_nodes,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.config import config_text, kind_config
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.record import known_options, record
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.source.model import Found
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import ClusterSpec
from ansible_collections.kindlab.volumes.tests.unit.support.provisioners import objects

PLANE = Node("lab-control-plane", "lab", "control-plane", image="n:1")
SPEC = ClusterSpec.from_options({"name": "lab", "control_planes": 1, "workers": 1})
RECORD = record(config_text(kind_config(SPEC)), "0.32.0")
NODES = [
    {"kind": "Node", "metadata": {"name": "lab-worker", "labels": {"zone": "a"}}, "spec": {"unschedulable": True}},
    {"kind": "Node", "metadata": {"name": "lab-control-plane"}, "spec": {}},
]


def by_kind() -> dict[str, list[dict[str, object]]]:
    found = {"Node": NODES, "ConfigMap": [RECORD]}
    for item in objects():
        if item["kind"] != "Node":
            found.setdefault(item["kind"], []).append(item)
    return found


def test_what_people_set_is_described() -> None:
    described = describe_cluster("lab", [PLANE], by_kind(), Found(known_options(RECORD, [PLANE])))
    assert described["node_settings"]["lab-worker"] == {"labels": {"zone": "a"}, "taints": [], "cordoned": True}
    assert [item["kind"] for item in described["storage"]] == ["StorageClass", "ConfigMap"]
    assert described["nodes"] == ["lab-control-plane"] and described["images"] == ["n:1"]
    assert [node["role"] for node in described["options"]["nodes"]] == ["control-plane", "worker"]


def test_a_node_whose_container_is_gone_is_added() -> None:
    plane, worker = with_lost_nodes("lab", [PLANE], by_kind())
    assert (plane, worker.name, worker.state) == (PLANE, "lab-worker", "missing")
    pods = [{"spec": {"nodeName": name}} for name in ("lab-control-plane", "lab-worker")]
    assert running_pods([PLANE], {"Pod": pods}) == pods[:1]


def test_what_is_not_known_of_a_cluster_of_others_is_kept() -> None:
    described = describe_cluster("lab", [PLANE], by_kind(), Found({"nodes": []}, ("its port",)))
    assert (described["options"], described["doubts"]) == ({"nodes": []}, ["its port"])
