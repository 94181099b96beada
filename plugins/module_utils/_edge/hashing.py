# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hashes files: large ones by threads, many small ones by processes, so that all cores are used."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Conflict, KindlabError

# Reading and hashing release Python's lock on big buffers only: small files are faster in one thread than in many.
SMALL = 256 << 10
BUFFER = 1 << 20
# Small files that are worth another process.
SHARE = 2000

_DETACH = "Bring the pods that use it to zero: only data that nobody writes has checksums that hold."
_DIGEST = 32


class Found(NamedTuple):
    """An entry as the walk saw it. relative: '.' for the directory itself."""

    relative: str
    path: bytes
    status: os.stat_result


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))


def hash_file(item: Found) -> str:
    """sha256 of a file. Raises Conflict where it is not what the walk saw, before or after."""
    seen = item.status
    try:
        descriptor = os.open(item.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if seen.st_size <= SMALL:
                sha256 = hashlib.sha256(os.read(descriptor, seen.st_size + 1))
            else:
                sha256 = hashlib.sha256()
                view = memoryview(bytearray(BUFFER))
                while count := os.readv(descriptor, [view]):
                    sha256.update(view[:count])
            now = os.fstat(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise failure(item.path, error) from None
    if (now.st_ino, now.st_size, now.st_mtime_ns) != (seen.st_ino, seen.st_size, seen.st_mtime_ns):
        raise Conflict(f"{shown(item.path)} was written to while it was read.", next_step=_DETACH)
    return sha256.hexdigest()


def hash_small(items: Sequence[Found]) -> dict[bytes, str]:
    """path -> sha256 of small files, as many as it takes; what is missing in it is for the caller to hash.

    Other processes take a share each. They are helpers only: one that meets an error ends, and its files are missing.
    """
    helpers = min(cores(), len(items) // SHARE) - 1
    # A fork takes along one thread only, and locks that the others hold.
    if helpers < 1 or threading.active_count() > 1:
        return {}
    size = -(-len(items) // (helpers + 1))
    shares = [items[start : start + size] for start in range(0, len(items), size)]
    started = [(share, *_helper(share)) for share in shares[1:]]
    try:
        hashes = {item.path: hash_file(item) for item in shares[0]}
    finally:
        digests = [(share, _received(pipe, process)) for share, pipe, process in started]
    for share, received in digests:
        for item, start in zip(share, range(0, len(received) - _DIGEST + 1, _DIGEST), strict=False):
            hashes[item.path] = received[start : start + _DIGEST].hex()
    return hashes


def _helper(share: Sequence[Found]) -> tuple[int, int]:
    """A process that hashes a share and writes the digests one after the other: (its pipe, its id)."""
    reading, writing = os.pipe()
    process = os.fork()
    if process:
        os.close(writing)
        return reading, process
    with suppress(BaseException):
        os.close(reading)
        with open(writing, "wb") as pipe:
            for item in share:
                pipe.write(bytes.fromhex(hash_file(item)))
    os._exit(0)


def _received(pipe: int, process: int) -> bytes:
    with open(pipe, "rb") as file:
        received = file.read()
    os.waitpid(process, 0)
    return received


def failure(path: bytes, error: OSError, directory: str = "") -> KindlabError:
    """The error for an entry, or for the volume's directory itself: that must have been there from the start."""
    where = shown(error.filename or path)
    if error.errno in (errno.EACCES, errno.EPERM):
        return BadInput(f"{where} can't be read by this user.", tried=f"ls -ld {where}", next_step=rights())
    if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO, errno.ENOTDIR) and where != directory:
        return Conflict(f"{where} vanished or was replaced while it was read.", next_step=_DETACH)
    return BadInput(f"{where} can't be read: {error.strerror}.", tried=f"ls -ld {where}", next_step=rights())


def shown(path: bytes | str) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def rights() -> str:
    return "See that it is there and readable" + ("." if os.geteuid() == 0 else ": run as root (become: true).")
