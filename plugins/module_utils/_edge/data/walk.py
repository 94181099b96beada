# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Walk a directory: the metadata of its entries, in the order of a checksum list."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksums import attributes_digest
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.bounds import answer

from .read_errors import read_error


class Found(NamedTuple):
    """An entry as the walk found it. relative: '.' for the directory itself; xattrs: as in checksums.Entry."""

    relative: str
    path: bytes
    status: os.stat_result
    xattrs: str


def walk(directory: str) -> Iterator[Found]:
    """The directory's entries, sorted by path; needs memory for the names of one directory and those above it.

    Omitted: the content of file systems mounted in it, and sockets (they belong to a process; no archive keeps them).
    Raises BadInput if it is missing or unreadable, Conflict if an entry vanishes meanwhile, and TimedOut if its file
    system does not answer.
    """
    top = os.fsencode(directory)
    try:
        status = answer(lambda: os.lstat(top), directory)
        if not stat.S_ISDIR(status.st_mode):
            raise BadInput(f"The volume directory {directory} is not a directory.", tried=f"ls -ld {directory}")
        # The names that are still to come, last first; 'name/' stands for what is in a directory, as it sorts there.
        todo = [("", _names(top))]
        _insert(todo[0][1], ".")
        while todo:
            prefix, names = todo[-1]
            if not names:
                todo.pop()
                continue
            relative = prefix + names.pop()
            path = top + b"/" + path_of(relative) if relative != "." else top
            if relative.endswith("/"):
                todo.append((relative, _names(path)))
                continue
            own = os.lstat(path)
            if stat.S_ISSOCK(own.st_mode):
                continue
            yield Found(relative, path, own, _xattrs(path))
            if stat.S_ISDIR(own.st_mode) and own.st_dev == status.st_dev and path != top:
                _insert(names, f"{relative[len(prefix) :]}/")
    except OSError as error:
        raise read_error(top, error, directory) from None


def path_of(relative: str) -> bytes:
    """The path of an entry, as the system knows it."""
    return relative.encode("utf-8", "surrogateescape")


def _names(path: bytes) -> list[str]:
    return sorted((name.decode("utf-8", "surrogateescape") for name in os.listdir(path)), reverse=True)


def _insert(names: list[str], new: str) -> None:
    """Into names in descending order, near the end."""
    place = len(names)
    while place and names[place - 1] < new:
        place -= 1
    names.insert(place, new)


def _xattrs(path: bytes) -> str:
    """As in Entry; one that vanishes meanwhile, or must not be read, is omitted."""
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError:
        return ""
    values = {}
    for name in names:
        with suppress(OSError):
            values[name] = os.getxattr(path, name, follow_symlinks=False)
    return attributes_digest(values) if values else ""
