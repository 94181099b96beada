# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a directory takes on its disk, and when anything in it was changed last."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

BLOCK = 512


class Usage(NamedTuple):
    """bytes: on disk, hard links once; changed: the last change of content or attributes, seconds since the epoch."""

    bytes: int
    changed: float


def usage(path: str) -> Usage:
    """Of a directory with all that is in it, without other file systems, or of a file. Raises OSError.

    The time is that of the inode: programs that extract or copy set the modification time back.
    """
    top = os.lstat(path)
    total, changed = top.st_blocks * BLOCK, top.st_ctime
    linked: set[int] = set()
    todo = [path] if stat.S_ISDIR(top.st_mode) else []
    while todo:
        with os.scandir(todo.pop()) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                if status.st_dev != top.st_dev or status.st_ino in linked:
                    continue
                if stat.S_ISDIR(status.st_mode):
                    todo.append(entry.path)
                elif status.st_nlink > 1:
                    linked.add(status.st_ino)
                total += status.st_blocks * BLOCK
                changed = max(changed, status.st_ctime)
    return Usage(total, changed)
