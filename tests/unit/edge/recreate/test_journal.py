"""The journal's file: private, only added to, on disk before the next step, and of one run at a time."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.activity import Activity
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    BadInput,
    Conflict,
    KindlabError,
    TimedOut,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.journal import Entry
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import REPORTER
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.recreate.journal import JOURNAL, Journal

# Holds the lock of a file until its standard input ends.
HOLDER = """
import fcntl, os, sys
fcntl.flock(os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600), fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def journal(path: Path) -> Journal:
    return Journal(str(path), lambda: datetime(2026, 11, 23, 6, 57, tzinfo=timezone.utc))


def begin(path: Path, *steps: str) -> Path:
    """A journal with these steps; its file."""
    with journal(path).locked():
        for step in steps:
            journal(path).add(step)
    return path / JOURNAL


def steps(path: Path) -> list[str]:
    return [line.step for line in journal(path).entries()]


def test_without_one_there_are_no_lines_and_nothing_is_made(tmp_path: Path) -> None:
    assert journal(tmp_path / "b").entries() == ()
    assert list(tmp_path.iterdir()) == []


def test_what_is_added_is_read_again(tmp_path: Path) -> None:
    with journal(tmp_path / "b").locked():
        journal(tmp_path / "b").add("planned", cluster="lab", nodes=["n"])
        journal(tmp_path / "b").add("backed_up", generation="000001-x")
    assert journal(tmp_path / "b").entries() == (
        Entry("planned", "2026-11-23T06:57:00.000Z", {"cluster": "lab", "nodes": ["n"]}),
        Entry("backed_up", "2026-11-23T06:57:00.000Z", {"generation": "000001-x"}),
    )


def test_the_date_of_the_latest_recreation(tmp_path: Path) -> None:
    days = iter(range(1, 9))

    def later() -> datetime:
        return datetime(2026, 11, next(days), 6, 57, tzinfo=timezone.utc)

    own = Journal(str(tmp_path), later)
    assert own.date() == ""
    with own.locked():
        for step in ("planned", "deleting", "done", "planned", "deleting", "resumed", "deleting"):
            own.add(step)
    assert own.date() == "20261104T065700Z"


def test_lines_are_only_added(tmp_path: Path) -> None:
    path = begin(tmp_path, "planned")
    before, inode = path.read_bytes(), path.stat().st_ino
    begin(tmp_path, "detached")
    assert path.read_bytes().startswith(before) and path.stat().st_ino == inode
    assert steps(tmp_path) == ["planned", "detached"]


@pytest.mark.parametrize("torn", [b'{"st', b'{"step": "detached"', b"\xc3", b"\0\0\0"])
def test_a_torn_last_line_counts_for_nothing(tmp_path: Path, torn: bytes) -> None:
    path = begin(tmp_path, "planned")
    with path.open("ab") as file:
        file.write(torn)
    assert steps(tmp_path) == ["planned"]
    begin(tmp_path, "backed_up")
    assert steps(tmp_path) == ["planned", "backed_up"]


def test_it_is_private(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        path = begin(tmp_path / "b", "planned")
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_each_line_is_on_disk_before_the_next_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a new journal also that it is there."""
    synced: list[tuple[str, bytes]] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        real(descriptor)
        place = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        synced.append((place.name, place.read_bytes() if place.is_file() else b""))

    monkeypatch.setattr(os, "fsync", fsync)
    path = tmp_path / "b" / JOURNAL
    with journal(path.parent).locked():
        for step in ("planned", "detached"):
            before = len(synced)
            journal(path.parent).add(step)
            assert synced[before] == (JOURNAL, path.read_bytes())
    assert [name for name, _content in synced] == [JOURNAL, "b", JOURNAL]


def failing(error: OSError) -> Callable[..., Any]:
    def fail(*_arguments: Any) -> None:
        raise error

    return fail


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_full_disk_stops_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    with journal(tmp_path).locked():
        journal(tmp_path).add("planned")
        with monkeypatch.context() as patched:
            patched.setattr(os, call, failing(OSError(errno.ENOSPC, "No space left on device")))
            with pytest.raises(KindlabError, match=r"cannot be written: .*No space left") as raised:
                journal(tmp_path).add("deleting")
        assert "stopped before its next step" in raised.value.message and raised.value.tried == f"df -h {tmp_path}"
        journal(tmp_path).add("detached")
    assert steps(tmp_path)[-1] == "detached"


def test_a_disk_that_fills_in_the_middle_of_a_line_stops_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    with journal(tmp_path).locked():
        journal(tmp_path).add("planned")
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", lambda descriptor, text: real(descriptor, text[:9]))
            with pytest.raises(KindlabError, match="short write"):
                journal(tmp_path).add("deleting")
        assert steps(tmp_path) == ["planned"]
        journal(tmp_path).add("detached")
    assert steps(tmp_path) == ["planned", "detached"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the kernel's own full disk is not here")
def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    found = journal(tmp_path)
    found.path = Path("/dev/full")
    with pytest.raises(KindlabError, match="No space left on device"):
        found.add("planned")


def test_a_journal_that_was_moved_away_meanwhile_stops_it(tmp_path: Path) -> None:
    with journal(tmp_path).locked():
        journal(tmp_path).path.unlink()
        with pytest.raises(KindlabError, match="No such file"):
            journal(tmp_path).add("planned")
    assert list(tmp_path.iterdir()) == []


def test_a_second_run_is_refused(tmp_path: Path) -> None:
    with journal(tmp_path).locked():
        with pytest.raises(Conflict, match=r"Another recreation holds the lock of .*/recreate\.jsonl"):
            begin(tmp_path, "planned")
        journal(tmp_path).add("planned")
    begin(tmp_path, "detached")
    assert steps(tmp_path) == ["planned", "detached"]


def test_a_second_run_in_another_process_is_refused(tmp_path: Path) -> None:
    path = begin(tmp_path, "planned")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], **pipes) as other:  # type: ignore[call-overload]
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(Conflict) as raised:
            begin(tmp_path, "detached")
        assert raised.value.tried == f"fuser -v {path}"
        other.kill()
    begin(tmp_path, "detached")
    assert steps(tmp_path) == ["planned", "detached"]


def test_programs_that_outlive_a_run_don_t_hold_it(tmp_path: Path) -> None:
    with journal(tmp_path).locked():
        argv = [sys.executable, "-c", "import sys; sys.stdin.read()"]
        child = subprocess.Popen(argv, stdin=subprocess.PIPE, close_fds=False)
    try:
        begin(tmp_path, "planned")
    finally:
        child.communicate()
    assert steps(tmp_path) == ["planned"]


@pytest.mark.parametrize("there", [True, False])
def test_what_was_not_written_to_is_removed_again(tmp_path: Path, there: bool) -> None:
    """A refusal leaves nothing, wherever the path leads; a directory that was there stays."""
    place = tmp_path / "b"
    if there:
        place.mkdir()
    with pytest.raises(KeyError), journal(place).locked():
        raise KeyError
    assert list(tmp_path.rglob("*")) == ([place] if there else [])


def test_what_others_wrote_beside_it_stays(tmp_path: Path) -> None:
    with journal(tmp_path / "b").locked():
        (tmp_path / "b" / "other").touch()
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["other"]


def test_a_journal_that_was_just_removed_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another run removes it, as it is empty, between the opening and the lock; a third may have made a new one."""
    real = os.open

    def removed(path: Any, flags: int, *mode: int) -> int:
        descriptor = real(path, flags, *mode)
        Path(path).unlink()
        return descriptor

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", removed)
        with pytest.raises(Conflict), journal(tmp_path).locked():
            pytest.fail("it was held")
    begin(tmp_path, "planned")
    assert steps(tmp_path) == ["planned"]


def test_two_recreations_of_one_cluster_exclude_each_other_whatever_their_backups(tmp_path: Path) -> None:
    def recreating(backup: str, cluster: str) -> Any:
        return Journal(str(tmp_path / backup), cluster=cluster, kubeconfig=str(tmp_path / "kube" / "config")).locked()

    with recreating("a", "lab"):
        with pytest.raises(TimedOut, match="Another run is still working on cluster lab"), recreating("b", "lab"):
            pytest.fail("it was held")
        with recreating("c", "other"):
            pass
    assert not list((tmp_path / "kube").iterdir())
    with recreating("b", "lab"):
        pass


def test_symbolic_links_are_refused(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.write_text("")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / JOURNAL).symlink_to(target)
    with pytest.raises(BadInput, match="cannot be used: Too many levels of symbolic links"):
        begin(tmp_path / "b", "planned")
    assert target.read_text() == ""


def test_a_path_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="cannot be used: Not a directory"):
        begin(tmp_path / "file" / "b", "planned")
    with pytest.raises(BadInput, match="cannot be used: Not a directory"):
        journal(tmp_path / "file" / "b").entries()


def test_a_directory_in_its_place(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).mkdir()
    for use in (lambda: begin(tmp_path), lambda: steps(tmp_path)):
        with pytest.raises(BadInput, match="Is a directory"):
            use()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_without_the_right_to_it(tmp_path: Path) -> None:
    path = begin(tmp_path, "planned")
    path.chmod(0)
    with pytest.raises(BadInput, match="Permission denied") as raised:
        steps(tmp_path)
    assert "become: true" in raised.value.next_step


def test_a_file_that_is_no_journal(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).write_text('{"cluster": "lab"}\n')
    with pytest.raises(BadInput, match=r"Line 1 of the journal .* is not a valid entry"):
        steps(tmp_path)


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(BadInput, match="does not support locks") as raised, journal(tmp_path).locked():
        pass
    assert "local disk" in raised.value.next_step


def test_a_directory_that_may_not_be_entered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As anybody but root finds it."""

    def refuse(*_arguments: object, **_options: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    for name in ("stat", "mkdir", "open"):
        monkeypatch.setattr(os, name, refuse)
    with pytest.raises(BadInput, match="Permission denied"), journal(tmp_path / "b").locked():
        pass


def test_what_a_run_does_is_told_while_it_has_the_lock(tmp_path: Path) -> None:
    with journal(tmp_path).locked():
        with REPORTER.waiting(lambda: "kind"):
            assert list(journal(tmp_path).activity().waits) == ["kind"]
        REPORTER.moved("data read", 7)
        journal(tmp_path).add("planned")
        assert not journal(tmp_path).activity().text(0)
    assert [path.name for path in tmp_path.iterdir()] == [JOURNAL]
    assert journal(tmp_path).activity() == Activity()
