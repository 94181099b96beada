"""Backups of format 2: one that was stored is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.manifests import WORKLOADS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data import checksums
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksum_list import ChecksumList
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Saved
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import Backup, read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.archive import content
from ansible_collections.kindlab.volumes.tests.unit.support.backups import unpacked

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


def test_it_has_no_objects_but_those_that_volumes_need(backup: Backup) -> None:
    assert backup.catalog.objects is None
    assert backup.saved_objects() == Saved()
