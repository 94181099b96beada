"""Whether archives can be extracted to where they come from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.look import parse_mounts
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore.ways import obstacles
from ansible_collections.kindlab.volumes.tests.unit.support.backups import write_backup, write_data
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import ScriptedRunner


def test_room_for_what_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_data(tmp_path / "data", 2)
    write_backup(tmp_path / "backup", tmp_path / "data", 2, archive=True)
    backup, engine = read_backup(tmp_path / "backup"), Engine("docker", ScriptedRunner())
    assert obstacles.room(backup, backup.catalog.volumes, "full", engine) == {}
    monkeypatch.setattr(os, "access", lambda path, _mode, **_options: not str(path).endswith("v1"))
    (why, _step) = obstacles.room(backup, backup.catalog.volumes, "full", engine)["v1"]
    assert why == f"its archive cannot be extracted: {tmp_path}/data/v1 is not a writable directory"


def test_a_link_to_a_disk_that_is_not_mounted(tmp_path: Path) -> None:
    write_data(tmp_path / "data", 2)
    write_backup(tmp_path / "backup", tmp_path / "data", 2, archive=True)
    backup, engine = read_backup(tmp_path / "backup"), Engine("docker", ScriptedRunner())
    (tmp_path / "data").rename(tmp_path / "disk")
    (tmp_path / "data").symlink_to(tmp_path / "gone")
    (why, step) = obstacles.room(backup, backup.catalog.volumes, "full", engine)["v1"]
    told = f"{tmp_path}/data is a link to {tmp_path}/gone, which does not exist"
    assert (why, step) == (f"its archive cannot be extracted: {told}", f"Mount or create it: ls -ld {tmp_path}/gone")


def test_what_cannot_be_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    write_data(data, 2)
    write_backup(tmp_path / "backup", data, 2, archive=True)
    backup, engine = read_backup(tmp_path / "backup"), Engine("docker", ScriptedRunner())

    def why(*replaced: str) -> dict[str, str]:
        found = obstacles.room(backup, backup.catalog.volumes, "full", engine, replaced=replaced)
        return {name: why for name, (why, _step) in found.items()}

    mounts = tmp_path / "mountinfo"
    monkeypatch.setattr(obstacles, "mounts_of_host", lambda: parse_mounts(mounts.read_text()))
    line = f"36 35 98:0 / {data}/v1%s rw - ext4 /dev/sda rw\n"
    for below in ("", "/below"):
        mounts.write_text(line % below)
        assert why("v1") == {"v1": f"its data cannot be set aside: {data}/v1{below} is a mount point"}
        assert why("v0") == {}
    mounts.write_text(line % "-other")
    assert why("v0", "v1") == {}
    monkeypatch.setattr(os, "access", lambda path, _mode, **_options: path != str(data))
    assert why("v1") == {"v1": f"its archive cannot be extracted: {data} is not a writable directory"}
