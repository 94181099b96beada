"""Rows of directories that are found: class, capacity and nodes."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.adopt.found import (
    found_rows,
    mounting_nodes,
    provisioner_of,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.adopt.model import Observed, Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.model import DIRECTORY, LEFTOVER, Item, Kept

VOLUME = "pvc-77c1f5b2-9a0e-4f8e-8f70-4b1f14f0b9de"
PATH = f"/srv/{VOLUME}_ns_c"
MOUNT = (Mount("/data", "/srv"),)
NODES = (
    Node("k-control-plane", "k", "control-plane", mounts=MOUNT, takes_pods=False),
    Node("k-worker", "k", "worker"),
    Node("k-worker2", "k", "worker", mounts=MOUNT),
)


def storage_class(name: str, driver: str = "rancher.io/local-path", *, default: bool = False) -> dict[str, Any]:
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"} if default else {}
    return {"metadata": {"name": name, "annotations": annotations}, "provisioner": driver}


def item(size: int = 0, path: str = PATH, kind: str = DIRECTORY, kept: Kept | None = None) -> Item:
    return Item(kind, path, path, "/srv", volume=VOLUME, claim="ns/c", bytes=size, kept=kept)


def rows(*items: Item, classes: tuple[dict[str, Any], ...] = (storage_class("standard"),)) -> Any:
    by_name = {found["metadata"]["name"]: found for found in classes}
    observed = Observed({found.path: found for found in items}, NODES, storage_classes=by_name)
    return found_rows(Request("k"), observed)


@pytest.mark.parametrize(("size", "capacity"), [(0, "1Gi"), (1 << 30, "1Gi"), ((1 << 30) + 1, "2Gi"), (5 << 30, "5Gi")])
def test_the_capacity_is_the_size_in_whole_gi(size: int, capacity: str) -> None:
    (row,) = rows(item(size))
    assert (row.capacity, row.nodes, row.storage_class) == (capacity, ("k-worker2",), "standard")


@pytest.mark.parametrize(
    ("classes", "chosen"),
    [
        ((), ""),
        ((storage_class("other", "x"),), ""),
        ((storage_class("a"), storage_class("b")), ""),
        ((storage_class("a"), storage_class("b", default=True)), "b"),
        ((storage_class("a"), storage_class("b", "x", default=True)), "a"),
    ],
)
def test_the_class_is_the_default_or_the_only_one_of_the_provisioner(
    classes: tuple[dict[str, Any], ...], chosen: str
) -> None:
    (row,) = rows(item(), classes=classes)
    assert row.storage_class == chosen


def test_orphans_alone_are_found() -> None:
    known, unknown = Kept("it is used", is_known=True), Kept("a cluster is stopped")
    others = [
        item(path=f"{PATH}2", kept=known),
        item(path=f"{PATH}3", kind=LEFTOVER),
        item(path=f"{PATH}4", kept=unknown),
    ]
    assert [row.directory for row in rows(item(), *others)] == [PATH, f"{PATH}4"]


def test_nodes_that_run_ordinary_pods_come_first() -> None:
    assert [node.name for node in mounting_nodes(PATH, NODES)] == ["k-worker2"]
    assert [node.name for node in mounting_nodes(PATH, NODES[:2])] == ["k-control-plane"]


def test_of_two_provisioners_with_one_driver_the_configured_one() -> None:
    named = {"metadata": {"name": "local-path-config"}}
    shared = {**named, "data": {"config.json": '{"sharedFileSystemPath": "/data"}'}}
    for config_maps, name in (([], "local_path"), ([named], "local_path"), ([shared], "local_path_shared")):
        found = provisioner_of(storage_class("a"), config_maps)
        assert found and found.name == name
    assert provisioner_of(storage_class("a", "x"), []) is None and provisioner_of(None, []) is None
