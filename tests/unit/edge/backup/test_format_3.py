"""Backups of the format that is written now: one that was stored is read, and what a change of it needs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import (
    FORMAT,
    Catalog,
    SavedArchive,
    SavedCluster,
    SavedLeftOut,
    SavedMount,
    SavedNode,
    SavedObjects,
    SavedSelection,
    SavedVolume,
    own_digest,
    to_text,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog_reader import READERS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.workloads import has_finished
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Key
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.stored.files import to_texts
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import Backup, read_backup
from ansible_collections.kindlab.volumes.tests.unit.support.any_objects import names
from ansible_collections.kindlab.volumes.tests.unit.support.backups import unpacked, write_backup, write_data

WHOLE, SELECTED = NAMES = ("000001-20261130T050001Z", "000002-20261130T050002Z")


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked("backup-format-3", tmp_path_factory.mktemp("backup"))


@pytest.fixture(params=NAMES)
def backup(stored: Path, request: pytest.FixtureRequest) -> Backup:
    return read_backup(stored, request.param)


def test_the_objects_of_a_whole_cluster(stored: Path) -> None:
    saved = read_backup(stored, WHOLE).saved_objects()
    assert names(saved.made) == [
        "ConfigMap shop/a",
        "ConfigMap shop/b",
        "CustomResourceDefinition.apiextensions.k8s.io databases.example.com",
        "Database.example.com shop/main",
        "Deployment.apps shop/web",
        "Job.batch shop/migrate",
        "Namespace shop",
        "Secret shop/password",
        "Service shop/web",
    ]
    (change,) = saved.changed
    assert change.key == Key("", "ConfigMap", "kube-system", "coredns")
    assert change.patch == {"data": {"Corefile": ".:53 {}\n"}}
    assert [str(row.key) for row in saved.left_out] == [
        "ConfigMap kube-system/kube-proxy",
        "PersistentVolume",
        "*.metrics.k8s.io",
    ]
    assert [item["kind"] for item in saved.made if item["kind"] == "Job" and has_finished(item)] == ["Job"]


def test_the_objects_of_a_selection(stored: Path) -> None:
    backup = read_backup(stored, SELECTED)
    assert backup.catalog.objects == SavedObjects(3, 0, False, (), SavedSelection(("shop",), ("ConfigMap",), "app!=x"))
    saved = backup.saved_objects()
    assert names(saved.made) == ["ConfigMap shop/a", "ConfigMap shop/b", "Namespace shop"]
    assert (saved.changed, saved.left_out) == ((), ())


def test_the_files_of_objects_are_written_byte_for_byte(backup: Backup) -> None:
    texts = to_texts(backup.saved_objects())
    assert set(texts) == {path for path in backup.catalog.files if path.startswith("objects/")}
    for path, text in texts.items():
        assert (backup.directory / path).read_text() == text


def test_the_catalog_is_written_byte_for_byte(backup: Backup) -> None:
    assert to_text(backup.catalog) == (backup.directory / "catalog.json").read_text()


def test_objects_that_the_catalog_does_not_count_are_refused(stored: Path, tmp_path: Path) -> None:
    shutil.copytree(stored, tmp_path / "b")
    path = tmp_path / "b" / "generations" / WHOLE / "catalog.json"
    data = json.loads(path.read_text())
    data["objects"]["made"] += 1
    del data["sha256"]
    path.write_text(json.dumps({**data, "sha256": own_digest(data)}))
    with pytest.raises(BadInput, match="holds 9 objects and 1 changes; the catalog says 10 and 1"):
        read_backup(tmp_path / "b", WHOLE).saved_objects()


@pytest.mark.parametrize(
    "objects",
    [
        None,
        {"made": -1, "changed": 0, "baseline": True, "left_out": [], "selection": {}},
        {"made": 1, "changed": 0, "baseline": "yes", "left_out": [], "selection": {}},
        {"made": 1},
        [],
    ],
)
def test_a_catalog_that_contradicts_itself_is_refused(stored: Path, tmp_path: Path, objects: Any) -> None:
    shutil.copytree(stored, tmp_path / "b")
    path = tmp_path / "b" / "generations" / WHOLE / "catalog.json"
    data = {**json.loads(path.read_text()), "objects": objects}
    del data["sha256"]
    path.write_text(json.dumps({**data, "sha256": own_digest(data)}))
    with pytest.raises(BadInput, match="The catalog"):
        read_backup(tmp_path / "b", WHOLE)


def test_a_new_backup_has_the_same_form(stored: Path, tmp_path: Path) -> None:
    write_data(tmp_path / "data", 1)
    name = write_backup(tmp_path, tmp_path / "data", 1)
    new = json.loads((tmp_path / "generations" / name / "catalog.json").read_text())
    old = json.loads((stored / "generations" / WHOLE / "catalog.json").read_text())
    old["volumes"], old["objects"] = old["volumes"][:1], None
    lists = {"/volumes/-/access_modes/-", "/volumes/-/nodes/-", "/files/objects"}
    assert {place for place in form(new) if place[0] not in lists} == {p for p in form(old) if p[0] not in lists}


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
    SavedLeftOut: "kind group namespace name why",
    SavedSelection: "namespaces kinds labels",
    SavedObjects: "made changed baseline left_out selection",
    Catalog: "created cluster data checksums volumes files collection objects",
    SavedVolume: "name claim phase storage_class capacity access_modes reclaim_policy nodes data source node_directory "
    "host_directory files bytes consistent digest checksum_list archive",
}


@pytest.mark.parametrize("saved, names", FIELDS.items())
def test_another_field_needs_another_format(saved: Any, names: str) -> None:
    """Who changes a type also adds a format, with its reader and a fixture (docs/backup-format.md)."""
    assert [field.name for field in fields(saved)] == names.split()
    assert (FORMAT, list(READERS)) == (3, [1, 2, 3])


def test_observed_nodes_are_saved_in_part_and_come_back() -> None:
    mounts = (Mount("/data", "/srv/lab", read_only=True, propagation="rslave"), Mount("/var", "/x/1", "volume"))
    node = Node("n", "lab", "worker", state="exited", image="i", image_id="d", mounts=mounts, exit_reason="stopped")
    (saved,) = SavedCluster.from_nodes("lab", "v1", [node]).nodes
    assert saved.mounts == (
        SavedMount("/data", "/srv/lab", "bind", True, "rslave"),
        SavedMount("/var", "", "volume", False, ""),
    )
    assert saved.as_node() == Node("n", "lab", "worker", mounts=(mounts[0], Mount("/var", "", "volume")))
