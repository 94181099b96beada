"""Backups of the format that is written now: one that was stored is read, and what a change of it needs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import (
    FORMAT,
    SavedArchive,
    SavedCluster,
    SavedMount,
    SavedNode,
    SavedVolume,
    to_text,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog_reader import READERS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.manifests import WORKLOADS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data import checksums
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksum_list import ChecksumList
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import Backup, read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.archive import content
from ansible_collections.kindlab.volumes.tests.unit.support.backups import unpacked, write_backup, write_data

IN_PLACE, ARCHIVED = NAMES = ("000001-20261123T070001Z", "000002-20261123T070002Z")


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked("backup-format-2", tmp_path_factory.mktemp("backup"))


@pytest.fixture(params=NAMES)
def backup(stored: Path, request: pytest.FixtureRequest) -> Backup:
    return read_backup(stored, request.param)


def test_where_its_data_is(backup: Backup) -> None:
    inside = backup.name == ARCHIVED
    assert [(v.name, v.phase, v.data, v.source, v.consistent) for v in backup.catalog.volumes] == [
        ("pv-a", "Bound", "node" if inside else "host", "", True),
        # Somebody wrote to it while its archives were made.
        ("pv-b", "Bound", "host", "", not inside),
        ("pv-free", "Available", "none", "", True),
        ("pv-nfs", "Bound", "elsewhere", "nfs files.example:/exports/db", True),
        ("pv-raw", "Bound", "elsewhere", "local /dev/loop3, a block device", True),
        ("pv-released", "Released", "host", "", True),
    ]


def test_its_checksum_lists(backup: Backup) -> None:
    for volume in backup.catalog.volumes:
        if volume.data in ("host", "node"):
            found = ChecksumList.from_entries(backup.entries(volume), "full")
            assert "".join(found.lines()) == (backup.directory / volume.checksum_list).read_text()
            assert (found.digest, found.files, found.bytes) == (volume.digest, volume.files, volume.bytes)
        else:
            assert (volume.checksum_list, volume.archive, list(backup.entries(volume))) == ("", None, [])
    paths = [entry.path for entry in backup.entries(backup.catalog.volumes[0])]
    assert paths == [".", "a", "a-b", "a/z", "café", "empty", "link", "note.txt", "twin.txt"]


def test_its_archives(stored: Path) -> None:
    backup = read_backup(stored, ARCHIVED)
    backup.check_archives()
    for volume in backup.catalog.volumes:
        if volume.archive:
            archived = content(backup.directory / volume.archive.path, volume.archive.compression, "full")
            assert not checksums.compare(backup.entries(volume), archived, "full")


def test_its_claims_and_workloads(backup: Backup) -> None:
    claims = {item["metadata"]["name"]: item["spec"]["volumeName"] for item in backup.objects("PersistentVolumeClaim")}
    assert claims == {"a": "pv-a", "b": "pv-b", "exports": "pv-nfs", "raw": "pv-raw", "waits": ""}
    assert [item["spec"]["replicas"] for item in backup.objects(WORKLOADS)] == [0]


def test_the_catalog_is_written_byte_for_byte(backup: Backup) -> None:
    assert to_text(backup.catalog) == (backup.directory / "catalog.json").read_text()


@pytest.mark.parametrize("archive", [False, True])
def test_a_new_backup_has_the_same_form(stored: Path, tmp_path: Path, archive: bool) -> None:
    write_data(tmp_path / "data", 1)
    name = write_backup(tmp_path, tmp_path / "data", 1, archive=archive)
    new = json.loads((tmp_path / "generations" / name / "catalog.json").read_text())
    old = json.loads((stored / "generations" / NAMES[archive] / "catalog.json").read_text())
    old["volumes"] = old["volumes"][:1]
    lists = {"/volumes/-/access_modes/-", "/volumes/-/nodes/-", "/files/workloads.yaml"}
    assert {place for place in form(new) if place[0] not in lists} == set(form(old))


def form(value: Any, where: str = "") -> Iterator[tuple[str, type]]:
    """Each path in the JSON, and its type; those of files are their folders."""
    if where == "/files":
        value = {path.partition("/")[0]: digest for path, digest in value.items()}
    yield where, type(value)
    for key, item in value.items() if isinstance(value, dict) else ():
        yield from form(item, f"{where}/{key}")
    for item in value if isinstance(value, list) else ():
        yield from form(item, f"{where}/-")


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
