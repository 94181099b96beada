"""Data on the host is compared with each volume's own checksum list."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore.data import compare
from ansible_collections.kindlab.volumes.tests.unit.support.backups import write_backup, write_data
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import ScriptedRunner
from ansible_collections.kindlab.volumes.tests.unit.support.restores import step


@pytest.mark.parametrize("verify", ["full", "none"])
def test_states_of_directories(tmp_path: Path, verify: str) -> None:
    write_data(tmp_path / "data", 2)
    write_backup(tmp_path / "backup", tmp_path / "data", 2)
    backup = read_backup(tmp_path / "backup")
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    volumes = backup.catalog.volumes
    listed = {"checksum_list": volumes[0].checksum_list, "files": volumes[0].files, "bytes": volumes[0].bytes}
    # Two volumes share v0's directory: only one of them had its data there.
    other = {"checksum_list": volumes[1].checksum_list, "files": volumes[1].files, "bytes": volumes[1].bytes}
    directories = {0: "data/v0", 1: "data/v0", 2: "empty", 3: "file", 4: "file/below", 5: "missing"}
    steps = [
        step(number, saved=other if number == 1 else listed, host_directory=str(tmp_path / directory))
        for number, directory in directories.items()
    ]
    engine = Engine("docker", ScriptedRunner())
    states = compare(backup, steps, verify, engine)
    assert {name: data.state for name, data in states.items()} == {
        "v0": "there",
        "v1": "there",
        "v2": "empty",
        "v3": "other",
        "v4": "other",
        "v5": "missing",
    }
    differences = {name: data.difference for name, data in states.items() if data.difference}
    assert differences.keys() == ({"v1", "v2"} if verify == "full" else set())
    assert all("file" in difference for difference in differences.values())
