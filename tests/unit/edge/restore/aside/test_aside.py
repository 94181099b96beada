"""Data that is set aside, on the host and in a node: all of it, also by a rerun, and never over anything else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore.aside import in_node, on_host
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore.aside.anywhere import data_in
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import Killed
from ansible_collections.kindlab.volumes.tests.unit.support.nodes import here

AT, LATER = "20260102T030405Z", "20260102T030406Z"
ALL = ["a", "b", "below", "below/c"]
Way = tuple[ModuleType, Callable[[object], Any]]


@pytest.fixture(params=[(on_host, str), (in_node, here)], ids=["host", "node"])
def way(request: pytest.FixtureRequest) -> Way:
    """The functions, and what makes their directories of a path."""
    found: Way = request.param
    return found


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


def found_aside(way: Way, directory: Path, at: str = AT) -> list[str]:
    functions, of = way
    return [getattr(found, "path", found) for found in functions.what_was_set_aside(of(directory), at)]


def aside(way: Way, directory: Path, at: str = AT) -> list[str]:
    functions, of = way
    functions.set_content_aside(of(directory), at)
    return found_aside(way, directory, at)


def is_begun(way: Way, directory: Path) -> bool:
    functions, of = way
    return bool(functions.is_begun(of(directory)))


def test_the_functions_of_a_source(way: Way, directory: Path) -> None:
    functions, of = way
    assert data_in(of(directory)) is functions


def test_everything_is_set_aside_and_removed(way: Way, directory: Path) -> None:
    inode = directory.stat().st_ino
    (path,) = aside(way, directory)
    assert path == f"{directory}.set-aside-{AT}"
    assert content(path) == ALL and content(directory) == []
    assert os.stat(path).st_mode == directory.stat().st_mode and directory.stat().st_ino == inode
    assert found_aside(way, directory, LATER) == []
    functions, of = way
    functions.remove_aside(of(directory), of(path))
    assert os.listdir(directory.parent) == ["v0"]


def test_a_whole_directory(way: Way, directory: Path) -> None:
    functions, of = way
    functions.rename(of(directory), f"{directory}.set-aside-{AT}")
    assert os.listdir(directory.parent) == [f"v0.set-aside-{AT}"] and functions.is_free(of(directory), list)
    with pytest.raises(CommandFailed, match=r"The data in .*v0.* cannot be set aside: .*No such file"):
        functions.rename(of(directory), f"{directory}.set-aside-{LATER}")


def test_of_an_empty_directory_nothing_is_set_aside(way: Way, directory: Path) -> None:
    functions, of = way
    assert not functions.is_free(of(directory), list)
    aside(way, directory)
    assert functions.is_free(of(directory), list)
    assert aside(way, directory, LATER) == [] and not is_begun(way, directory)


@pytest.mark.parametrize("moment", range(4))
def test_killed_while_it_moves(way: Way, directory: Path, monkeypatch: pytest.MonkeyPatch, moment: int) -> None:
    """On the host; the rerun may be in a node."""
    rename, left = os.rename, [moment]

    def killed(source: str, target: str) -> None:
        if not left[0]:
            raise Killed
        left[0] -= 1
        rename(source, target)

    monkeypatch.setattr(os, "rename", killed)
    with pytest.raises(Killed):
        on_host.set_content_aside(str(directory), AT)
    monkeypatch.setattr(os, "rename", rename)
    assert is_begun(way, directory) and found_aside(way, directory) == []
    (path,) = aside(way, directory, LATER)
    assert content(path) == ALL and content(directory) == []
    assert not is_begun(way, directory)


def test_what_is_there_already_stays(way: Way, directory: Path) -> None:
    aside(way, directory)
    (directory / "a").write_text("later")
    first, second = aside(way, directory)
    assert ((Path(first) / "a").read_text(), (Path(second) / "a").read_text()) == ("a", "later")


def test_what_applications_wrote_after_a_kill_is_set_aside_for_itself(way: Way, directory: Path) -> None:
    before = directory.parent / ".v0.setting-aside" / "a"
    before.parent.mkdir()
    before.write_text("moved before")
    moved, written = aside(way, directory)
    assert (content(moved), content(written), content(directory)) == (["a"], ALL, [])
    assert ((Path(moved) / "a").read_text(), (Path(written) / "a").read_text()) == ("moved before", "a")
    assert os.stat(moved).st_mode == directory.stat().st_mode and not is_begun(way, directory)


def test_odd_names(way: Way, directory: Path) -> None:
    names = ["-rf", " a b", "new\nline", "*", "$(touch x)", ".hidden"]
    for name in names:
        (directory / name).touch()
    (path,) = aside(way, directory)
    assert content(path) == sorted([*ALL, *names]) and content(directory) == []


def test_what_a_killed_extraction_left_is_no_data(way: Way, directory: Path) -> None:
    (directory / ".v0.incomplete-a1b2c3d4").mkdir()
    (path,) = aside(way, directory)
    assert content(path) == ALL and content(directory) == [".v0.incomplete-a1b2c3d4"]


def test_what_a_killed_run_left_of_a_removal(way: Way, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_arguments: object, **_options: object) -> None:
        raise Killed

    (path,) = aside(way, directory)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", killed)
        with pytest.raises(Killed):
            on_host.remove_aside(str(directory), path)
    assert found_aside(way, directory) == []
    functions, of = way
    functions.remove_rest(of(directory))
    assert os.listdir(directory.parent) == ["v0"]


def test_what_cannot_be_removed(way: Way, directory: Path) -> None:
    functions, of = way
    with pytest.raises(CommandFailed, match=r"/missing.* cannot be removed: .*No such file"):
        functions.remove_aside(of(directory), of(f"{directory}/missing"))
