"""Data that is set aside: all of it, also by a killed run and its rerun, and never over anything else."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore import extract, replace
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import Killed

AT, LATER = "20260102T030405Z", "20260102T030406Z"
ALL = ["a", "b", "below", "below/c"]


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


def aside(directory: Path, at: str = AT) -> list[str]:
    replace.set_content_aside(str(directory), at)
    return replace.what_was_set_aside(str(directory), at)


def test_everything_is_set_aside_and_removed(directory: Path) -> None:
    inode = directory.stat().st_ino
    (path,) = aside(directory)
    assert path == f"{directory}.set-aside-{AT}"
    assert content(path) == ALL and content(directory) == []
    assert os.stat(path).st_mode == directory.stat().st_mode and directory.stat().st_ino == inode
    assert replace.what_was_set_aside(str(directory), LATER) == []
    replace.remove_aside(str(directory), path)
    assert os.listdir(directory.parent) == ["v0"]


def test_of_an_empty_directory_nothing_is_set_aside(directory: Path) -> None:
    aside(directory)
    assert aside(directory, LATER) == [] and not extract.is_begun(str(directory))


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
        aside(directory)
    monkeypatch.setattr(os, "rename", rename)
    assert extract.is_begun(str(directory)) and replace.what_was_set_aside(str(directory), AT) == []
    (path,) = aside(directory, LATER)
    assert content(path) == ALL and content(directory) == []
    assert not extract.is_begun(str(directory))


def test_what_is_there_already_stays(directory: Path) -> None:
    aside(directory)
    (directory / "a").write_text("later")
    first, second = aside(directory)
    assert ((Path(first) / "a").read_text(), (Path(second) / "a").read_text()) == ("a", "later")


def test_what_applications_wrote_after_a_kill_is_set_aside_for_itself(directory: Path) -> None:
    before = directory.parent / ".v0.setting-aside" / "a"
    before.parent.mkdir()
    before.write_text("moved before")
    moved, written = aside(directory)
    assert (content(moved), content(written), content(directory)) == (["a"], ALL, [])
    assert ((Path(moved) / "a").read_text(), (Path(written) / "a").read_text()) == ("moved before", "a")
    assert os.stat(moved).st_mode == directory.stat().st_mode and not extract.is_begun(str(directory))


def test_what_a_killed_extraction_left_is_no_data(directory: Path) -> None:
    (directory / ".v0.incomplete-a1b2c3d4").mkdir()
    (path,) = aside(directory)
    assert content(path) == ALL and content(directory) == [".v0.incomplete-a1b2c3d4"]


def test_what_a_killed_run_left_of_a_removal(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_arguments: object, **_options: object) -> None:
        raise Killed

    (path,) = aside(directory)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", killed)
        with pytest.raises(Killed):
            replace.remove_aside(str(directory), path)
    assert replace.what_was_set_aside(str(directory), AT) == []
    replace.remove_rest(str(directory))
    assert os.listdir(directory.parent) == ["v0"]


def test_what_cannot_be_removed(directory: Path) -> None:
    with pytest.raises(CommandFailed, match="/missing cannot be removed: No such file"):
        replace.remove_aside(str(directory), f"{directory}/missing")
