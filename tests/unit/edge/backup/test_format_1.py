"""Backups of format 1, which an earlier version wrote, are read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import (
    SavedCluster,
    SavedMount,
    SavedNode,
    SavedVolume,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.manifests import MANIFESTS, WORKLOADS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data import checksums
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksum_list import ChecksumList
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import (
    Backup,
    generations,
    read_backup,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.archive import content
from ansible_collections.kindlab.volumes.tests.unit.support.backups import unpacked

NAMES = ["000001-20260101T000001Z", "000002-20260101T000002Z"]
KERNEL = SavedMount("/lib/modules", "/lib/modules", "bind", True, "rprivate")
ENGINE = (SavedMount("/tmp", "", "tmpfs", False, ""), SavedMount("/var", "", "volume", False, ""))
DATA = SavedMount("/data", "/srv/lab", "bind", False, "rprivate")
FILES = SavedVolume(
    name="pvc-a",
    claim="shop/files",
    storage_class="standard",
    capacity="1Gi",
    access_modes=("ReadWriteOnce",),
    reclaim_policy="Delete",
    nodes=("lab-worker",),
    node_directory="/data/pvc-a",
    host_directory="/srv/lab/pvc-a",
    files=3,
    bytes=6,
    digest="5b9ddad6de5445a139c28b6ae0db1c57a6324224c5919843e4320cf80a6305b7",
    checksum_list="checksums/pvc-a.jsonl",
)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked("backup-format-1", tmp_path_factory.mktemp("backup"))


@pytest.fixture(params=NAMES)
def backup(stored: Path, request: pytest.FixtureRequest) -> Backup:
    return read_backup(stored, request.param)


def test_its_generations(stored: Path) -> None:
    assert generations(stored) == NAMES
    assert read_backup(stored).name == NAMES[1]


def test_its_cluster(backup: Backup) -> None:
    nodes = (
        SavedNode("lab-control-plane", "lab", "control-plane", (KERNEL, *ENGINE)),
        SavedNode("lab-worker", "lab", "worker", (DATA, KERNEL, *ENGINE)),
    )
    assert backup.catalog.cluster == SavedCluster("lab", "v1.34.4", nodes)


def test_a_volume_in_place(stored: Path) -> None:
    backup = read_backup(stored, 1)
    assert (backup.catalog.data, backup.catalog.checksums) == ("in_place", "full")
    assert backup.catalog.volumes == (FILES,)


def test_volumes_in_archives(stored: Path) -> None:
    backup = read_backup(stored, 2)
    backup.check_archives()
    first, database = backup.catalog.volumes
    assert first.archive is not None
    assert (backup.catalog.data, first.archive.compression, first.archive.bytes) == ("archive", "zstd", 294)
    assert (database.name, database.node_directory, database.host_directory) == (
        "pvc-b",
        "/opt/local-path-provisioner/pvc-b",
        "",
    )
    assert [(v.data, v.phase, v.source, v.consistent) for v in (first, database)] == [
        ("host", "", "", True),
        ("node", "", "", True),
    ]


@pytest.mark.skipif(not shutil.which("zstd"), reason="needs zstd")
def test_archives_contain_what_their_lists_say(stored: Path) -> None:
    backup = read_backup(stored, 2)
    for volume in backup.catalog.volumes:
        assert volume.archive is not None
        archived = content(backup.directory / volume.archive.path, volume.archive.compression, "full")
        assert not checksums.compare(backup.entries(volume), archived, "full")


def test_its_checksum_lists(backup: Backup) -> None:
    for volume in backup.catalog.volumes:
        entries = backup.entries(volume)
        found = ChecksumList.from_entries(entries, "full")
        assert "".join(found.lines()) == (backup.directory / volume.checksum_list).read_text()
        assert (found.digest, found.files, found.bytes) == (volume.digest, volume.files, volume.bytes)
    entries = {entry.path: entry for entry in backup.entries(backup.catalog.volumes[0])}
    assert list(entries) == [".", "café", "empty", "link", "note.txt", "twin.txt"]
    assert entries["twin.txt"] == checksums.Entry(
        "twin.txt",
        "file",
        size=5,
        mode=0o640,
        uid=1000,
        gid=1000,
        mtime_ns=1767225600123456789,
        same_as="note.txt",
        sha256="78051faade059d70866df6a3fb83ef348721fd74a87e93ef95c493f87d0d236b",
    )


def test_its_manifests(backup: Backup) -> None:
    found = {kind: [item["metadata"]["name"] for item in backup.objects(kind)] for kind in MANIFESTS}
    second = backup.name.startswith("000002-")
    assert found == {
        "Namespace": ["shop"],
        "StorageClass": ["standard"],
        "PersistentVolume": ["pvc-a", "pvc-b"] if second else ["pvc-a"],
        "PersistentVolumeClaim": ["database", "files"] if second else ["files"],
        WORKLOADS: ["web", "database"] if second else ["web"],
        "Cluster": ["lab"],
    }
    (cluster,) = backup.objects("Cluster")
    assert [node["role"] for node in cluster["options"]["nodes"]] == ["control-plane", "worker"]
    volumes = read_volumes(backup.objects("PersistentVolume"), backup.objects("PersistentVolumeClaim"))
    assert [(v.reclaim_policy, v.original_policy) for v in volumes] == [("Retain", "Delete")] * len(volumes)
