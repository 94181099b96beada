# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The mark that a cluster is being created or removed, so that what was interrupted is known as such afterwards."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, TimedOut

PAUSE = 0.5


# What the mark says of a cluster that is being removed; of one that is being created it has kind's configuration.
REMOVING = "removing\n"


class Mark:
    """A file next to the kubeconfig: written before a cluster is created or removed, gone when that is done.

    kind writes the kubeconfig as the last step of a creation, and takes it away as the first of a removal. So where
    the mark is there and the kubeconfig is not, the cluster was never usable, or was not to be used any more. While
    a run is at work, the mark is locked. The kind that it has started does not hold the lock: it would pass it on to
    programs that outlive it.
    """

    def __init__(self, kubeconfig: str) -> None:
        self.path = f"{kubeconfig}.unfinished"

    def marked(self) -> bool:
        """True where something was begun and not brought to its end."""
        return os.path.exists(self.path)

    def removing(self) -> bool:
        """True where that was a removal."""
        try:
            with open(self.path, encoding="utf-8") as file:
                return file.read() == REMOVING
        except FileNotFoundError:
            return False

    def wait(self, timeout: float, at_work: Callable[[], bool]) -> None:
        """Wait until no other run is at work, nor a kind that it has left behind (at_work). Raises TimedOut."""
        end = time.monotonic() + timeout
        while self.marked() and (self._locked() or at_work()):
            if time.monotonic() >= end:
                raise TimedOut(
                    f"Another run is still at work on the cluster after {timeout:g} seconds.",
                    tried="pgrep -ax kind",
                    next_step="Wait for its end, or end it, and run this again.",
                )
            time.sleep(PAUSE)

    @contextmanager
    def begun(self, text: str) -> Iterator[None]:
        """Mark and lock for as long as the block runs. The mark stays until clear()."""
        try:
            os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise BadInput(
                f"The kubeconfig's directory can't be written to: {error}",
                next_step="Name a file as kubeconfig that this user may write.",
            ) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            os.ftruncate(descriptor, 0)
            os.write(descriptor, text.encode())
            os.fsync(descriptor)
            yield
        finally:
            os.close(descriptor)

    def clear(self) -> None:
        """What was begun has come to its end."""
        if self.marked():
            os.unlink(self.path)

    def _locked(self) -> bool:
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
