"""Backups of the format that is written now, and what a change of it needs."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import (
    FORMAT,
    SavedArchive,
    SavedCluster,
    SavedMount,
    SavedNode,
    SavedVolume,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog_reader import READERS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node

FIELDS = {
    SavedMount: "node_path host_path kind read_only propagation",
    SavedNode: "name cluster role mounts",
    SavedCluster: "name kubernetes_version nodes",
    SavedArchive: "path sha256 bytes compression",
    SavedVolume: "name claim phase storage_class capacity access_modes reclaim_policy nodes data source node_directory "
    "host_directory files bytes consistent digest checksum_list archive",
}


@pytest.mark.parametrize("saved, names", FIELDS.items())
def test_another_field_needs_another_format(saved: Any, names: str) -> None:
    """Who changes a type also adds a format, with its reader and a fixture (docs/backup-format.md)."""
    assert [field.name for field in fields(saved)] == names.split()
    assert (FORMAT, list(READERS)) == (2, [1, 2])


def test_observed_nodes_are_saved_in_part_and_come_back() -> None:
    mounts = (Mount("/data", "/srv/lab", read_only=True, propagation="rslave"), Mount("/var", "/x/1", "volume"))
    node = Node("n", "lab", "worker", state="exited", image="i", image_id="d", mounts=mounts, exit_reason="stopped")
    (saved,) = SavedCluster.from_nodes("lab", "v1", [node]).nodes
    assert saved.mounts == (
        SavedMount("/data", "/srv/lab", "bind", True, "rslave"),
        SavedMount("/var", "", "volume", False, ""),
    )
    assert saved.as_node() == Node("n", "lab", "worker", mounts=(mounts[0], Mount("/var", "", "volume")))
