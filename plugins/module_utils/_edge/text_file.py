# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read a text file, write it atomically, and find out beforehand whether a file can be written or locked."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import tempfile
from contextlib import suppress

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput

# Of flock on a file system without locks.
NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS)


def read(path: str) -> str:
    """The file's text, '' if it does not exist. Raises BadInput if it cannot be read."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{path} cannot be read: {error}",
            next_step=f"Make it readable for this user, or use another path: ls -l {path}",
        ) from None


def replace(path: str, text: str) -> None:
    """Write an existing file by one rename; its mode, and if possible its owner, stay. Raises BadInput."""
    try:
        target = os.path.realpath(path)
        before = os.stat(target)
        _write(target, text, stat.S_IMODE(before.st_mode), (before.st_uid, before.st_gid))
    except OSError as error:
        raise _not_writable(path, error) from None


def write(path: str, text: str) -> None:
    """Write the file by one rename, with mode 0644; missing parent directories are created. Raises BadInput."""
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        _write(path, text, 0o644)
    except OSError as error:
        raise _not_writable(path, error) from None


def nearest(path: str) -> str:
    """The path, or the nearest of its parents that exists."""
    while not os.path.lexists(path) and os.path.dirname(path) != path:
        path = os.path.dirname(path)
    return path


def obstacle(path: str, *, lock: bool = False) -> OSError | None:
    """Why this user cannot write a file at this path, or create and lock it; None if that is possible. Changes nothing.

    That the file system has locks is tried with the directory: a lock of the file would be in the way of another run.
    """
    place = nearest(path)
    if place == path:
        if lock and not stat.S_ISREG(os.lstat(path).st_mode):
            return OSError(errno.EEXIST, "it exists and is not a file", path)
        if os.path.isdir(path):
            return IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if lock and not os.access(path, os.R_OK | os.W_OK):
            return PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        place = os.path.dirname(path)
    if not os.path.isdir(place):
        return NotADirectoryError(errno.ENOTDIR, f"{place} is not a directory", place)
    # An existing file can be locked, but not replaced, in a directory that cannot be written to.
    if not os.access(place, os.W_OK | os.X_OK) and not (lock and os.path.lexists(path)):
        return PermissionError(errno.EACCES, os.strerror(errno.EACCES), place)
    return _lock_obstacle(place) if lock else None


def _lock_obstacle(directory: str) -> OSError | None:
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error if error.errno in NO_LOCKS else None
    finally:
        os.close(descriptor)
    return None


def check(path: str) -> None:
    """Raise BadInput if write() would, as far as that is known; changes nothing."""
    if error := obstacle(path):
        raise _not_writable(path, error)


def _write(path: str, text: str, mode: int, owner: tuple[int, int] | None = None) -> None:
    handle, draft = tempfile.mkstemp(dir=os.path.dirname(path), prefix=f".{os.path.basename(path)}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            if owner:
                with suppress(OSError):
                    os.fchown(file.fileno(), *owner)
            os.fchmod(file.fileno(), mode)
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise


def _not_writable(path: str, error: OSError) -> BadInput:
    return BadInput(f"{path} cannot be written: {error}", next_step="Use a path that this user can write to.")
