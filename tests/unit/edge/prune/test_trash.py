"""Move to the trash, remove for good, and what may be in the way."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, CommandFailed, Conflict
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.model import (
    DIRECTORY,
    LEFTOVER,
    TRASH_DIRECTORY,
    Item,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data import tree_in_node
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.prune import trash as trashing
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.prune.look import looked
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.prune.trash import (
    move,
    remove,
    trash_in,
    trash_items,
)
from ansible_collections.kindlab.volumes.tests.unit.support.nodes import here

STAMP = "20260102T030405Z"


@pytest.fixture
def item(tmp_path: Path) -> Item:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").touch()
    (found,) = looked([Item(DIRECTORY, str(tmp_path / "a"), str(tmp_path / "a"), str(tmp_path))], ())
    return found


def test_there_and_gone(item: Item, tmp_path: Path) -> None:
    target = item.target(STAMP)
    move(item, target)
    assert not os.path.exists(item.path) and os.listdir(target) == ["file"]
    assert [*trash_in(str(tmp_path))] == [(STAMP, "a")]
    assert [found.path for found in trash_items(str(tmp_path))] == [target]
    remove(target, item)
    assert os.listdir(tmp_path) == []
    remove(target, item)


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    (found,) = looked([Item(LEFTOVER, str(path), str(path), str(tmp_path))], ())
    move(found, found.target(STAMP))
    remove(found.target(STAMP), found)
    assert os.listdir(tmp_path) == []


def test_another_file_system_in_a_node(item: Item, tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        if os.stat(other).st_dev == os.stat(tmp_path).st_dev:
            pytest.skip("there is one file system")
        status, trash = os.stat(other), str(tmp_path / TRASH_DIRECTORY)
        with pytest.raises(CommandFailed, match=f"is on another file system than {tmp_path}"):
            tree_in_node.move(here(other), (status.st_dev, status.st_ino), str(tmp_path), trash, item.target(STAMP))
        assert os.path.isdir(other)


def test_what_is_not_what_was_looked_at_stays(item: Item) -> None:
    os.rename(item.path, f"{item.path}.before")
    with pytest.raises(Conflict, match="was moved or replaced meanwhile"):
        move(item, item.target(STAMP))
    os.mkdir(item.path)
    with pytest.raises(Conflict):
        move(item, item.target(STAMP))
    assert os.path.isdir(item.path)


def test_a_link_in_place_of_the_trash(item: Item, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / TRASH_DIRECTORY).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="is not a directory on the file system"):
        move(item, item.target(STAMP))
    assert [*trash_in(str(tmp_path))] == [] and os.path.isdir(item.path)


def test_what_is_there_already_is_not_overwritten(item: Item) -> None:
    target = item.target(STAMP)
    os.makedirs(f"{target}/other")
    with pytest.raises(CommandFailed, match="cannot be moved"):
        move(item, target)
    assert os.path.isdir(item.path) and os.listdir(target) == ["other"]


def test_links_in_it_are_not_followed(item: Item, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    os.symlink(tmp_path / "other", f"{item.path}/link")
    (again,) = looked([replace(item, bytes=None)], ())
    move(again, again.target(STAMP))
    remove(again.target(STAMP), again)
    assert os.listdir(tmp_path / "other") == ["file"]


def test_what_was_mounted_meanwhile_is_not_removed(item: Item, monkeypatch: pytest.MonkeyPatch) -> None:
    target = item.target(STAMP)
    move(item, target)
    with monkeypatch.context() as context, pytest.raises(CommandFailed, match="deep meanwhile"):
        context.setattr(trashing, "mounts_of_host", lambda: {f"{target}/deep": None, "/": None})
        remove(target, item)
    assert os.listdir(target) == ["file"]
