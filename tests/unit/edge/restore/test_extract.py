"""Into an existing directory, which nodes may have mounted: it stays the same one, and a killed run is completed."""

from __future__ import annotations

import gzip
import hashlib
import os
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import SavedArchive
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksums import Entry
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.tar_stream import END
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    BadInput,
    CommandFailed,
    Declined,
    TimedOut,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.bounds import stalled_killed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data import archive
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.archive import write_archive
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import NodeDirectory
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.scan import scan
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore import extract as on_host
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore import extract_in_node as in_node
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import Killed
from ansible_collections.kindlab.volumes.tests.unit.support.tars import header

NAMES = [".hidden", "a", "b", "c d", "e"]


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    top = tmp_path / "volume"
    (top / "b").mkdir(parents=True)
    for name in (".hidden", "a", "b/f", "c d"):
        (top / name).write_text(name)
    (top / "e").symlink_to("nowhere")
    top.chmod(0o2770)
    if os.geteuid() == 0:
        os.chown(top, 12345, 54321)
        top.chmod(0o2770)
    os.setxattr(top, "user.note", b"of the directory")
    os.utime(top, ns=(1, 1_234_567_890_123_456_789))
    return top


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "target").mkdir()
    return tmp_path / "target"


def saved(volume: Path) -> tuple[SavedArchive, list[Entry]]:
    with (volume.parent / "archive").open("wb") as file:
        written = write_archive(str(volume), file.write, "gzip", None)
    return SavedArchive("archive", written.sha256, written.bytes, "gzip"), scan(str(volume), "full")


class MovesAndDies(Runner):
    """A node that is this host, and whose process is killed after it moved so many entries. moves: None for all."""

    def __init__(self, moves: int | None = None) -> None:
        self.moves = moves

    def run(self, argv, **options):  # type: ignore[no-untyped-def]
        if self.moves is not None and argv[2:3] == [in_node._MOVE_UP]:
            complete, target = argv[4:6]
            for name in sorted(os.listdir(complete))[: self.moves]:
                os.rename(f"{complete}/{name}", f"{target}/{name}")
            raise Killed
        return super().run(argv, **options)


def extract(where: str, volume: Path, target: Path, *, moves: int | None = None) -> None:
    archive, entries = saved(volume)
    if where == "node":
        directory = NodeDirectory("n", str(target), MovesAndDies(moves))
        in_node.remove_leftovers(directory)
        in_node.extract(volume.parent, archive, directory, entries, "full")
        return
    on_host.remove_leftovers(str(target))
    with pytest.MonkeyPatch.context() as patch:
        if moves is not None:
            patch.setattr(on_host.os, "rename", dying_after(moves + 1, os.rename))
            patch.setattr(on_host.os, "rmdir", dying_after(0, os.rmdir))
        on_host.extract(volume.parent, archive, str(target), entries, "full")


def dying_after(count, function):  # type: ignore[no-untyped-def]
    def called(*arguments: str) -> None:
        nonlocal count
        if not count:
            raise Killed
        count -= 1
        function(*arguments)

    return called


BOTH = pytest.mark.parametrize("where", ["host", "node"])


@BOTH
def test_an_existing_directory_stays_the_same(where: str, volume: Path, target: Path) -> None:
    os.setxattr(target, "user.other", b"of the empty one")
    before = target.stat().st_ino
    descriptor = os.open(target, os.O_RDONLY)
    extract(where, volume, target)
    if where == "node":
        os.removexattr(target, "user.other")
    assert scan(str(target), "full") == scan(str(volume), "full")
    assert target.stat().st_ino == before
    assert sorted(os.listdir(descriptor)) == NAMES
    os.close(descriptor)


@BOTH
@pytest.mark.parametrize("moves", range(len(NAMES) + 1))
def test_a_killed_run_is_completed(where: str, volume: Path, target: Path, moves: int) -> None:
    _archive, entries = saved(volume)
    with pytest.raises(Killed):
        extract(where, volume, target, moves=moves)
    assert on_host.unfinished(str(target), lambda: entries)
    state, left = in_node.look(NodeDirectory("n", str(target), Runner()), "there", lambda: entries)
    assert (state, left.startswith(f"{target}/.target.extracted-")) == ("empty", True)
    assert len(on_host.content_of(str(target))) == moves + 1
    extract(where, volume, target)
    assert scan(str(target), "full") == scan(str(volume), "full")


@BOTH
def test_what_a_run_that_died_while_extracting_left(where: str, volume: Path, target: Path) -> None:
    (target / ".target.incomplete-x").mkdir()
    (target / ".target.incomplete-x" / "a").write_text("half")
    assert on_host.content_of(str(target)) == []
    assert in_node.look(NodeDirectory("n", str(target), Runner()), "there", list) == ("empty", "")
    extract(where, volume, target)
    assert scan(str(target), "full") == scan(str(volume), "full")


@BOTH
def test_data_of_others_is_never_taken_for_the_rest(where: str, volume: Path, target: Path) -> None:
    with pytest.raises(Killed):
        extract(where, volume, target, moves=2)
    (target / "new").touch()
    _archive, entries = saved(volume)
    assert not on_host.unfinished(str(target), lambda: entries)
    assert in_node.look(NodeDirectory("n", str(target), Runner()), "there", lambda: entries) == ("there", "")
    with pytest.raises(Declined, match="not empty"):
        extract(where, volume, target)


@BOTH
def test_what_appears_while_it_is_moved_is_not_replaced(
    where: str, volume: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    move = on_host._move_up if where == "host" else in_node._move_up

    def then_written(*arguments):  # type: ignore[no-untyped-def]
        (target / "a").write_text("of a pod")
        move(*arguments)

    monkeypatch.setattr(on_host if where == "host" else in_node, "_move_up", then_written)
    with pytest.raises(CommandFailed, match=r"cannot be moved to"):
        extract(where, volume, target)
    assert (target / "a").read_text() == "of a pod"


def test_a_mounted_symbolic_link_is_followed(volume: Path, target: Path) -> None:
    link = volume.parent / "link"
    link.symlink_to(target)
    extract("host", volume, Path(os.path.realpath(link)))
    assert link.is_symlink()
    assert scan(str(target), "full") == scan(str(volume), "full")


def hanging(tmp_path: Path, program: str) -> dict[str, str]:
    """An environment in which a program of this name does nothing, for a minute."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / program).write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "bin" / program).chmod(0o755)
    return {**archive.ENVIRONMENT, "PATH": f"{tmp_path / 'bin'}:{archive.ENVIRONMENT['PATH']}"}


@pytest.mark.parametrize("program, file", [("tar", on_host), ("gzip", archive)])
def test_a_program_that_hangs_is_killed_and_leaves_nothing(
    tmp_path: Path, volume: Path, target: Path, monkeypatch: pytest.MonkeyPatch, program: str, file: ModuleType
) -> None:
    kept, entries = saved(volume)
    before = os.stat(target).st_mtime_ns
    monkeypatch.setattr(file, "ENVIRONMENT", hanging(tmp_path, program))
    monkeypatch.setattr(file, "stalled_killed", partial(stalled_killed, 0.3))
    with pytest.raises(TimedOut, match=f"{program} was killed: it read and wrote nothing"):
        on_host.extract(tmp_path, kept, str(target), entries, "full")
    assert os.listdir(target) == [] and os.stat(target).st_mtime_ns == before


@BOTH
@pytest.mark.parametrize("verify", ["full", "none"])
def test_a_refused_archive_touches_nothing(where: str, verify: str, volume: Path, target: Path) -> None:
    """Not even the time of a change, which nothing can put back."""
    entries = scan(str(volume), "full")
    content = gzip.compress(header() + header(name=b"f/g") + END)
    (volume.parent / "archive").write_bytes(content)
    kept = SavedArchive("archive", hashlib.sha256(content).hexdigest(), len(content), "gzip")
    before = [(path.stat().st_ctime_ns, path.stat().st_mtime_ns) for path in (target, target.parent)]
    with pytest.raises(BadInput, match="the parent of 'f/g' is not a directory"):
        if where == "node":
            in_node.extract(volume.parent, kept, NodeDirectory("n", str(target), Runner()), entries, verify)
        else:
            on_host.extract(volume.parent, kept, str(target), entries, verify)
    assert [(path.stat().st_ctime_ns, path.stat().st_mtime_ns) for path in (target, target.parent)] == before
