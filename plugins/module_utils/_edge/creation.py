# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The mark that a cluster is being created, so that an interrupted creation is known as such afterwards."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, TimedOut

PAUSE = 0.5


class Creation:
    """A file next to the kubeconfig: written before a creation begins, removed when the cluster is usable.

    kind writes the kubeconfig as its last step. So where the mark is there and the kubeconfig is not, the cluster was
    never usable, and nobody can have put data into it. While a run is at work, the mark is locked. The kind that it
    has started does not hold the lock: it would pass it on to programs that outlive it.
    """

    def __init__(self, kubeconfig: str) -> None:
        self.path = f"{kubeconfig}.creating"

    def marked(self) -> bool:
        """True where a creation has begun and was not brought to its end."""
        return os.path.exists(self.path)

    def wait(self, timeout: float, at_work: Callable[[], bool]) -> None:
        """Wait until no other run is at work, nor a kind that it has left behind (at_work). Raises TimedOut."""
        end = time.monotonic() + timeout
        while self.marked() and (self._locked() or at_work()):
            if time.monotonic() >= end:
                raise TimedOut(
                    f"Another run is still creating the cluster after {timeout:g} seconds.",
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
        """The creation has come to its end."""
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
