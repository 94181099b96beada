# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hash one file, and fail if it changes meanwhile."""

from __future__ import annotations

import hashlib
import os
from typing import NamedTuple

from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import printable

from .read_errors import changed_while_read, read_error

# Reading and hashing release Python's lock on big buffers only: small files are faster in one thread than in many.
SMALL = 256 << 10
BUFFER = 1 << 20


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
            now = os.fstat(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise read_error(path, error) from None
    if (now.st_size, now.st_ino, now.st_mtime_ns) != (size, inode, mtime_ns):
        raise changed_while_read(printable(path))
    return sha256.hexdigest()
