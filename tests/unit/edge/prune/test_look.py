"""Size, last change, and what keeps a directory from being moved."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.model import (
    DIRECTORY,
    TRASH_DIRECTORY,
    VOLUME,
    Item,
    Kept,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.usage import usage
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.prune.look import looked


def item(path: Path, kind: str = DIRECTORY, **more: object) -> Item:
    return Item(kind, str(path), str(path), str(path.parent), **more)  # type: ignore[arg-type]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """100 kB twice linked, and 100 kB in a directory, all with times of long ago."""
    path = tmp_path / "tree"
    (path / "deep").mkdir(parents=True)
    for name in ("one", "deep/two"):
        (path / name).write_bytes(os.urandom(100_000))
    os.link(path / "one", path / "deep" / "again")
    for place in (path / "one", path / "deep" / "two", path / "deep", path):
        os.utime(place, (0, 0))
    return path


def test_size_and_last_change(tree: Path) -> None:
    found = usage(str(tree))
    assert 200_000 <= found.bytes < 250_000
    # Programs that extract set the time of the content back.
    assert time.time() - found.changed < 60
    assert usage(str(tree / "one")).bytes >= 100_000


def test_an_item_gets_what_is_on_the_disk(tree: Path) -> None:
    (found,) = looked([item(tree)], ())
    assert found.bytes == usage(str(tree)).bytes and found.since == usage(str(tree)).changed and found.kept is None
    assert found.identity == (os.stat(tree).st_dev, os.stat(tree).st_ino)


@pytest.mark.parametrize(
    ("kind", "since", "own"), [(VOLUME, 1.0, False), (VOLUME, 1e12, True), (VOLUME, None, True), (DIRECTORY, 1.0, True)]
)
def test_a_time_of_its_own(tree: Path, kind: str, since: float | None, own: bool) -> None:
    (found,) = looked([item(tree, kind, since=since)], ())
    assert (found.since == since) == own


def test_what_is_gone(tmp_path: Path) -> None:
    """A volume without its directory is only an object."""
    (found,) = looked([item(tmp_path / "gone"), item(tmp_path / "gone", VOLUME)], ())
    assert (found.kind, found.path) == (VOLUME, "")


def test_what_is_needed_is_not_read(tree: Path) -> None:
    kept = item(tree, kept=Kept("it is Bound", is_known=True))
    assert looked([kept], ()) == [kept]


@pytest.mark.parametrize("below", ["", "/deep"])
def test_a_file_system_mounted_in_it(tree: Path, below: str) -> None:
    (found,) = looked([item(tree)], (f"{tree}{below}", "/"))
    assert found.kept and found.kept.why == f"a file system is mounted at {tree}{below}"
    assert found.kept.next_step.endswith(f"umount {tree}{below}")


def test_a_directory_that_this_user_may_not_write_to(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, _mode: path != str(tree.parent))
    (found,) = looked([item(tree)], ())
    assert found.kept and found.kept.why == f"this user may not write to {tree.parent}"


def test_a_directory_that_this_user_may_not_read(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*_arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", closed)
    (found,) = looked([item(tree)], ())
    assert found.kept and "this user cannot read it: Permission denied" in found.kept.why


def test_a_mount_point_that_is_named_through_a_link(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    (found,) = looked([item(tmp_path / "link" / "tree")], (f"{tree}/deep",))
    assert found.kept and f"a file system is mounted at {tree}/deep" in found.kept.why


@pytest.mark.parametrize("all_of_it", [False, True])
def test_what_vanishes_in_it_does_not_make_it_gone(
    tree: Path, all_of_it: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.scandir

    def late(path: str) -> Any:
        if path == f"{tree}/deep":
            shutil.rmtree(tree if all_of_it else tree / "deep")
        return real(path)

    monkeypatch.setattr(os, "scandir", late)
    found = looked([item(tree)], ())
    assert len(found) == (0 if all_of_it else 1)
    assert all(abs(time.time() - (one.since or 0)) < 60 and one.bytes and one.kept is None for one in found)


@pytest.mark.parametrize("kind", ["file", "link", "closed"])
def test_something_in_place_of_the_trash(
    tree: Path, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trash = tmp_path / TRASH_DIRECTORY
    if kind == "file":
        trash.touch()
    elif kind == "link":
        trash.symlink_to(tree)
    else:
        trash.mkdir()
        real = os.access
        monkeypatch.setattr(os, "access", lambda path, mode: path != str(trash) and real(path, mode))
    (found,) = looked([item(tree)], ())
    assert found.kept and str(trash) in found.kept.why and found.kept.next_step


def test_a_top_that_cannot_be_read(tree: Path) -> None:
    (found,) = looked([Item(DIRECTORY, str(tree), str(tree), "/not/there")], ())
    assert found.kept and found.kept.why == "/not/there cannot be read: No such file or directory"
