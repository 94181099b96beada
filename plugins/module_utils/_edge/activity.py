# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell what this process is doing at the moment, in files for those who watch it.

Whoever moves bytes or waits writes them, and no thread: nothing may fork beside one, and data is hashed by processes.
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
# Names the directory for the files of modules that run on the controller itself, where the callback plugin reads them.
VARIABLE = "KINDLAB_ACTIVITY"


class Reporter:
    """Of one process; does nothing unless it is shown."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._paths: list[Path] = []
        self._written = 0.0
        self._step = ""
        self._moved: dict[str, tuple[int, int]] = {}
        self._counted: dict[str, tuple[int, int]] = {}
        self._began: dict[str, float] = {}
        # What is waited for: a text that may change, and since when.
        self._waits: dict[object, tuple[Callable[[], str], float]] = {}

    @contextmanager
    def shown_in(self, path: Path) -> Iterator[None]:
        """Show what the block does in this file, which is removed at the end."""
        _remove(path)
        with self._lock:
            self._paths.append(path)
        try:
            yield
        finally:
            with self._lock:
                self._paths.remove(path)
                _remove(path)
                if not self._paths:
                    self._step = ""
                    self._moved.clear()
                    self._counted.clear()
                    self._began.clear()

    def moved(self, what: str, count: int, of: int = 0) -> None:
        """So many bytes more. what: 'images loaded'; of: how many bytes more will be moved."""
        self._add(self._moved, what, count, of)

    def done(self, what: str, count: int = 1, of: int = 0) -> None:
        """So many things more. what: 'volumes restored'; of: how many more there will be."""
        self._add(self._counted, what, count, of)

    def counted(self, what: str, read: Callable[[int], bytes]) -> Callable[[int], bytes]:
        """read(), whose bytes count as moved."""
        if not self._paths:
            return read

        def counting(number: int) -> bytes:
            found = read(number)
            self.moved(what, len(found))
            return found

        return counting

    def step(self, what: str) -> None:
        """Begin a step, 'compare the data of 5 volumes'."""
        if self._paths:
            self._begin(what)

    def next_step(self) -> None:
        """Forget what was done, except what is not complete."""
        self._begin("")

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

    def _begin(self, step: str) -> None:
        with self._lock:
            self._step = step
            for amounts in (self._moved, self._counted):
                for what in [what for what, (done, total) in amounts.items() if done >= total]:
                    del amounts[what]
                    self._began.pop(what, None)
            self._write()

    def _add(self, amounts: dict[str, tuple[int, int]], what: str, count: int, of: int) -> None:
        if not self._paths:
            return
        with self._lock:
            done, total = amounts.get(what, (0, 0))
            amounts[what] = (done + count, total + of)
            self._began.setdefault(what, self._clock())
            self._write(INTERVAL)

    def _changed(self) -> None:
        with self._lock:
            self._write(INTERVAL)

    def _write(self, interval: float = 0.0) -> None:
        """Write the files, unless they were written within this interval; the lock must be held."""
        now = self._clock()
        if not self._paths or now - self._written < interval:
            return
        self._written = now
        waits = {what(): since for what, since in self._waits.values()}
        text = Activity(self._moved, waits, now, self._counted, self._began, self._step).to_text()
        for path in self._paths:
            draft = path.with_suffix(".new")
            # Nothing depends on it.
            with suppress(OSError):
                descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
                with open(descriptor, "w", encoding="utf-8") as file:
                    file.write(text)
                os.replace(draft, path)


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


REPORTER = Reporter()


@contextmanager
def shown_to_callback(name: str) -> Iterator[None]:
    """Show the callback plugin what the block does, if one watches. name: of the module."""
    directory = os.environ.get(VARIABLE)
    if not directory:
        yield
        return
    with REPORTER.shown_in(Path(directory) / f"{name}-{os.getpid()}.json"):
        yield
