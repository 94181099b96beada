# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell what this process is doing at the moment, in a file for those who watch it.

Whoever moves bytes or waits writes it, and no thread: nothing may fork beside one, and data is hashed by processes.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.activity import Activity

# What people see of the bytes of volumes that are read.
DATA = "data read"
# Seconds between two writes while bytes are moved.
INTERVAL = 0.5


class Reporter:
    """Of one process; does nothing unless it is shown."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._path: Path | None = None
        self._written = 0.0
        self._moved: dict[str, tuple[int, int]] = {}
        # What is waited for: a text that may change, and since when.
        self._waits: dict[object, tuple[Callable[[], str], float]] = {}

    @contextmanager
    def shown_in(self, path: Path) -> Iterator[None]:
        """Show what the block does in this file, which is removed at the end."""
        _remove(path)
        self._path = path
        try:
            yield
        finally:
            with self._lock:
                self._path = None
                self._moved.clear()
                _remove(path)

    def moved(self, what: str, count: int, of: int = 0) -> None:
        """So many bytes more. what: 'images loaded'; of: how many bytes more will be moved."""
        if self._path is None:
            return
        with self._lock:
            done, total = self._moved.get(what, (0, 0))
            self._moved[what] = (done + count, total + of)
            self._write(INTERVAL)

    def counted(self, what: str, read: Callable[[int], bytes]) -> Callable[[int], bytes]:
        """read(), whose bytes count as moved."""
        if self._path is None:
            return read

        def counting(number: int) -> bytes:
            found = read(number)
            self.moved(what, len(found))
            return found

        return counting

    def next_step(self) -> None:
        """Forget what was moved, except what is not complete."""
        with self._lock:
            self._moved = {what: (done, total) for what, (done, total) in self._moved.items() if done < total}
            self._write()

    @contextmanager
    def waiting(self, what: Callable[[], str]) -> Iterator[Callable[[], None]]:
        """Tell what the block waits for, '2 Pods: shop/a, shop/b'; call what it yields when that has changed."""
        key = object()
        with self._lock:
            self._waits[key] = what, self._clock()
            self._write()
        try:
            yield self._changed
        finally:
            with self._lock:
                del self._waits[key]
                self._write()

    def _changed(self) -> None:
        with self._lock:
            self._write(INTERVAL)

    def _write(self, interval: float = 0.0) -> None:
        """Write the file, unless it was written within this interval; the lock must be held."""
        now, path = self._clock(), self._path
        if path is None or now - self._written < interval:
            return
        self._written = now
        waits = {what(): since for what, since in self._waits.values()}
        draft = path.with_suffix(".new")
        # Nothing depends on it.
        with suppress(OSError):
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(Activity(self._moved, waits, now).to_text())
            os.replace(draft, path)


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


REPORTER = Reporter()
