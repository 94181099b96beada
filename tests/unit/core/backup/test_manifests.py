"""The shape of saved objects: what a restore reads is there and of its type."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.manifests import collect, is_saved
from ansible_collections.kindlab.volumes.tests.unit.support.backups import NAMESPACE, STORAGE_CLASS, claim, volume

OBJECTS = [NAMESPACE, STORAGE_CLASS, volume(0), claim(0)]


def test_the_namespaces_of_workloads_are_saved() -> None:
    """They use ephemeral volumes, or claims whose volume is gone."""
    pod = {"spec": {"volumes": [{"name": "v", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}}]}}
    alone = {"kind": "Deployment", "metadata": {"namespace": "scratch", "name": "d"}, "spec": {"template": pod}}
    spaces = [{"kind": "Namespace", "metadata": {"name": name}} for name in ("scratch", "other")]

    def saved(ephemeral: bool) -> list[str]:
        found = collect((), (), (), (), {"Namespace": spaces}, [alone], [], ephemeral=ephemeral)["Namespace"]
        return [item["metadata"]["name"] for item in found]

    assert (saved(True), saved(False)) == (["scratch"], [])


@pytest.mark.parametrize("item", OBJECTS, ids=lambda item: item["kind"])
def test_what_a_backup_saves(item: dict[str, Any]) -> None:
    for other in OBJECTS:
        assert is_saved(other["kind"], item) == (other is item)
    assert is_saved("Something", item)


@pytest.mark.parametrize(
    "place",
    [
        ("kind",),
        ("metadata",),
        ("metadata", "name"),
        ("metadata", "annotations"),
        ("metadata", "annotations", "pv.kubernetes.io/provisioned-by"),
        ("spec",),
        ("spec", "accessModes"),
        ("spec", "accessModes", 0),
        ("spec", "capacity", "storage"),
        ("spec", "claimRef", "name"),
        ("spec", "hostPath"),
        ("spec", "hostPath", "path"),
        ("spec", "nodeAffinity", "required"),
        ("spec", "nodeAffinity", "required", "nodeSelectorTerms", 0, "matchFields", 0, "values", 0),
    ],
    ids=lambda place: ".".join(map(str, place)),
)
@pytest.mark.parametrize("value", [None, 7, True, [7], 1.5], ids=str)
def test_a_field_of_another_type(place: tuple[Any, ...], value: object) -> None:
    item: Any = copy.deepcopy(volume(0))
    above = item
    for key in place[:-1]:
        above = above[key]
    above[place[-1]] = value
    assert not is_saved("PersistentVolume", item)


@pytest.mark.parametrize("above, key", [("metadata", "name"), ("claimRef", "namespace"), ("hostPath", "path")])
def test_a_field_that_is_missing(above: str, key: str) -> None:
    item: Any = copy.deepcopy(volume(0))
    del (item["spec"].get(above) or item[above])[key]
    assert not is_saved("PersistentVolume", item)
    del item["spec"]
    assert not is_saved("PersistentVolume", item)
