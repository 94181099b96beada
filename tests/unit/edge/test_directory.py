"""One run writes to a directory; a file system without locks is an error that says so, wherever a lock is taken."""

from __future__ import annotations

import errno
import fcntl
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Conflict
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup import writer
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.directory import (
    free_bytes,
    held,
    is_half_restored,
    is_locked,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.loaded_images import store

Locked = Callable[[Path], AbstractContextManager[None]]

BOTH = pytest.mark.parametrize("locked", [writer.locked, store.locked])


@BOTH
def test_another_run_is_refused_until_the_first_has_finished(locked: Locked, tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(Conflict) as caught, locked(tmp_path):
        pass
    assert f"the backup directory {tmp_path}" in caught.value.message
    with locked(tmp_path):
        pass


@BOTH
def test_a_file_system_without_locks(locked: Locked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(BadInput) as caught, locked(tmp_path):
        pass
    assert "No locks available" in caught.value.message


def test_the_room_for_a_directory_that_does_not_exist_is_that_of_its_disk(tmp_path: Path) -> None:
    assert free_bytes(tmp_path / "a" / "b") > 0


def test_a_directory_that_is_held_is_neither_written_to_nor_held_by_others(tmp_path: Path) -> None:
    with writer.locked(tmp_path):
        pass
    before = sorted(tmp_path.iterdir())
    with held(str(tmp_path)):
        for other in (writer.locked(tmp_path), held(str(tmp_path))):
            with pytest.raises(Conflict), other:
                pass
    assert sorted(tmp_path.iterdir()) == before
    with writer.locked(tmp_path), pytest.raises(Conflict, match="Another run is using"), held(str(tmp_path)):
        pass


def test_a_copy_without_its_lock_is_held_too(tmp_path: Path) -> None:
    with held(str(tmp_path)), pytest.raises(Conflict), held(str(tmp_path)):
        pass
    assert list(tmp_path.iterdir()) == []


def test_holding_needs_no_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with held(str(tmp_path)), held(str(tmp_path / "missing")):
        pass


def test_whether_another_run_writes(tmp_path: Path) -> None:
    assert not is_locked(tmp_path)
    with writer.locked(tmp_path):
        assert is_locked(tmp_path)
    assert not is_locked(tmp_path)


@pytest.mark.parametrize(
    ("names", "half"),
    [
        (["v/file"], False),
        ([], False),
        (["v/"], False),
        (["v/file", "v.set-aside-20260102T030405Z/file"], False),
        # Nothing is moved yet.
        (["v/file", ".v.setting-aside/"], False),
        (["v/file", ".v.setting-aside/other"], True),
        (["v/", ".v.setting-aside/other"], True),
        (["v/.v.incomplete-a1b2c3d4/file"], True),
        (["v/file", "v/.v.extracted-a1b2c3d4/other"], True),
        # Of another directory.
        (["v/file", "v/.w.extracted-a1b2c3d4/other", ".w.setting-aside/file"], False),
    ],
)
def test_what_an_interrupted_restore_left(tmp_path: Path, names: list[str], half: bool) -> None:
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if name.endswith("/") else path.touch()
    assert is_half_restored(str(tmp_path / "v")) is half
