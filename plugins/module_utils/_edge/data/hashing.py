# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hashes one file, and says why one can't be read."""

from __future__ import annotations

import errno
import hashlib
import os
from typing import NamedTuple

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Conflict, KindlabError

# Reading and hashing release Python's lock on big buffers only: small files are faster in one thread than in many.
SMALL = 256 << 10
BUFFER = 1 << 20

DETACH = "Bring the pods that use it to zero: only data that nobody writes has checksums that hold."


class Seen(NamedTuple):
    """A file as it was when it was found: what tells afterwards whether it is still the same."""

    path: bytes
    size: int
    inode: int
    mtime_ns: int


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))


def hash_file(path: bytes, size: int, inode: int, mtime_ns: int) -> str:
    """sha256 of a file (of the fields of Seen). Raises Conflict where it is not what was seen, before or after."""
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
            now = os.fstat(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise failure(path, error) from None
    if (now.st_size, now.st_ino, now.st_mtime_ns) != (size, inode, mtime_ns):
        raise Conflict(f"{shown(path)} was written to while it was read.", next_step=DETACH)
    return sha256.hexdigest()


def failure(path: bytes, error: OSError, directory: str = "") -> KindlabError:
    """The error for an entry, or for the volume's directory itself: that must have been there from the start."""
    where = shown(error.filename or path)
    if error.errno in (errno.EACCES, errno.EPERM):
        return BadInput(f"{where} can't be read by this user.", tried=f"ls -ld {where}", next_step=rights())
    if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO, errno.ENOTDIR) and where != directory:
        return Conflict(f"{where} vanished or was replaced while it was read.", next_step=DETACH)
    return BadInput(f"{where} can't be read: {error.strerror}.", tried=f"ls -ld {where}", next_step=rights())


def shown(path: bytes | str) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def rights() -> str:
    return "See that it is there and readable" + ("." if os.geteuid() == 0 else ": run as root (become: true).")
