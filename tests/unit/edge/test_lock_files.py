"""Files that a run locks: check mode finds what is in their way, as the run does, and changes nothing."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._edge import text_file
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup import writer
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.marker import Marker
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.recreate.journal import Journal

# Name of the locked file, what check mode does, and what the run does; each for a directory.
Lock = tuple[str, Callable[[Path], None], Callable[[Path], AbstractContextManager[None]]]
LOCKS: dict[str, Lock] = {
    "backup": (".lock", writer.check_place, writer.locked),
    "journal": ("recreate.jsonl", lambda top: Journal(str(top)).check(), lambda top: Journal(str(top)).locked()),
    "marker": (
        "kind-lab.unfinished",
        lambda top: Marker(str(top / "kubeconfig"), "lab").check(),
        lambda top: Marker(str(top / "kubeconfig"), "lab").locked(Deadline(0)),
    ),
}


def no_locks(_descriptor: int, _operation: int) -> None:
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


def directory_in_the_way(top: Path, name: str, _patch: pytest.MonkeyPatch) -> None:
    (top / name).mkdir()


def link_in_the_way(top: Path, name: str, _patch: pytest.MonkeyPatch) -> None:
    (top / name).symlink_to("elsewhere")


def file_system_without_locks(_top: Path, _name: str, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fcntl, "flock", no_locks)


def read_only(top: Path, _name: str, patch: pytest.MonkeyPatch) -> None:
    """For root, too, as on a disk that is mounted so."""
    access, opened = os.access, os.open

    def refuse_access(path: str, mode: int, **options: bool) -> bool:
        return access(path, mode, **options) and not (mode & os.W_OK and Path(path).is_relative_to(top))

    def refuse_open(path: str, flags: int, *arguments: int, **options: int) -> int:
        if flags & (os.O_RDWR | os.O_WRONLY | os.O_CREAT) and Path(path).is_relative_to(top):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return opened(path, flags, *arguments, **options)

    patch.setattr(os, "access", refuse_access)
    patch.setattr(os, "open", refuse_open)


HARMS = [directory_in_the_way, link_in_the_way, file_system_without_locks, read_only]


@pytest.mark.parametrize("kind", LOCKS)
@pytest.mark.parametrize("harm", HARMS)
def test_check_mode_finds_what_the_run_finds(
    tmp_path: Path, kind: str, harm: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    name, check, locked = LOCKS[kind]
    check(tmp_path)
    harm(tmp_path, name, monkeypatch)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(BadInput) as told:
        check(tmp_path)
    assert sorted(tmp_path.iterdir()) == before
    with pytest.raises(BadInput), locked(tmp_path):
        pass
    assert told.value.next_step
    assert ("flock" in told.value.message) == (harm is file_system_without_locks)


@pytest.mark.parametrize("kind", LOCKS)
def test_what_does_not_exist_yet_is_not_created_by_a_check(tmp_path: Path, kind: str) -> None:
    _name, check, locked = LOCKS[kind]
    check(tmp_path / "new" / "deeper")
    assert list(tmp_path.iterdir()) == []
    with locked(tmp_path / "new" / "deeper"):
        # A check must not be in the way of a run that has the lock.
        check(tmp_path / "new" / "deeper")
    (tmp_path / "file").touch()
    with pytest.raises(BadInput):
        check(tmp_path / "file" / "below")


def test_a_generations_file_is_in_the_way_of_a_backup(tmp_path: Path) -> None:
    (tmp_path / "generations").touch()
    with pytest.raises(BadInput, match="generations is not a directory"):
        writer.check_place(tmp_path)


def test_a_file_that_is_only_written(tmp_path: Path) -> None:
    text_file.check(str(tmp_path / "new" / "file"))
    (tmp_path / "link").symlink_to("nowhere")
    text_file.check(str(tmp_path / "link"))
    for path in (tmp_path, tmp_path / "link" / "below"):
        with pytest.raises(BadInput, match="cannot be written"):
            text_file.check(str(path))
