"""What a user may do with directories of the host."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.look import may_rename


@pytest.mark.parametrize(("mode", "by_others"), [(0o1777, False), (0o777, True)])
def test_in_a_sticky_directory_only_owners_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, by_others: bool
) -> None:
    path = tmp_path / "file"
    path.touch()
    tmp_path.chmod(mode)
    owner = path.stat().st_uid
    for user, may in ((owner, True), (0, True), (owner + 1, by_others)):
        monkeypatch.setattr(os, "geteuid", lambda user=user: user)
        assert may_rename(str(path)) is may
    assert may_rename(f"{tmp_path}/gone")
