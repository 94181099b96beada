"""What a new cluster is created from: recorded options first, or those of the last backup."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import Catalog, SavedCluster
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.facts import of_backup
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
