"""What a new cluster is created from: recorded options first, or those of the last backup."""

from __future__ import annotations

from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import Catalog, SavedCluster
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.facts import (
    kept_down,
    node_images,
    of_backup,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.journal import Progress
from ansible_collections.kindlab.volumes.tests.unit.support.backups import saved_volume


def test_what_a_backup_says_of_its_cluster() -> None:
    volumes = (saved_volume(0, files=2, bytes=9), saved_volume(1, host_directory="", reclaim_policy="Retain"))
    catalog = Catalog("2026-01-02T03:04:05Z", SavedCluster("lab", "v1.34.4"), volumes=volumes)
    described = {"nodes": ["n"], "images": ["i"], "options": {"nodes": []}, "storage_classes": [{"name": "a"}]}
    found = of_backup(catalog, {**described, "kind": "Cluster"}, "000001-x", "docker")
    told = found.pop("volumes")
    assert found == {
        **described,
        "node_settings": {},
        "storage": [],
        "loaded_images": [],
        "doubts": [],
        "node_roles": {},
        "objects_from": "",
        "cluster": "lab",
        "engine": "docker",
        "kubernetes_version": "v1.34.4",
        "generation": "000001-x",
    }
    assert [(v["name"], v["node"], v["host_directory"], v["reclaim_policy_before"]) for v in told] == [
        ("v0", "", "/srv/v0", "Delete"),
        ("v1", "k-worker", "", "Retain"),
    ]
    assert (told[0]["files"], told[0]["bytes"], told[0]["claim"]) == (2, 9, "ns/c0")
    assert of_backup(catalog, {"options": None}, "g", "docker")["options"] == {}


def test_images_by_node() -> None:
    nodes = [
        {"name": "a", "role": "control-plane", "image": "x"},
        {"name": "b", "role": "worker", "image": "y"},
        {"name": "l", "role": "external-load-balancer", "image": "z"},
    ]
    assert node_images({"nodes": nodes}, []) == {"a": "x", "b": "y", "": "x"}
    assert node_images(None, ["x"]) == {"": "x"}
    assert node_images(None, ["x", "y"]) == {"": ""}


def test_workloads_that_were_at_zero_before() -> None:
    def row(name: str, before: int, result: str) -> dict[str, Any]:
        counts = {"before": {"replicas": before}, "after": {"replicas": 0}}
        return {"namespace": "ns", "kind": "Deployment", "name": name, "result": result, **counts}

    rows = [row("detached-by-hand", 2, "unchanged"), row("running", 2, "detached"), row("never", 0, "unchanged")]
    assert kept_down(rows, Progress()) == ["ns/Deployment/detached-by-hand"]
    interrupted = Progress(("planned", "detached"), {"kept_down": []})
    assert kept_down(rows, interrupted) == []
    again = Progress(("planned", "detached"), {"kept_down": ["ns/Deployment/detached-by-hand"]})
    assert kept_down(rows, again) == ["ns/Deployment/detached-by-hand"]
    assert kept_down(rows, Progress(("planned", "rolled_back"), {})) == ["ns/Deployment/detached-by-hand"]
