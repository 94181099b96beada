# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hash files, on all processors, and tell which ones change meanwhile."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing.connection import Connection
from typing import NamedTuple

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import printable
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import DATA, REPORTER

from .read_errors import changed_while_read, read_error

# Reading and hashing release Python's lock on big buffers only: small files are faster in one thread than in many.
SMALL = 256 << 10
BUFFER = 1 << 20
# From this number of small files on, further processes pay off.
MANY = 1000


class Seen(NamedTuple):
    """A file as the scan found it; compared again after it was read."""

    path: bytes
    size: int
    inode: int
    mtime_ns: int


def hash_file(path: bytes, size: int, inode: int, mtime_ns: int) -> str:
    """sha256 of a file (of the fields of Seen). Raises Conflict if it is not the same before and after."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if size <= SMALL:
                sha256 = hashlib.sha256(os.read(descriptor, size + 1))
            else:
                sha256 = hashlib.sha256()
                view = memoryview(bytearray(BUFFER))
                while count := os.readv(descriptor, [view]):
                    sha256.update(view[:count])
                    REPORTER.moved(DATA, count)
                REPORTER.done("files read")
            now = os.fstat(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise read_error(path, error) from None
    if (now.st_size, now.st_ino, now.st_mtime_ns) != (size, inode, mtime_ns):
        raise changed_while_read(printable(path))
    return sha256.hexdigest()


def cpu_count() -> int:
    """The number of processors that this process may use."""
    return len(os.sched_getaffinity(0))


def hash_files(files: Sequence[Seen]) -> dict[bytes, str | Conflict]:
    """path -> sha256 of every file, or the Conflict if it changed meanwhile. Raises BadInput as hash_file does."""
    REPORTER.moved(DATA, 0, of=sum(file.size for file in files))
    # The processes first: a fork must not happen beside threads.
    small = [file for file in files if file.size <= SMALL]
    hashes = _hash_small(small)
    REPORTER.moved(DATA, sum(file.size for file in small))
    REPORTER.done("files read", len(small))
    large = [file for file in files if file.size > SMALL]
    with ThreadPoolExecutor(cpu_count()) as pool:
        hashes |= zip((file.path for file in large), pool.map(_hash_one, large))
    return hashes


def _hash_small(files: Sequence[Seen]) -> dict[bytes, str | Conflict]:
    """In processes, as Python's lock lets threads hash only one small file at a time.

    Not in a pool: its workers would outlive a killed parent, and keep the lock of the backup that they inherit.
    What is missing because a process ended early is hashed here, where an error is raised.
    """
    # A fork copies only one thread, but the locks of all.
    workers = cpu_count() if len(files) >= MANY and threading.active_count() == 1 else 1
    own, *others = (files[number::workers] for number in range(workers))
    with ExitStack() as stack:
        results = [stack.enter_context(_helper(share)) for share in others]
        hashes = _hash_all(own)
        for result in results:
            with suppress(EOFError, OSError):
                hashes |= result.recv()
    return hashes | _hash_all(file for file in files if file.path not in hashes)


def _hash_all(files: Iterable[Seen]) -> dict[bytes, str | Conflict]:
    return {file.path: _hash_one(file) for file in files}


def _hash_one(file: Seen) -> str | Conflict:
    try:
        return hash_file(*file)
    except Conflict as error:
        return error


@contextmanager
def _helper(files: Sequence[Seen]) -> Iterator[Connection]:
    """A process that hashes files and sends the results, as far as it came."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(files, os.getpid(), receiver, sender))
    process.start()
    # Only the helper may hold this end: its death ends the stream.
    sender.close()
    try:
        yield receiver
    finally:
        process.kill()
        process.join()
        receiver.close()


def _work(files: Sequence[Seen], parent: int, receiver: Connection, sender: Connection) -> None:
    """Ends with the parent, whose locks it has inherited."""
    receiver.close()
    hashes: dict[bytes, str | Conflict] = {}
    with suppress(Exception, KeyboardInterrupt):
        try:
            for file in files:
                if os.getppid() != parent:
                    return
                hashes[file.path] = _hash_one(file)
        finally:
            sender.send(hashes)
