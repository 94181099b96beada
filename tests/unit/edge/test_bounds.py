"""What hangs in the kernel is reported, and programs without progress are killed."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._edge import bounds
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup import files, writer
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.writer import check_place
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.bounds import answer, stalled_killed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.local_data import host
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.local_data.host import host_directory
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.recreate import journal
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.recreate.journal import Journal


def test_an_answer_and_an_error_are_passed_on() -> None:
    assert answer(lambda: 7, "/") == 7
    for error in (OSError("no"), BadInput("no")):

        def fail(error: Exception = error) -> None:
            raise error

        with pytest.raises(type(error)):
            answer(fail, "/")


def test_a_file_system_that_does_not_answer_is_named() -> None:
    free = threading.Event()
    with pytest.raises(TimedOut, match=r"/mnt/dead does not answer within 0\.1 seconds") as raised:
        answer(free.wait, "/mnt/dead", 0.1)
    free.set()
    assert "umount" in raised.value.next_step


def test_a_program_without_progress_is_killed() -> None:
    with stalled_killed(0.2) as watch, subprocess.Popen(["sleep", "60"]) as program:
        watch(program)
        assert program.wait(20) == -9


def test_a_program_with_progress_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look finds more, for longer than the limit, however slow this machine is."""
    looks: list[str] = []
    enough = threading.Event()

    def progress(_pid: int) -> str:
        looks.append(f"{len(looks)} bytes")
        if len(looks) > 20:
            enough.set()
        return looks[-1]

    monkeypatch.setattr(bounds, "_progress", progress)
    with stalled_killed(0.04) as watch, subprocess.Popen(["cat"], stdin=subprocess.PIPE) as program:
        watch(program)
        assert enough.wait(30) and program.stdin
        program.stdin.close()
        assert program.wait(30) == 0


def test_what_a_program_reads_and_writes_is_progress() -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as program:
        assert program.stdin and program.stdout
        program.stdin.write(b"a")
        assert program.stdout.read(1) == b"a"
        before = bounds._progress(program.pid)
        assert before
        program.stdin.write(b"b")
        assert program.stdout.read(1) == b"b"
        assert bounds._progress(program.pid) != before


def test_what_a_program_writes_is_told() -> None:
    told: list[int] = []
    enough = threading.Event()

    def written(number: int) -> None:
        told.append(number)
        if sum(told) == 100_000:
            enough.set()

    with (
        stalled_killed(2.0, written) as watch,
        subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as program,
    ):
        assert program.stdin
        watch(program)
        program.stdin.write(b"x" * 100_000)
        program.stdin.flush()
        assert enough.wait(30)
        program.stdin.close()
    assert min(told) >= 0


def test_no_thread_is_left_when_the_program_has_ended() -> None:
    before = threading.active_count()
    with stalled_killed() as watch, subprocess.Popen(["true"]) as program:
        watch(program)
    assert threading.active_count() == before


@pytest.mark.parametrize(
    ("module", "ask"),
    [
        (files, read_backup),
        (writer, check_place),
        (journal, lambda path: Journal(path).check()),
        (host, lambda path: host_directory(path, None)),
    ],
)
def test_paths_that_are_asked_for_are_not_waited_for_without_end(
    module: ModuleType, ask: Callable[[str], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(_function: object, path: str) -> None:
        raise TimedOut(f"The file system of {path} does not answer.")

    monkeypatch.setattr(module, "answer", silent)
    with pytest.raises(TimedOut, match=f"{tmp_path}.* does not answer"):
        ask(str(tmp_path))
