# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look at a directory of the host: whether this user may read all of it, its size, and what this host lacks."""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.places import MISSING, OTHER, Look

from .node_directory import THERE

# Paths that cannot be read, per directory: to name some, and end early.
NAMED = 20


def lacking(*, archives: bool) -> tuple[str, ...]:
    """What this host lacks to read data with, and to archive it; Linux has the first."""
    attributes = () if hasattr(os, "listxattr") else ("extended attributes",)
    return (*attributes, *(["tar"] if archives and shutil.which("tar") is None else []))


def is_missing(path: str) -> bool:
    """True if there is no such path; one that this user cannot look at may exist."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def may_read(directory: str) -> bool:
    """Whether this user, on this host, can read all that is in a directory; one that is missing has nothing."""
    if lacking(archives=False):
        return False
    # Root may read everything.
    return os.geteuid() == 0 or not look_at(directory, every=True).unreadable


def may_write(path: str) -> bool:
    """Whether this user may create and remove names in a directory, and enter it."""
    return _may(path, os.W_OK | os.X_OK)


def may_rename(path: str) -> bool:
    """Whether this user may give a path another name where it is: in a sticky directory only its owners may."""
    parent = os.stat(os.path.dirname(path))
    try:
        return not parent.st_mode & stat.S_ISVTX or os.geteuid() in (0, parent.st_uid, os.lstat(path).st_uid)
    except FileNotFoundError:
        return True


def may_change(path: str) -> bool:
    """Whether this user, on this host, may move and remove all of a directory: it and those in it are their own.

    A file, or a path that does not exist, needs only the directory above.
    """
    if lacking(archives=False):
        return False
    if os.geteuid() == 0:
        return True
    todo = [path] if os.path.isdir(path) and not os.path.islink(path) else []
    if not may_write(os.path.dirname(path)):
        return False
    while todo:
        try:
            with os.scandir(todo[-1]) as entries:
                if not may_write(todo[-1]) or os.stat(todo.pop()).st_uid != os.geteuid():
                    return False
                todo += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
        except OSError:
            return False
    return True


def _may(path: str, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def look_at(directory: str, *, every: bool) -> Look:
    """every: look at all files in it, not only at itself."""
    try:
        if not stat.S_ISDIR(os.lstat(directory).st_mode):
            return Look(OTHER)
    except (FileNotFoundError, NotADirectoryError):
        return Look(MISSING)
    except OSError:
        return Look(THERE, (directory,))
    if not _may(directory, os.R_OK | os.X_OK):
        return Look(THERE, (directory,))
    return _walked(directory) if every else Look(THERE)


def _walked(directory: str) -> Look:
    found = Look(THERE)
    linked: set[int] = set()
    device = os.lstat(directory).st_dev
    todo = [directory]
    while todo and len(found.unreadable) < NAMED:
        try:
            with os.scandir(todo.pop()) as entries:
                for entry in entries:
                    own = entry.stat(follow_symlinks=False)
                    found = _with_entry(found, entry.path, own, linked)
                    if stat.S_ISDIR(own.st_mode) and own.st_dev == device and entry.path not in found.unreadable:
                        todo.append(entry.path)
        except FileNotFoundError:
            # It was removed meanwhile.
            continue
        except OSError as error:
            found = replace(found, unreadable=(*found.unreadable, str(error.filename)))
    return found


def _with_entry(found: Look, path: str, own: os.stat_result, linked: set[int]) -> Look:
    """linked: inodes of hard links that were counted."""
    if stat.S_ISBLK(own.st_mode) or stat.S_ISCHR(own.st_mode):
        return replace(found, devices=True)
    mode = {stat.S_IFREG: os.R_OK, stat.S_IFDIR: os.R_OK | os.X_OK}.get(stat.S_IFMT(own.st_mode))
    if mode is not None and not _may(path, mode):
        return replace(found, unreadable=(*found.unreadable, path))
    if not stat.S_ISREG(own.st_mode) or own.st_ino in linked:
        return found
    if own.st_nlink > 1:
        linked.add(own.st_ino)
    return replace(found, bytes=found.bytes + min(own.st_size, own.st_blocks * 512))
