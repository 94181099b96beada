"""Size, last change, and what keeps a directory from being moved."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.model import DIRECTORY, VOLUME, Item, Kept
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


@pytest.mark.parametrize(("kind", "since", "own"), [(VOLUME, 1.0, False), (VOLUME, 1e12, True), (DIRECTORY, 1.0, True)])
def test_a_time_of_its_own(tree: Path, kind: str, since: float, own: bool) -> None:
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
