"""A cluster in a map: who uses a volume, where it is, and whether it is as it was saved."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import Catalog, SavedCluster
from ansible_collections.kindlab.volumes.plugins.module_utils._core.inventory.survival import Survival
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.pods import pods_by_claim
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.map.cluster import cluster_map
from ansible_collections.kindlab.volumes.plugins.module_utils._core.map.model import Backed, Seen, Source, checked
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.report import describe
from ansible_collections.kindlab.volumes.tests.unit.support.backups import claim, saved_volume, volume
from ansible_collections.kindlab.volumes.tests.unit.support.maps import lab

Object = dict[str, Any]
NODES = (
    Node("k-control-plane", "k", "control-plane"),
    Node("k-worker", "k", "worker", mounts=(Mount("/data", "/srv/k"),)),
)
POD = {
    "kind": "Pod",
    "metadata": {
        "name": "web-0",
        "namespace": "ns",
        "uid": "p",
        "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "uid": "s", "controller": True}
        ],
    },
    "spec": {"nodeName": "k-worker", "volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "c0"}}]},
    "status": {"phase": "Running"},
}
SYSTEM = {"kind": "Pod", "metadata": {"name": "dns", "namespace": "kube-system"}, "spec": {"nodeName": "k-worker"}}
WEB = {
    "kind": "StatefulSet",
    "metadata": {"name": "web", "namespace": "ns", "uid": "s"},
    "spec": {"template": POD},
}
# Newer than its generation by a day.
DAY = 86_400.0
AT = 1_767_322_800.0
GENERATION = "000002-20260102T030000Z"


def source(saved: Any = None, seen: Seen | None = None, places: str = "/data", **other: Any) -> Source:
    pv, pvc = volume(0, places=places), {**claim(0), "status": {"phase": "Bound"}}
    (read,) = read_volumes([pv], [pvc])
    rows = [{**describe(read, NODES, pods_by_claim([POD]), pv), **Survival("yes", "why").as_dict()}]
    catalog = Catalog("2026-01-02T03:00:00Z", SavedCluster("k", "v1"), volumes=(saved,) if saved else ())
    waiting = {**claim(1), "status": {"phase": "Pending"}}
    return Source(
        "k",
        NODES,
        rows,
        "all volumes survive",
        objects={"Pod": [POD, SYSTEM], "PersistentVolumeClaim": [pvc, waiting], "StatefulSet": [WEB]},
        seen={"v0": seen} if seen else {},
        backed=Backed("/backup", GENERATION, catalog),
        **other,
    )


def test_a_cluster_in_a_map() -> None:
    made = cluster_map(source())
    checked(lab(made), "maps[0]")
    (row,) = made["volumes"]
    assert (row["place"], row["pods"], row["workloads"]) == ("/srv/k", ["ns/web-0"], ["StatefulSet/web"])
    assert made["pods"] == [
        {"namespace": "ns", "name": "web-0", "node": "k-worker", "phase": "Running", "workload": "StatefulSet/web"}
    ]
    assert [node["pods"] for node in made["nodes"]] == [0, 1]
    assert [one["claim"] for one in made["claims"]] == ["ns/c1"]
    assert (row["seen"], row["backup"]) == ({}, {})


def test_data_inside_a_node_is_in_its_place() -> None:
    (row,) = cluster_map(source(places="/inside"))["volumes"]
    assert (row["data"], row["place"]) == ("node", "k-worker")


SAVED = saved_volume(0, checksum_list="checksums/v0.jsonl", files=2, bytes=10)


@pytest.mark.parametrize(
    ("saved", "seen", "state"),
    [
        (SAVED, Seen(files=2, size=10, changed=AT - DAY), "equal"),
        (SAVED, Seen(files=2, size=10, changed=AT), "equal"),
        (SAVED, Seen(files=2, size=10, changed=AT + DAY), "changed"),
        (SAVED, Seen(files=3, size=10, changed=AT - DAY), "changed"),
        (SAVED, Seen(files=2, size=11, changed=AT - DAY), "changed"),
        (SAVED, Seen(files=2, size=10, changed=AT - DAY, complete=False), "unknown"),
        (SAVED, None, "unknown"),
        (replace(SAVED, checksum_list=""), Seen(files=2, size=10), "unknown"),
        (replace(SAVED, data="elsewhere"), Seen(files=2, size=10), "manifest"),
    ],
)
def test_data_as_it_was_saved(saved: Any, seen: Seen | None, state: str) -> None:
    (row,) = cluster_map(source(saved, seen))["volumes"]
    assert row["backup"] == {
        "generation": GENERATION,
        "created": "2026-01-02T03:00:00Z",
        "state": state,
        "archive": False,
    }


@pytest.mark.parametrize("changed", [-1e18, 0.0, 1e18])
def test_any_time_of_a_file_can_be_shown(changed: float) -> None:
    (row,) = cluster_map(source(seen=Seen(files=1, changed=changed)))["volumes"]
    assert row["seen"]["changed"].endswith("Z")


def test_a_cluster_that_does_not_answer() -> None:
    made = cluster_map(Source("k", NODES, problem="it does not answer"))
    checked(lab(made), "maps[0]")
    assert made["volumes"] == [] and made["problem"] == "it does not answer"
