"""Saving the data of volumes: all archives or an error, and no archive that could never come back."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.draft import ChecksumList
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.request import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup import data as backup_data
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.data import (
    BATCH,
    read_lists,
    write_archives,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.save import needed_bytes
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.writer import Writer

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
    assert set(read_lists(directories, "none").values()) == {ChecksumList()}


def test_an_archive_for_each_volume(tmp_path: Path) -> None:
    directories = volumes(tmp_path, 5)
    lists = read_lists(directories, "full")
    with Writer(tmp_path) as writer:
        saved = write_archives(writer, directories, lists, REQUEST)
        sizes = {name: (writer.directory / archive.path).stat().st_size for name, archive in saved.items()}
    assert {name: archive.bytes for name, archive in saved.items()} == sizes
    assert writer.files == {archive.path: archive.sha256 for archive in saved.values()}
    assert set(saved) == set(directories)


def test_the_first_error_ends_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directories = volumes(tmp_path, 30)
    lists = read_lists(directories, "full")
    tried = []

    def full(directory: str, *_arguments: Any) -> None:
        tried.append(directory)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(backup_data, "write_archive", full)
    with (
        pytest.raises(KindlabError, match=f"disk of the backup directory {tmp_path} is full"),
        Writer(tmp_path) as writer,
    ):
        write_archives(writer, directories, lists, REQUEST)
    assert len(tried) <= backup_data.ARCHIVES_AT_ONCE


@pytest.mark.parametrize("archives, expected", [(True, 1009), (False, 9)])
def test_what_a_generation_takes(archives: bool, expected: int) -> None:
    assert needed_bytes({"m": "12345"}, {"a": ChecksumList("1234", bytes=1000)}, archives=archives) == expected
