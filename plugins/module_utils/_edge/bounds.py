# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bounds of what may hang: system calls on a file system that does not answer, and programs without progress."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError, TimedOut

T = TypeVar("T")

ANSWER_SECONDS = 30.0
# A program in a node may look for the holes of a large file for minutes, and say nothing meanwhile.
STALL_SECONDS = 600.0


def answer(function: Callable[[], T], path: str, seconds: float = ANSWER_SECONDS) -> T:
    """function(), which makes a few system calls on a path. Raises TimedOut if its file system does not answer.

    A thread that hangs in the kernel cannot be ended: it is left behind, and ends with this process.
    """
    results: list[T] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append(function())
        except (OSError, ValueError, KindlabError) as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if results:
        return results[0]
    raise TimedOut(
        f"The file system of {path} does not answer within {seconds:g} seconds.",
        tried=f"timeout 10 stat {path}",
        next_step="If it is on a network file system, check its server, or unmount it: sudo umount --force --lazy "
        "MOUNT_POINT",
    )


@contextmanager
def stalled_killed(
    seconds: float = STALL_SECONDS, written: Callable[[int], None] = lambda _bytes: None
) -> Iterator[Callable[[subprocess.Popen[Any]], None]]:
    """A function that has a process killed if it neither reads nor writes anything for so long; its exit code tells.

    written: called about each second with the bytes that it has written since.

    The process must have ended by the end of the block: then no thread is left, beside which nothing may fork.
    """
    ended = threading.Event()
    threads: list[threading.Thread] = []

    def watch(process: subprocess.Popen[Any]) -> None:
        threads.append(threading.Thread(target=_watch, args=(process, seconds, ended, written), daemon=True))
        threads[-1].start()

    try:
        yield watch
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _watch(
    process: subprocess.Popen[Any], seconds: float, ended: threading.Event, written: Callable[[int], None]
) -> None:
    before, since = _progress(process.pid), time.monotonic()
    while process.poll() is None and not ended.wait(min(1.0, seconds / 4)):
        now = _progress(process.pid)
        if not now or now != before:
            written(max(_written(now) - _written(before), 0))
            before, since = now, time.monotonic()
        elif time.monotonic() - since > seconds:
            process.kill()
            return


def _progress(pid: int) -> str:
    """How much a process has read and written so far, '' if that cannot be known."""
    try:
        with open(f"/proc/{pid}/io", encoding="ascii") as file:
            return file.read()
    except OSError:
        return ""


def _written(progress: str) -> int:
    """The bytes that a process has written, as its file says."""
    return next((int(line.split()[1]) for line in progress.splitlines() if line.startswith("wchar:")), 0)
