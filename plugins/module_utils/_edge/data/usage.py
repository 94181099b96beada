# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a directory takes on its disk, and when anything in it was changed last."""

from __future__ import annotations

import os
import stat
import time
from typing import NamedTuple

BLOCK = 512


class Usage(NamedTuple):
    """bytes: on disk, hard links once; changed: the last change of content or attributes, seconds since the epoch."""

    bytes: int
    changed: float


def usage(path: str) -> Usage:
    """Of a directory with all that is in it, without other file systems, or of a file. Raises OSError.

    The time is that of the inode: programs that extract or copy set the modification time back. It is now if something
    in it vanishes meanwhile.
    """
    top = os.lstat(path)
    total, changed = top.st_blocks * BLOCK, top.st_ctime
    linked: set[int] = set()
    todo = [path] if stat.S_ISDIR(top.st_mode) else []
    while todo:
        found = _entries(todo.pop())
        if None in found:
            # Raises FileNotFoundError if all of it is gone.
            os.lstat(path)
            changed = time.time()
        for place, status in filter(None, found):
            if status.st_dev != top.st_dev or status.st_ino in linked:
                continue
            if stat.S_ISDIR(status.st_mode):
                todo.append(place)
            elif status.st_nlink > 1:
                linked.add(status.st_ino)
            total += status.st_blocks * BLOCK
            changed = max(changed, status.st_ctime)
    return Usage(total, changed)


def _entries(directory: str) -> list[tuple[str, os.stat_result] | None]:
    """The paths in a directory, with None for each that vanishes meanwhile, and for the directory itself."""
    found: list[tuple[str, os.stat_result] | None] = []
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                try:
                    found.append((entry.path, entry.stat(follow_symlinks=False)))
                except FileNotFoundError:
                    found.append(None)
    except FileNotFoundError:
        found.append(None)
    return found
