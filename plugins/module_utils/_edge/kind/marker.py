# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The marker file of one cluster: the lock of the run that works on it, and the mark of what it has not finished."""

from __future__ import annotations

import errno
import fcntl
import os
import pwd
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline, poll
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.host.mark import Mark, read_mark
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import REPORTER
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.text_file import NO_LOCKS, obstacle

PAUSE = 0.5
# What the files are named by: what a creation or deletion has not finished, and a lock of a whole recreation.
UNFINISHED, RECREATING = PURPOSES = ("unfinished", "recreating")


class Marker:
    """A file in the directory of the cluster's kubeconfig, named by the cluster: a kubeconfig may have several.

    A run locks it while it changes the cluster, and writes into it what it is about to do. kind writes the kubeconfig
    as the last step of a creation, and removes it as the first step of a deletion: with a mark and without a
    kubeconfig the cluster was never usable, or is not to be used any more. Programs do not inherit the lock: it would
    pass to those that outlive the run.
    """

    def __init__(self, kubeconfig: str, cluster: str, purpose: str = UNFINISHED) -> None:
        self.cluster = cluster
        self.path = os.path.join(os.path.dirname(kubeconfig), f"kind-{cluster}.{purpose}")
        self._descriptor = -1

    def exists(self) -> bool:
        """True if a creation or deletion did not finish, or is being done."""
        return os.path.exists(self.path)

    def read(self) -> Mark | None:
        """What a run has not finished. Raises BadInput if it cannot be read."""
        try:
            with open(self.path, "rb") as file:
                return read_mark(file.read().decode("utf-8", "replace"), self.cluster)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(error) from None

    def wait(self, deadline: Deadline, is_creating: Callable[[], bool]) -> None:
        """Wait until no other run, and no kind process that one left behind, is active. Raises TimedOut, BadInput."""
        with REPORTER.waiting(lambda: f"another run that works on {self.cluster}"):
            for _turn in poll(deadline, PAUSE):
                if not self.exists() or not (self.is_locked() or is_creating()):
                    return
        raise self._busy(deadline)

    def check(self) -> None:
        """Raise BadInput if the file could not be created, locked and written to; changes nothing."""
        if error := obstacle(self.path, lock=True):
            raise self._unusable(error)

    @contextmanager
    def locked(self, deadline: Deadline) -> Iterator[None]:
        """Lock the file until the block ends; an empty one is removed then. Raises TimedOut, BadInput."""
        for _turn in poll(deadline, PAUSE):
            self._descriptor = self._try_lock()
            if self._descriptor >= 0:
                break
        else:
            raise self._busy(deadline)
        try:
            yield
        finally:
            with suppress(OSError):
                own = os.fstat(self._descriptor)
                if not own.st_size and os.path.samestat(own, os.stat(self.path)):
                    os.unlink(self.path)
            os.close(self._descriptor)
            self._descriptor = -1

    def write(self, action: str, *, nodes: tuple[str, ...] = (), config: str = "") -> None:
        """Write the mark, while the file is locked. Raises BadInput."""
        since = f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
        mark = Mark(action, self.cluster, nodes, _user(), socket.gethostname(), os.getpid(), since, config)
        self._overwrite(mark.to_text().encode())

    def clear(self) -> None:
        """Remove the mark, while the file is locked: the creation or deletion is finished."""
        self._overwrite(b"")

    def _overwrite(self, content: bytes) -> None:
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, content, 0)
            os.fsync(self._descriptor)
        except OSError as error:
            raise self._unusable(error) from None

    def _try_lock(self) -> int:
        """The descriptor of the locked file, -1 if another run has the lock."""
        descriptor = -1
        try:
            os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The run that had the lock may have removed the file since it was opened.
            if os.path.samestat(os.fstat(descriptor), os.stat(self.path)):
                return descriptor
        except (BlockingIOError, FileNotFoundError):
            pass
        except OSError as error:
            _close(descriptor)
            raise self._unusable(error) from None
        _close(descriptor)
        return -1

    def is_locked(self) -> bool:
        """True if a run works on the cluster at this moment."""
        try:
            descriptor = os.open(self.path, os.O_RDWR)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._unusable(error) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError as error:
            raise self._unusable(error) from None
        finally:
            os.close(descriptor)
        return False

    def _busy(self, deadline: Deadline) -> TimedOut:
        mark = self.read()
        return TimedOut(
            f"Another run is still working on cluster {self.cluster} after {deadline.seconds:g} seconds: "
            f"{mark.who if mark else 'it has locked ' + self.path}.",
            tried=f"fuser -v {self.path}",
            next_step="Wait until it ends, or stop it, and run this again.",
        )

    def _unusable(self, error: OSError) -> BadInput:
        if error.errno in NO_LOCKS:
            return BadInput(
                f"The file system of {self.path} does not support locks (flock): {error.strerror}",
                tried=f"df -T {os.path.dirname(self.path)}",
                next_step="Set kubeconfig to a file on a local disk.",
            )
        owner = _owner(self.path)
        if error.errno in (errno.EACCES, errno.EPERM) and owner not in ("", _user()):
            return BadInput(
                f"The marker file of cluster {self.cluster} cannot be used: {error}. It belongs to {owner}, whose run "
                "on this cluster was interrupted or is still active.",
                tried=f"ls -l {self.path}",
                next_step=f"Run this as {owner}. If the cluster is complete, remove the file: sudo rm {self.path}",
            )
        return BadInput(
            f"The directory of the kubeconfig is not writable: {error}",
            tried=f"ls -ld {os.path.dirname(self.path)}",
            next_step="Set kubeconfig to a file in a directory that this user may write.",
        )


def _close(descriptor: int) -> None:
    if descriptor >= 0:
        os.close(descriptor)


def _owner(path: str) -> str:
    """The owner of a file, '' if it does not exist or cannot be looked at."""
    try:
        return _name(os.stat(path).st_uid)
    except OSError:
        return ""


def _user() -> str:
    return _name(os.geteuid())


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
