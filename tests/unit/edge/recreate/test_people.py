"""Settings of nodes and storage are read in one go, and set again, whoever writes at the same time."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict, TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import by_ref
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.report import storage_classes
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.recreate.people import (
    ATTEMPTS,
    identity,
    made_by_people,
    set_node_settings,
    set_storage,
    storage_to_install,
)
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import FakeCluster
from ansible_collections.kindlab.volumes.tests.unit.support.provisioners import class_of, objects

TAINT = {"key": "gpu", "effect": "NoSchedule"}


def node(name: str, labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    return {"kind": "Node", "metadata": {"name": name, "labels": labels or {}}, "spec": spec}


def storage(*more: dict[str, Any]) -> FakeCluster:
    return FakeCluster(*({"apiVersion": "v1", **item} for item in objects(*more)))


def test_what_was_read_is_set_in_a_new_cluster() -> None:
    old = FakeCluster(node("a", {"zone": "x", "disk": "fast"}, taints=[TAINT]), node("b", unschedulable=True))
    made = made_by_people(old, ["disk"])
    assert made["node_settings"]["a"]["labels"] == {"zone": "x"}
    new = FakeCluster(node("a"), node("c"))
    set_node_settings(new, made["node_settings"])
    assert new.objects["Node", "", "a"]["metadata"]["labels"] == {"zone": "x"}
    assert new.objects["Node", "", "a"]["spec"] == {"taints": [TAINT]}
    assert new.writes == [("patch", "Node", "a")]
    set_node_settings(new, made["node_settings"])
    assert len(new.writes) == 1


@pytest.mark.parametrize("conflicts", [1, ATTEMPTS - 1, ATTEMPTS])
def test_a_node_that_somebody_else_writes_to(monkeypatch: pytest.MonkeyPatch, conflicts: int) -> None:
    new = FakeCluster(node("a"))
    patch, left = new.patch, iter(range(conflicts))

    def contested(*arguments: Any) -> Any:
        if next(left, None) is not None:
            raise Conflict("the object has been modified")
        return patch(*arguments)

    monkeypatch.setattr(new, "patch", contested)
    settings = {"a": {"labels": {}, "taints": [TAINT], "cordoned": False}}
    if conflicts == ATTEMPTS:
        with pytest.raises(Conflict):
            set_node_settings(new, settings)
    else:
        set_node_settings(new, settings)
        assert new.objects["Node", "", "a"]["spec"]["taints"] == [TAINT]


def test_classes_are_made_again() -> None:
    made = made_by_people(storage(class_of("fast", "example.com/driver", mountOptions=["noatime"])))
    new = storage()
    assert set_storage(new, made["storage"], 1, same_images=True) == []
    assert new.writes == [("create", "StorageClass", "fast")]
    assert set_storage(new, (), 1, same_images=True) == []


def test_what_a_new_cluster_brings_is_waited_for() -> None:
    old, new = storage(), storage()
    classes = storage_classes(by_ref(old.objects.values()))
    saved = made_by_people(old)["storage"]
    assert storage_to_install(new, classes, saved, 1, same_images=True) == [] == new.writes
    new.objects["Deployment", "local-path-storage", "local-path-provisioner"]["status"] = {}
    with pytest.raises(TimedOut):
        storage_to_install(new, classes, saved, 0, same_images=True)
    assert storage_to_install(new, classes, saved, None, same_images=True) == []
    assert [o["name"] for o in storage_to_install(new, classes, (), 0, same_images=True)] == ["local_path"]


def test_which_cluster_it_is() -> None:
    namespace = {"kind": "Namespace", "metadata": {"name": "kube-system", "creationTimestamp": "2026-01-01T00:00:00Z"}}
    assert identity(FakeCluster(namespace)) == ("uid-1", "2026-01-01T00:00:00Z")
    assert identity(FakeCluster()) == ("", "")
