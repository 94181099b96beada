"""Reading a backup: nothing of it is believed that its catalog does not prove, and nothing outside is read."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import (
    FORMAT,
    Catalog,
    SavedArchive,
    SavedCluster,
    SavedVolume,
    to_text,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog_reader import (
    NewerFormat,
    read_catalog,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.manifests import MANIFESTS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data import checksums
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksum_list import ChecksumList
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.existing import (
    ExistingBackups,
    read_existing,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import generations, read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.writer import Writer, locked
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube import manifests as manifest_text

PV = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pvc-1"}, "spec": {"note": "ä: 'x'\n- y"}}
ENTRIES = [checksums.Entry(".", "dir", mode=0o777), checksums.Entry("f", "file", 4, 0o644, sha256="ab" * 32)]
ARCHIVE = b"as if compressed"


def save(path: Path, created: str = "2026-11-23T06:57:00Z") -> str:
    listed = ChecksumList.from_entries(ENTRIES, "full")
    with locked(path), Writer(path) as writer:
        writer.write(MANIFESTS["PersistentVolume"], manifest_text.to_text([PV]))
        writer.write("checksums/pvc-1.jsonl", listed.lines())
        with writer.open("archives/pvc-1.tar.gz") as file:
            file.write(ARCHIVE)
        sha256 = writer.files["archives/pvc-1.tar.gz"] = hashlib.sha256(ARCHIVE).hexdigest()
        volume = SavedVolume(
            "pvc-1",
            "default/data",
            files=1,
            bytes=4,
            digest=listed.digest,
            checksum_list="checksums/pvc-1.jsonl",
            archive=SavedArchive("archives/pvc-1.tar.gz", sha256, len(ARCHIVE), "gzip"),
        )
        return writer.publish(
            Catalog(created, SavedCluster("lab", "v1"), data="archive", volumes=(volume,), files=writer.files)
        )


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    save(tmp_path / "b")
    return tmp_path / "b"


def only(backup: Path) -> Path:
    (directory,) = (backup / "generations").iterdir()
    return directory


def test_all_that_was_saved_is_read(backup: Path) -> None:
    found = read_backup(backup)
    (volume,) = found.catalog.volumes
    assert found.directory == only(backup)
    assert found.name == "000001-20261123T065700Z"
    assert found.objects("PersistentVolume") == [PV]
    assert found.objects("Namespace") == []
    assert found.entries(volume) == ENTRIES
    found.check_archives()


def test_the_number_decides_which_is_newest(backup: Path) -> None:
    older_by_clock = save(backup, "2001-01-01T00:00:00Z")
    assert generations(backup) == ["000001-20261123T065700Z", older_by_clock]
    assert read_backup(backup).name == older_by_clock
    for asked in (1, "1", "000001", "000001-20261123T065700Z"):
        assert read_backup(backup, asked).name.startswith("000001-")
    for missing in (7, "000001-2026", "latest", "../generations"):
        with pytest.raises(BadInput, match=f"has no generation {missing}") as caught:
            read_backup(backup, missing)
        assert older_by_clock in caught.value.next_step


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_no_changed_byte_of_any_file_goes_unnoticed(backup: Path, data: st.DataObject) -> None:
    files = sorted(path for path in only(backup).rglob("*") if path.is_file())
    path = data.draw(st.sampled_from(files))
    before = path.read_bytes()
    content = bytearray(before)
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    whole = read_backup(backup).catalog
    path.write_bytes(content)
    try:
        found = read_backup(backup)
        found.check_archives()
        assert (path.name, found.catalog) == ("catalog.json", whole)
    except BadInput as error:
        assert str(path) in error.text()
    finally:
        path.write_bytes(before)


@pytest.mark.parametrize("file", ["catalog.json", MANIFESTS["PersistentVolume"], "checksums/pvc-1.jsonl"])
@pytest.mark.parametrize("harm", ["missing", "truncated", "link", "directory", "fifo"])
def test_a_file_that_is_not_as_it_was_is_named(backup: Path, tmp_path: Path, file: str, harm: str) -> None:
    path = only(backup) / file
    copy = tmp_path / "same content"
    shutil.copy(path, copy)
    content = path.read_bytes()
    path.unlink()
    if harm == "truncated":
        path.write_bytes(content[:-9])
    elif harm == "link":
        path.symlink_to(copy)
    elif harm == "directory":
        path.mkdir()
    elif harm == "fifo":
        os.mkfifo(path)
    with pytest.raises(BadInput) as caught:
        read_backup(backup)
    assert str(path) in caught.value.text()
    assert caught.value.next_step


def test_a_directory_that_is_a_link_is_refused(backup: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (only(backup) / "manifests").rename(outside)
    (only(backup) / "manifests").symlink_to(outside)
    with pytest.raises(BadInput, match="symbolic link"):
        read_backup(backup)


def test_a_generation_that_is_a_link_is_none(backup: Path, tmp_path: Path) -> None:
    only(backup).rename(tmp_path / "elsewhere")
    (backup / "generations" / "000009-20261123T065700Z").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="no complete generation"):
        read_backup(backup)


def test_a_changed_archive_is_found_where_archives_are_checked(backup: Path) -> None:
    path = only(backup) / "archives" / "pvc-1.tar.gz"
    path.write_bytes(ARCHIVE[::-1])
    found = read_backup(backup)
    with pytest.raises(BadInput, match=r"pvc-1\.tar\.gz was changed"):
        found.check_archives()
    path.write_bytes(ARCHIVE + b"more")
    with pytest.raises(BadInput, match="has 20 bytes; the catalog says 16"):
        read_backup(backup)


def test_what_changes_after_the_check_is_not_believed_either(backup: Path) -> None:
    found = read_backup(backup)
    (only(backup) / MANIFESTS["PersistentVolume"]).write_text("kind: Evil")
    with pytest.raises(BadInput, match="was changed after the backup"):
        found.objects("PersistentVolume")


def resealed(backup: Path, path: str, content: bytes, **volume: int) -> None:
    """Another content of a file, its sha256 in the catalog; and other fields of the volume there."""
    (only(backup) / path).write_bytes(content)
    catalog = read_catalog((only(backup) / "catalog.json").read_text(), "catalog.json")
    files = {**catalog.files, path: hashlib.sha256(content).hexdigest()}
    (saved,) = catalog.volumes
    changed = replace(catalog, files=files, volumes=(replace(saved, **volume),))
    (only(backup) / "catalog.json").write_text(to_text(changed))


@pytest.mark.parametrize(
    "content", [b"a: {", b"words", manifest_text.to_text([{**PV, "kind": "Pod"}]).encode(), b"kind: PersistentVolume"]
)
def test_a_manifest_that_holds_something_else_is_named(backup: Path, content: bytes) -> None:
    resealed(backup, MANIFESTS["PersistentVolume"], content)
    with pytest.raises(
        BadInput,
        match=r"manifests/persistentvolumes\.yaml (does not contain valid manifests|contains an invalid Persis)",
    ):
        read_backup(backup).objects("PersistentVolume")


@pytest.mark.parametrize("content, volume", [(b"", {}), (b"", {"files": 0, "bytes": 0}), (None, {"bytes": 2**70})])
def test_a_list_that_is_not_the_one_of_the_catalog_is_named(
    backup: Path, content: bytes | None, volume: dict[str, int]
) -> None:
    path = "checksums/pvc-1.jsonl"
    resealed(backup, path, (only(backup) / path).read_bytes() if content is None else content, **volume)
    found = read_backup(backup)
    with pytest.raises(BadInput, match=r"pvc-1\.jsonl lists \d files of \d bytes; the catalog says"):
        found.entries(found.catalog.volumes[0])


@pytest.mark.parametrize(
    "make", [os.mkfifo, lambda path: os.mknod(path, 0o600 | stat.S_IFSOCK)], ids=["fifo", "socket"]
)
def test_what_is_no_file_is_never_read_as_an_empty_one(backup: Path, make: Callable[[Path], None]) -> None:
    resealed(backup, MANIFESTS["PersistentVolume"], b"")
    (only(backup) / MANIFESTS["PersistentVolume"]).unlink()
    make(only(backup) / MANIFESTS["PersistentVolume"])
    with pytest.raises(
        BadInput, match=r"persistentvolumes\.yaml of the backup: it is a symbolic link or not a regular file"
    ):
        read_backup(backup)


@pytest.mark.parametrize(
    "harm, said",
    [
        ("missing", "b: No such file"),
        ("file", "b: Not a directory"),
        ("empty", "it is empty"),
        ("other", "it contains notes, but not generations"),
        ("no generation", "no complete generation"),
    ],
)
def test_what_is_no_backup_is_told(tmp_path: Path, harm: str, said: str) -> None:
    path = tmp_path / "b"
    if harm == "file":
        path.touch()
    elif harm != "missing":
        path.mkdir()
    if harm == "other":
        (path / "notes").touch()
    if harm == "no generation":
        (path / "generations" / ".incomplete-1").mkdir(parents=True)
    with pytest.raises(BadInput, match=said) as caught:
        read_backup(path)
    assert str(path) in caught.value.message
    assert caught.value.next_step


def test_what_may_not_be_read_is_told(backup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As root, who may read everything, too: the system's answer is played."""
    opened = os.open

    def refusing(path: str | Path, flags: int, *more: int, **how: int) -> int:
        if str(path).endswith("catalog.json"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return opened(path, flags, *more, **how)

    monkeypatch.setattr(os, "open", refusing)
    with pytest.raises(BadInput, match="Permission denied") as caught:
        read_backup(backup)
    assert "catalog.json" in caught.value.text()


def test_a_writer_is_told_of_damage_but_not_stopped(backup: Path, tmp_path: Path) -> None:
    assert read_existing(tmp_path / "missing") == ExistingBackups()
    assert read_existing(backup).newest == read_backup(backup)
    (only(backup) / "catalog.json").write_text("{")
    stored = read_existing(backup)
    assert (len(stored.names), stored.newest) == (1, None)
    assert "catalog.json" in stored.damage


def test_a_writer_is_stopped_by_a_newer_format(backup: Path) -> None:
    path = only(backup) / "catalog.json"
    path.write_text(path.read_text().replace(f'"format": {FORMAT}', f'"format": {FORMAT + 1}'))
    with pytest.raises(NewerFormat):
        read_existing(backup)
