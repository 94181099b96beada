"""Writing a backup: all of it or nothing is visible, private, by one writer at a time."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import Catalog, SavedCluster
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Conflict, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup import writer as backup_writer
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import generations, read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.writer import (
    MANY,
    Writer,
    check_place,
    locked,
    remove_generations,
)


def save(path: Path, files: int = 1) -> str:
    with locked(path), Writer(path) as writer:
        for number in range(files):
            writer.write(f"manifests/{number}.yaml", f"{number}: ä\n")
        catalog = Catalog("2026-11-23T06:57:00Z", SavedCluster("lab", "v1"), files=dict(writer.files))
        return writer.publish(catalog)


def visible(path: Path) -> list[str]:
    return sorted(found.name for found in path.iterdir() if found.name != ".lock")


@pytest.mark.parametrize("files", [1, MANY + 1])
def test_a_generation_is_whole_and_private(tmp_path: Path, files: int) -> None:
    old = os.umask(0)
    try:
        name = save(tmp_path / "new" / "b", files)
    finally:
        os.umask(old)
    assert visible(tmp_path / "new" / "b") == ["generations"]
    assert read_backup(tmp_path / "new" / "b").name == name
    found = [tmp_path / "new" / "b", *(tmp_path / "new" / "b").rglob("*")]
    modes = {(path.is_dir(), stat.S_IMODE(path.lstat().st_mode)) for path in found}
    assert modes == {(True, 0o700), (False, 0o600)}


def test_numbers_go_on_after_the_highest(tmp_path: Path) -> None:
    names = [save(tmp_path) for _number in range(3)]
    assert [name[:7] for name in names] == ["000001-", "000002-", "000003-"]
    remove_generations(tmp_path, names[:2])
    assert generations(tmp_path) == names[2:]
    assert save(tmp_path).startswith("000004-")
    assert visible(tmp_path) == ["generations"]


def test_nothing_is_left_of_what_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked(tmp_path), Writer(tmp_path) as writer:
        writer.write("manifests/a.yaml", "a")
        assert visible(tmp_path) == [writer.directory.name]
        raise ZeroDivisionError
    assert visible(tmp_path) == []


def test_what_a_dead_run_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".incomplete-dead" / "archives").mkdir(parents=True)
    (tmp_path / ".incomplete-dead" / "archives" / "half").touch()
    (tmp_path / "mine").touch()
    with locked(tmp_path):
        assert visible(tmp_path) == ["mine"]


def test_the_second_of_two_writers_is_told(tmp_path: Path) -> None:
    with locked(tmp_path):
        (tmp_path / ".incomplete-live").mkdir()
        with (
            pytest.raises(Conflict, match=f"Another run is writing to the backup directory {tmp_path}"),
            locked(tmp_path),
        ):
            pass
        assert visible(tmp_path) == [".incomplete-live"]
    with locked(tmp_path):
        pass


@pytest.mark.parametrize("moment", ["fsync", "rename"])
def test_a_full_disk_is_told_and_nothing_is_kept(tmp_path: Path, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = save(tmp_path)

    def full(*_arguments: object, **_named: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    target = backup_writer.Path if moment == "rename" else backup_writer.os
    with monkeypatch.context() as patch:
        patch.setattr(target, moment, full)
        with pytest.raises(KindlabError, match="is full") as caught, Writer(tmp_path, 12345678) as writer:
            writer.write("manifests/a.yaml", "a")
            writer.publish(Catalog("2026-11-23T06:57:00Z", SavedCluster("lab", "v1"), files=dict(writer.files)))
    assert str(tmp_path) in caught.value.message
    assert "12,345,678 are needed" in caught.value.message
    assert visible(tmp_path) == ["generations"]
    assert read_backup(tmp_path).name == first


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("no mount here")
    if done.returncode != 0:
        pytest.skip(f"may not mount: {done.stderr!r}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_is_really_full(small_disk: Path) -> None:
    with (
        pytest.raises(KindlabError, match="is full"),
        locked(small_disk / "b"),
        Writer(small_disk / "b", 1) as writer,
        writer.open("archives/a") as file,
    ):
        file.write(bytes(32 << 10))
        file.write(bytes(64 << 10))
    assert visible(small_disk / "b") == []


def test_places_that_can_not_be_used_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(BadInput, match="is not a directory"):
            check_place(path)
        with pytest.raises(BadInput, match=str(path)), locked(path):
            pass
    check_place(tmp_path / "not" / "yet" / "there")
    assert visible(tmp_path) == ["file"]


def test_a_lock_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInput), locked(tmp_path):
        pass
    assert not (tmp_path / "elsewhere").exists()
