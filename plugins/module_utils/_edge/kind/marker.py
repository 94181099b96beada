# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The marker file of an unfinished creation or removal, by which the next run recognises an interrupted one."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline, poll
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.text_file import read

PAUSE = 0.5
# Content of the marker of a removal; that of a creation is kind's configuration.
REMOVING = "removing\n"


class Marker:
    """A file next to the kubeconfig: written before a cluster is created or removed, deleted when that is done.

    kind writes the kubeconfig as the last step of a creation, and removes it as the first step of a deletion. So if
    the marker exists and the kubeconfig does not, the cluster was never usable, or is not to be used any more. A
    running process holds a lock on the marker. The kind process that it starts does not inherit the lock: it would
    pass it on to programs that outlive it.
    """

    def __init__(self, kubeconfig: str) -> None:
        self.path = f"{kubeconfig}.unfinished"

    def exists(self) -> bool:
        """True if a creation or removal did not finish."""
        return os.path.exists(self.path)

    def is_removal(self) -> bool:
        """True if it was a removal. Raises BadInput if the marker cannot be read."""
        return read(self.path) == REMOVING

    def wait(self, cluster: str, timeout: float, is_creating: Callable[[], bool]) -> None:
        """Wait until no other run, and no kind process that one left behind, is active. Raises TimedOut."""
        for _turn in poll(Deadline(timeout), PAUSE):
            if not (self.exists() and (self._is_locked() or is_creating())):
                return
        raise TimedOut(
            f"Another run is still working on cluster {cluster} after {timeout:g} seconds.",
            tried="pgrep -ax kind",
            next_step="Wait for it to end, or stop it, and run this again.",
        )

    @contextmanager
    def hold(self, text: str) -> Iterator[None]:
        """Write and lock the marker until the block ends. It stays until remove()."""
        try:
            os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise BadInput(
                f"The directory of the kubeconfig is not writable: {error}",
                next_step="Set kubeconfig to a file that this user may write.",
            ) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            os.ftruncate(descriptor, 0)
            os.write(descriptor, text.encode())
            os.fsync(descriptor)
            yield
        finally:
            os.close(descriptor)

    def remove(self) -> None:
        """Remove the marker: the creation or removal is finished."""
        if self.exists():
            os.unlink(self.path)

    def _is_locked(self) -> bool:
        try:
            descriptor = os.open(self.path, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False
