# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A directory that runs write to: its lock, which one has it, the room on its disk, and what killed ones left in it."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.names import extraction_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.set_aside import moving

from .text_file import nearest

LOCK = ".lock"


@contextmanager
def only_writer(directory: Path, writes: str, failure: Callable[[OSError], KindlabError]) -> Iterator[None]:
    """Create the directory if it is missing, and be the only run that writes to it.

    writes: what another run does, for the Conflict if it does. failure: the error if this user cannot.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise failure(error) from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                f"Another run is {writes}.",
                tried=f"fuser -v {directory / LOCK}",
                next_step="Wait until it has finished, then run this again.",
            ) from None
        except OSError as error:
            raise failure(error) from None
        yield
    finally:
        os.close(lock)


@contextmanager
def held(directory: str) -> Iterator[None]:
    """Keep other runs from writing to a directory meanwhile, and from holding it, without writing to it.

    Raises Conflict if one does. Where locks are not possible, there is none: a backup may be on a read-only disk.
    """
    path = os.path.join(directory, LOCK)
    with ExitStack() as stack:
        try:
            lock = os.open(path if os.path.exists(path) else directory, os.O_RDONLY | os.O_CLOEXEC)
            stack.callback(os.close, lock)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                f"Another run is using {directory}: a backup, or a restore.",
                tried=f"fuser -v {path}",
                next_step="Wait until it has finished, then run this again.",
            ) from None
        except OSError:
            pass
        yield


@contextmanager
def all_held(directories: Iterable[str]) -> Iterator[None]:
    """Hold several directories (see held), in one order for all runs."""
    with ExitStack() as stack:
        for directory in sorted(set(map(os.path.realpath, directories))):
            stack.enter_context(held(directory))
        yield


def free_bytes(path: str | Path) -> int:
    """What this user may still write to the disk of a directory, which need not exist."""
    return shutil.disk_usage(nearest(str(path))).free


def is_locked(directory: Path) -> bool:
    """True if another run writes to the directory at this moment. Changes nothing."""
    try:
        lock = os.open(directory / LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(lock)
    return False


def is_half_restored(directory: str) -> bool:
    """True if a restore that was interrupted left a part of a volume's data in its directory, and a part elsewhere."""
    try:
        names = os.listdir(directory)
    except OSError:
        return False
    try:
        if os.listdir(moving(directory)):
            return True
    except FileNotFoundError:
        pass
    except OSError:
        # That of another user, who alone may read it.
        return True
    own = os.path.basename(os.path.normpath(directory))[:100]
    return any((extraction_of(name) or ("", False))[0] == own for name in names)
