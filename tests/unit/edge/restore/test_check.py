"""Whether archives can be extracted to where they come from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore import check
from ansible_collections.kindlab.volumes.tests.unit.support.backups import write_backup, write_data
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import ScriptedRunner


def test_room_for_what_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_data(tmp_path / "data", 2)
    write_backup(tmp_path / "backup", tmp_path / "data", 2, archive=True)
    backup, engine = read_backup(tmp_path / "backup"), Engine("docker", ScriptedRunner())
    assert check.room(backup, backup.catalog.volumes, "full", engine) == {}
    monkeypatch.setattr(os, "access", lambda path, _mode: not str(path).endswith("v1"))
    (why, _step) = check.room(backup, backup.catalog.volumes, "full", engine)["v1"]
    assert why == f"its archive cannot be extracted: {tmp_path}/data/v1 is not a writable directory"
