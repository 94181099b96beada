"""Data that is moved aside: all of it, also by a killed run and its rerun, and never over anything else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.recreate import aside
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import Killed

NAME = "000001-20260102T030405Z"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    directory = tmp_path / "v0"
    (directory / "below").mkdir(parents=True)
    for name in ("a", "b", "below/c"):
        (directory / name).write_text(name)
    directory.chmod(0o2751)
    return directory


def content(path: Path | str) -> list[str]:
    return sorted(str(found.relative_to(path)) for found in Path(path).rglob("*"))


def test_everything_is_moved_and_removed(directory: Path) -> None:
    path = aside.move(str(directory), NAME)
    assert content(path) == ["a", "b", "below", "below/c"] and content(directory) == []
    assert os.stat(path).st_mode == directory.stat().st_mode
    assert aside.moved(str(directory), NAME) == [path] and aside.moved(str(directory), "000002-x") == []
    aside.remove(str(directory), path)
    assert os.listdir(directory.parent) == ["v0"]


@pytest.mark.parametrize("moment", range(4))
def test_killed_while_it_moves(directory: Path, monkeypatch: pytest.MonkeyPatch, moment: int) -> None:
    rename, left = os.rename, [moment]

    def killed(source: str, target: str) -> None:
        if not left[0]:
            raise Killed
        left[0] -= 1
        rename(source, target)

    monkeypatch.setattr(os, "rename", killed)
    with pytest.raises(Killed):
        aside.move(str(directory), NAME)
    monkeypatch.setattr(os, "rename", rename)
    assert aside.begun(str(directory)) == NAME and aside.moved(str(directory), NAME) == []
    path = aside.move(str(directory), aside.begun(str(directory)))
    assert content(path) == ["a", "b", "below", "below/c"] and content(directory) == []
    assert aside.begun(str(directory)) == ""


def test_what_is_there_already_stays(directory: Path) -> None:
    first = aside.move(str(directory), NAME)
    (directory / "a").write_text("later")
    second = aside.move(str(directory), NAME)
    assert aside.moved(str(directory), NAME) == sorted([first, second]) and first != second
    assert ((Path(first) / "a").read_text(), (Path(second) / "a").read_text()) == ("a", "later")


def test_nothing_is_replaced_by_a_name_that_came_meanwhile(directory: Path) -> None:
    (directory.parent / f".v0.moving-{NAME}").mkdir()
    (directory.parent / f".v0.moving-{NAME}" / "a").write_text("moved before")
    with pytest.raises(CommandFailed, match="it was created meanwhile"):
        aside.move(str(directory), NAME)
    assert (directory / "a").read_text() == "a"
    assert (directory.parent / f".v0.moving-{NAME}" / "a").read_text() == "moved before"


def test_what_a_killed_run_left_of_a_removal(directory: Path) -> None:
    (directory.parent / f".v0.removing-{NAME}").mkdir()
    aside.remove(str(directory), aside.move(str(directory), NAME))
    assert sorted(os.listdir(directory.parent)) == [f".v0.removing-{NAME}", "v0"]
    aside.remove_rest(str(directory))
    assert os.listdir(directory.parent) == ["v0"]


def test_what_cannot_be_moved(directory: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert aside.obstacle(str(directory)) == ""
    mounts = tmp_path / "mountinfo"
    monkeypatch.setattr(aside, "_MOUNTS", mounts)
    line = f"36 35 98:0 / {directory}%s rw - ext4 /dev/sda rw\n"
    for below in ("", "/below"):
        mounts.write_text(line % below)
        assert aside.obstacle(str(directory)) == f"it cannot be moved aside: {directory}{below} is a mount point"
    mounts.write_text(line % "-other")
    assert aside.obstacle(str(directory)) == ""
    monkeypatch.setattr(os, "access", lambda path, _mode: path != str(tmp_path))
    assert aside.obstacle(str(directory)) == f"it cannot be moved aside: {tmp_path} is not writable"
