"""Directories inside nodes: the stream says what a look at the directory says. Here the node is this host."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    CommandFailed,
    Conflict,
    KindlabError,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data import archive
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data import node_directory as node_data
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import (
    inspect,
    node_directories,
    read,
    states,
    unchanged_during,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.scan import scan
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.tests.unit.support import trees
from ansible_collections.kindlab.volumes.tests.unit.support.nodes import here


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(trees.trees)
def test_the_stream_says_what_a_look_says(tmp_path: Path, tree: list[trees.Thing]) -> None:
    with trees.made(tmp_path / "tree", tree) as top:
        for mode in ("full", "fast"):
            assert read(here(top), mode) == scan(str(top), mode)


def test_more_than_a_piece(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(os.urandom((3 << 20) + 7))
    with (tmp_path / "holes").open("wb") as file:
        for place in range(0, 64 << 20, 1 << 20):
            file.seek(place)
            file.write(b"x" * 5000)
    assert read(here(tmp_path), "full") == scan(str(tmp_path), "full")


def test_devices_are_listed(tmp_path: Path) -> None:
    try:
        os.mknod(tmp_path / "zero", 0o020644, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("this user may not make devices")
    assert [(e.type, e.target) for e in read(here(tmp_path), "full")] == [("dir", ""), ("char", "1:5")]


def appended(top: Path) -> None:
    with (top / "f").open("ab") as file:
        file.write(b"x")


def rewritten(top: Path) -> None:
    """With the size and time it had: the time of its inode can't be set back, but has coarse ticks."""
    status = (top / "f").stat()
    while (top / "f").stat().st_ctime_ns == status.st_ctime_ns:
        (top / "f").write_bytes(b"TEXT")
        os.utime(top / "f", ns=(status.st_atime_ns, status.st_mtime_ns))


def closed(top: Path) -> None:
    status = (top / "f").stat()
    while (top / "f").stat().st_ctime_ns == status.st_ctime_ns:
        (top / "f").chmod(0)


@pytest.mark.parametrize(
    "change, said",
    [
        (appended, "1 changed: f"),
        (rewritten, "1 changed: f"),
        (closed, "1 changed: f"),
        (lambda top: (top / "new").touch(), "1 added: new"),
        (lambda top: (top / "f").unlink(), "1 removed: f"),
    ],
    ids=["appended", "rewritten", "closed", "new", "removed"],
)
def test_what_changes_meanwhile_is_an_error(tmp_path: Path, change: Callable[[Path], object], said: str) -> None:
    (tmp_path / "f").write_bytes(b"text")
    with (
        pytest.raises(Conflict, match=f"{tmp_path} in n was written to while it was read: {said}") as caught,
        unchanged_during(here(tmp_path)),
    ):
        change(tmp_path)
    assert "zero" in caught.value.next_step


def test_a_look_alone_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"text")
    with unchanged_during(here(tmp_path)):
        assert (tmp_path / "f").read_bytes() == b"text"


def other_tar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A program of tar's name that plays one that fails."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "tar").write_text(f"#!/bin/sh\n{script}\n")
    (programs / "tar").chmod(0o755)
    monkeypatch.setitem(archive.ENVIRONMENT, "PATH", f"{programs}:{os.environ['PATH']}")


@pytest.mark.parametrize(
    "script, error, said",
    [
        ("echo 'tar: ./f: file changed as we read it' >&2; exit 1", Conflict, "file changed as we read it"),
        ("echo 'Error: No such container: n' >&2; exit 1", CommandFailed, "No such container"),
        ("echo 'tar: ./f: Cannot open: Input/output error' >&2; exit 2", CommandFailed, "Input/output error"),
        (
            "head -c 2048 /dev/zero | tr '\\0' x",
            KindlabError,
            "not write a readable archive of .*: b'xxxxxxxx' is not a number",
        ),
        (
            "head -c 99999999 /dev/zero | tr '\\0' x",
            KindlabError,
            "not write a readable archive of .*: b'xxxxxxxx' is not a number",
        ),
        ("head -c 100 /dev/zero", KindlabError, "not write a readable archive of .*: unexpected end"),
        ("head -c 1024 /dev/zero; exit 3", CommandFailed, "exit code 3"),
    ],
)
def test_a_tar_that_fails_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, error: type[KindlabError], said: str
) -> None:
    other_tar(tmp_path, monkeypatch, script)
    with pytest.raises(error, match=said) as caught:
        read(here(tmp_path), "full")
    assert caught.value.tried.startswith("sh -c")


def test_a_reader_that_is_gone_ends_the_program_in_the_node() -> None:
    script = node_data._WATCHED
    done = subprocess.run(["sh", "-c", script, "sh", "sleep", "1000"], stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 128 + 15


@pytest.mark.parametrize("code", [0, 1, 2])
def test_a_program_in_the_node_ends_as_by_itself(code: int) -> None:
    argv = ["sh", "-c", node_data._WATCHED, "sh", "sh", "-c", f"echo said; exit {code}"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read() == b"said\n"
    assert process.returncode == code


def test_states(tmp_path: Path) -> None:
    for name in ("there", "empty", "new\nline", "-d"):
        (tmp_path / name).mkdir()
    (tmp_path / "there" / ".hidden").touch()
    (tmp_path / "new\nline" / "\n").touch()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("there")
    (tmp_path / "dangling").symlink_to("nowhere")
    asked = ["there", "empty", "new\nline", "-d", "file", "link", "dangling", "missing"]
    found = states({name: here(tmp_path / name, node=f"n{len(name) % 2}") for name in asked})
    assert found == {
        "there": "there",
        "empty": "empty",
        "new\nline": "there",
        "-d": "empty",
        "file": "other",
        "link": "other",
        "dangling": "other",
        "missing": "missing",
    }
    assert states({}) == {}


def test_a_look_before_an_archive(tmp_path: Path) -> None:
    for name in ("a b", "c\n"):
        (tmp_path / name / "d").mkdir(parents=True)
        (tmp_path / name / "f").write_bytes(b"x" * 100_000)
    with (tmp_path / "c\n" / "holes").open("wb") as file:
        file.truncate(1 << 30)
    os.mkfifo(tmp_path / "c\n" / "fifo")
    asked = ("a b", "c\n", "missing")
    found = inspect({name: here(tmp_path / name, node=f"n{len(name)}") for name in asked})
    assert [found[name].state for name in asked] == ["there", "there", "missing"]
    assert all(100_000 <= found[name].bytes < 200_000 for name in asked[:2])
    assert found["missing"].bytes == 0
    assert not any(seen.devices or seen.lacking for seen in found.values())
    assert inspect({}) == {}


def test_devices_are_seen_before_an_archive(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    try:
        os.mknod(tmp_path / "d" / "zero", 0o020644, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("this user may not make devices")
    assert inspect({"v": here(tmp_path)})["v"].devices


def test_programs_that_a_node_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("sh", "xargs", "tr", "cut", "du"):
        program = shutil.which(name)
        assert program
        (tmp_path / name).symlink_to(program)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert inspect({"v": here(tmp_path)})["v"].lacking == ("tar", "find")


def test_the_engine_reaches_them() -> None:
    found = node_directories(Engine("podman", Runner()), {"v": Place("lab-worker", "/var/v", "")})["v"]
    assert str(found) == "/var/v in lab-worker"
    assert found.tar[:4] == ["podman", "exec", "-i", "lab-worker"]
    assert found.tar[-1] == "tar"
