"""Saving the data of volumes: all archives or an error, and no archive that could never come back."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.request import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksum_list import ChecksumList
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksums import Entry
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup import data as backup_data
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.data import (
    BATCH,
    read_lists,
    write_archives,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.generation import needed_bytes
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.writer import Writer
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data import archive
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.archive import content
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import NodeDirectory
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.scan import ATTEMPTS, scan
from ansible_collections.kindlab.volumes.tests.unit.support.nodes import here

REQUEST = Request("k", "/b", data="archive", compression="gzip")


def volumes(top: Path, count: int) -> dict[str, str]:
    found = {f"pv-{number}": str(top / f"{number}") for number in range(count)}
    for name, directory in found.items():
        Path(directory).mkdir()
        (Path(directory) / "f").write_text(name)
    return found


def test_more_volumes_than_a_batch(tmp_path: Path) -> None:
    directories = volumes(tmp_path, BATCH + 1)
    lists = read_lists(directories, "full")
    assert list(lists) == list(directories)
    assert {found.bytes for found in lists.values()} == {4, 5}
    assert len({found.digest for found in lists.values()}) == BATCH + 1
    assert read_lists(directories, "none") == dict.fromkeys(directories, ChecksumList())


def test_an_archive_for_each_volume(tmp_path: Path) -> None:
    directories = volumes(tmp_path, 5)
    lists = read_lists(directories, "full")
    with Writer(tmp_path) as writer:
        written = write_archives(writer, directories, lists, REQUEST)
        saved = {name: found.archive for name, found in written.items()}
        sizes = {name: (writer.directory / archive.path).stat().st_size for name, archive in saved.items()}
    assert {name: archive.bytes for name, archive in saved.items()} == sizes
    assert writer.files == {archive.path: archive.sha256 for archive in saved.values()}
    assert {name: found.listed for name, found in written.items()} == lists


def test_the_first_error_ends_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directories = volumes(tmp_path, 30)
    lists = read_lists(directories, "full")
    tried = []

    def full(directory: str, *_arguments: Any, **_options: Any) -> None:
        tried.append(directory)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(backup_data, "write_archive", full)
    with (
        pytest.raises(KindlabError, match=f"disk of the backup directory {tmp_path} is full"),
        Writer(tmp_path) as writer,
    ):
        write_archives(writer, directories, lists, REQUEST)
    assert len(tried) <= backup_data.ARCHIVES_AT_ONCE


@pytest.mark.parametrize("archives, expected", [(True, 1205), (False, 205)])
def test_what_a_generation_takes(archives: bool, expected: int) -> None:
    listed = ChecksumList([Entry("f", "file")], bytes=1000)
    assert needed_bytes({"m": "12345"}, {"a": listed}, archives=archives) == expected


class Busy:
    """Writes to a volume each time it is going to be archived, as often as said."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, directory: str, times: int) -> None:
        self.file, self.left = Path(directory) / "f", times
        self.write_archive = backup_data.write_archive
        self.tars = 0
        monkeypatch.setattr(backup_data, "write_archive", self)

    def __call__(self, directory: str, *arguments: Any, **options: Any) -> Any:
        if directory == str(self.file.parent):
            self.tars += 1
            if self.left > 0:
                self.left -= 1
                self.file.write_text(f"written {self.left} times more")
        return self.write_archive(directory, *arguments, **options)


def archived(top: Path, directories: Mapping[str, backup_data.Source], **options: Any) -> tuple[Any, Any]:
    """The lists before, and what was archived with its content."""
    request = replace(REQUEST, **options)
    lists = read_lists(directories, request.checksums)
    with Writer(top) as writer:
        found = write_archives(writer, directories, lists, request)
        contents = {n: content(writer.directory / a.archive.path, "gzip", request.checksums) for n, a in found.items()}
    return lists, {name: (one, contents[name]) for name, one in found.items()}


@pytest.mark.parametrize("mode", ["full", "fast"])
def test_an_archive_that_no_longer_fits_its_list_is_made_again(tmp_path: Path, mode: str) -> None:
    directories = volumes(tmp_path, 2)
    (Path(directories["pv-0"]) / "f").write_text("")
    lists = read_lists(directories, mode)
    (Path(directories["pv-0"]) / "f").write_text("later")
    with Writer(tmp_path) as writer:
        found = write_archives(writer, directories, lists, replace(REQUEST, checksums=mode))
    assert found["pv-0"].listed == read_lists(directories, mode)["pv-0"] != lists["pv-0"]
    assert found["pv-1"].listed == lists["pv-1"]


@pytest.mark.parametrize("inside", [False, True])
def test_a_volume_that_never_rests_is_archived_as_tar_reads_it(
    tmp_path: Path, inside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_host = volumes(tmp_path, 2)
    directories: dict[str, backup_data.Source] = {name: here(Path(p)) if inside else p for name, p in on_host.items()}
    busy = Busy(monkeypatch, on_host["pv-0"], 99)
    before, found = archived(tmp_path, directories)
    one, entries = found["pv-0"]
    assert not one.listed.consistent and found["pv-1"][0].listed.consistent
    assert busy.tars == ATTEMPTS + 1
    assert one.listed.entries == entries and one.listed.digest
    assert found["pv-1"][0].listed == before["pv-1"]


def test_a_volume_that_could_not_be_listed_is_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directories = volumes(tmp_path, 1)
    busy = Busy(monkeypatch, directories["pv-0"], 0)
    with Writer(tmp_path) as writer:
        found = write_archives(writer, directories, {"pv-0": ChecksumList(consistent=False)}, REQUEST)
    assert busy.tars == 1 and not found["pv-0"].listed.consistent


def test_a_tar_that_leaves_something_out_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As TAR_OPTIONS=--exclude=... did: it has no error of its own."""
    directories = volumes(tmp_path, 1)
    (Path(directories["pv-0"]) / "kept").touch()
    monkeypatch.setitem(archive.ENVIRONMENT, "TAR_OPTIONS", "--exclude=f")
    lists = read_lists(directories, "full")
    with Writer(tmp_path) as writer, pytest.raises(KindlabError, match=r"archive of pv-0 does not .*: 1 removed: f"):
        write_archives(writer, directories, lists, REQUEST)


def test_a_volume_in_a_node_that_changes_while_it_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[NodeDirectory] = []
    failing = 0

    def read(source: NodeDirectory, mode: str) -> Sequence[Entry]:
        reads.append(source)
        if len(reads) <= failing:
            raise Conflict("written to")
        return scan(source.path, mode)

    monkeypatch.setattr(backup_data.node_directory, "read", read)
    for expected in (True, False):
        failing = ATTEMPTS - expected
        reads.clear()
        assert read_lists({"v": here(tmp_path)}, "full")["v"].consistent == expected
        assert len(reads) == ATTEMPTS
