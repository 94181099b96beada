"""Nodes whose container is gone: their recorded mounts say where data is on the host; their pods do nothing."""

from __future__ import annotations

from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.places import data_place
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.lost import (
    MISSING,
    lost_nodes,
    on_containers,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.config import config_text, kind_config
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.record import record
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import ClusterSpec
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place

SPEC = ClusterSpec.from_options(
    {"name": "lab", "workers": 2, "control_planes": 1, "mounts": [{"host_path": "/srv/lab", "node_path": "/data"}]}
)
RECORD = record(config_text(kind_config(SPEC)), "0.32.0")
MOUNTS = (Mount("/data", "/srv/lab", propagation="rprivate"),)
LEFT = [Node(f"lab-{role}", "lab", role, mounts=MOUNTS) for role in ("control-plane", "worker")]
API = [{"metadata": {"name": "lab-worker2", "labels": {"zone": "a"}}, "spec": {}}]


def volume(path: str) -> Volume:
    return Volume("v", "ns/c", nodes=("lab-worker2",), node_directory=path, source="hostPath")


def test_a_lost_worker_is_as_it_was_created() -> None:
    (lost,) = lost_nodes("lab", LEFT, API, [RECORD])
    assert (lost.name, lost.role, lost.state, lost.labels) == ("lab-worker2", "worker", MISSING, {"zone": "a"})
    assert lost.mounts == MOUNTS
    assert data_place(volume("/data/v"), [*LEFT, lost], archives=False) == Place("", "/data/v", "/srv/lab/v")


def test_data_inside_it_is_gone() -> None:
    nodes = [*LEFT, *lost_nodes("lab", LEFT, API, [RECORD])]
    for archives in (True, False):
        refusal = data_place(volume("/opt/v"), nodes, archives=archives)
        assert isinstance(refusal, Refusal) and "its container is gone" in refusal.why


def test_without_a_record_nothing_is_known() -> None:
    whole = [*LEFT, Node("lab-worker2", "lab", "worker")]
    edited: dict[str, Any] = {**RECORD, "data": {"config": '{"name": "lab", "nodes": [{"role": "worker"}]}'}}
    assert lost_nodes("lab", whole, API, [RECORD]) == lost_nodes("lab", LEFT, API, []) == ()
    assert lost_nodes("lab", LEFT, API, [edited]) == ()


def test_pods_of_containers() -> None:
    pods = [{"spec": {"nodeName": name}} for name in ("a", "b", None)]
    assert on_containers(pods, ["a"]) == [pods[0], pods[2]]
