# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hashes many small files by several processes, while more of them are still being found."""

from __future__ import annotations

import marshal
import os
import tempfile
import threading
from contextlib import suppress
from typing import IO

from .hashing import Seen, cores, hash_file

# So many files are worth other processes.
MANY = 1000
# Files that a helper is handed at a time, and how many of these may wait for it: together less than a pipe holds.
BATCH = 128
AHEAD = 2
_DIGEST = 32


class SmallFiles:
    """The sha256 of small files: others take batches of them, this process what is left at the end.

    Helpers are processes, as Python's lock lets threads hash only one small file at a time. One that meets an error
    ends, and its files are hashed once more here, where the error is raised.
    """

    def __init__(self) -> None:
        self._waiting: list[Seen] = []
        self._found = 0
        self._helpers: list[_Helper] = []

    def add(self, item: Seen) -> None:
        """One more file; a helper that has time begins with it."""
        self._waiting.append(item)
        self._found += 1
        if self._found == MANY and threading.active_count() == 1:
            # A fork takes along one thread only, and locks that the others hold.
            self._helpers = [_Helper() for _number in range(cores() - 1)]
        if self._found % BATCH == 0 and self._helpers:
            self._hand_out()

    def hashes(self) -> dict[bytes, str]:
        """path -> sha256 of all files. Raises what hash_file raises."""
        found: dict[bytes, str] = {}
        try:
            while self._waiting:
                self._hand_out()
                own, self._waiting = self._waiting[-BATCH // 4 :], self._waiting[: -BATCH // 4]
                found.update((item.path, hash_file(*item)) for item in own)
        finally:
            # All of them first: each has also inherited the way to those that were started before it.
            for helper in self._helpers:
                helper.close()
            for helper in self._helpers:
                found |= helper.digests()
        for helper in self._helpers:
            found.update((item.path, hash_file(*item)) for item in helper.given if item.path not in found)
        return found

    def _hand_out(self) -> None:
        for helper in self._helpers:
            while self._waiting and helper.has_time():
                helper.give(self._waiting[:BATCH])
                del self._waiting[:BATCH]


class _Helper:
    """A process that hashes what it is given and writes the digests, one after the other, to a file without a name."""

    def __init__(self) -> None:
        self.given: list[Seen] = []
        self._digests = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
        reading, writing = os.pipe()
        self._process = os.fork()
        if self._process == 0:
            with suppress(BaseException):
                os.close(writing)
                _work(reading, self._digests)
            os._exit(0)
        os.close(reading)
        self._batches = open(writing, "wb", buffering=0)  # noqa: SIM115

    def has_time(self) -> bool:
        """True where it would soon have nothing to do."""
        done = os.fstat(self._digests.fileno()).st_size // _DIGEST
        return len(self.given) - done <= (AHEAD - 1) * BATCH

    def give(self, batch: list[Seen]) -> None:
        """Hand it a batch; one that has ended takes none, which is found out at the end."""
        self.given += batch
        with suppress(BrokenPipeError):
            self._batches.write(marshal.dumps([tuple(item) for item in batch]))

    def close(self) -> None:
        """There is no more for it."""
        self._batches.close()

    def digests(self) -> dict[bytes, str]:
        """path -> sha256 of what it has hashed, once it has come to its end."""
        os.waitpid(self._process, 0)
        self._digests.seek(0)
        digests = self._digests.read()
        self._digests.close()
        starts = range(0, len(digests) - _DIGEST + 1, _DIGEST)
        pairs = zip(self.given, starts, strict=False)
        return {item.path: digests[start : start + _DIGEST].hex() for item, start in pairs}


def _work(reading: int, digests: IO[bytes]) -> None:
    with open(reading, "rb") as batches:
        while True:
            try:
                batch = marshal.load(batches)  # noqa: S302 (what its own parent wrote)
            except EOFError:
                return
            digests.write(b"".join(bytes.fromhex(hash_file(*item)) for item in batch))
