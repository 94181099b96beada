# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The journal file beside a backup: append-only, on disk before the next step, locked by one writer."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.activity import Activity, read_activity
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Conflict, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import checked_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.journal import (
    Entry,
    latest,
    read,
    to_text,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.set_aside import date_of
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import REPORTER
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.writer import sync
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.bounds import answer
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.kubeconfig import own_kubeconfig
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.marker import RECREATING, Marker
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.text_file import NO_LOCKS, obstacle

JOURNAL = "recreate.jsonl"
# What the run does at the moment, while it runs.
NOW = "recreate.now.json"


class Journal:
    """The journal in the directory of a backup.

    cluster, kubeconfig: whose recreations it is about, so that no other run changes that cluster meanwhile, whatever
    its backup is; cluster: '' to lock the journal only.
    """

    def __init__(
        self,
        directory: str,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
        *,
        cluster: str = "",
        kubeconfig: str | None = None,
    ) -> None:
        file = own_kubeconfig(cluster, kubeconfig)
        self._lock_of_cluster = Marker(file, checked_name(cluster), RECREATING) if cluster else None
        self.path = Path(directory) / JOURNAL
        self._now_path = Path(directory) / NOW
        self._now = now

    def entries(self) -> tuple[Entry, ...]:
        """The entries so far, () if there is no journal. Raises BadInput if it cannot be read."""
        try:
            text = self.path.read_bytes().decode("utf-8", "replace")
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise self._failure(error) from None
        return read(text, str(self.path))

    def date(self) -> str:
        """When the latest recreation began, for names of what it sets aside, also where a rerun completes it."""
        return date_of(latest(self.entries()).begun)

    def activity(self) -> Activity:
        """What the run does at the moment, as far as it tells."""
        try:
            return read_activity(self._now_path.read_text("utf-8"))
        except (OSError, ValueError):
            return Activity()

    def check(self) -> None:
        """Raise BadInput if the journal could not be locked and written to; changes nothing."""
        self._await()
        if error := obstacle(str(self.path), lock=True):
            raise self._failure(error)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the journal and the cluster. Raises Conflict or TimedOut if another run has a lock.

        A journal, and its directory, that were created here and not written to are removed again.
        """
        self._await()
        created = not os.path.exists(self.path.parent)
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._failure(error) from None
        try:
            self._lock(descriptor)
            try:
                cluster = self._lock_of_cluster
                with cluster.locked(Deadline(0)) if cluster else nullcontext(), REPORTER.shown_in(self._now_path):
                    yield
            finally:
                self._remove_empty(descriptor, created)
        finally:
            os.close(descriptor)

    def add(self, step: str, **facts: Any) -> None:
        """Write an entry and flush it to disk. Raises KindlabError if the disk is full."""
        at = self._now().astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        text = to_text(Entry(step, at, facts)).encode()
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
            try:
                size = os.fstat(descriptor).st_size
                if size and os.pread(descriptor, 1, size - 1) != b"\n":
                    text = b"\n" + text
                if os.write(descriptor, text) != len(text):
                    raise OSError("short write")
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            if not size:
                sync(self.path.parent)
        except OSError as error:
            raise KindlabError(
                f"The journal {self.path} cannot be written: {error}. The run stopped before its next step.",
                tried=f"df -h {self.path.parent}",
                next_step="Free some space and run this again: it resumes here.",
            ) from None
        REPORTER.next_step()

    def _await(self) -> None:
        """Raises TimedOut if the file system does not answer."""
        answer(partial(os.path.lexists, self.path), str(self.path))

    def _lock(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Another run may have removed the empty file since it was opened.
            if os.path.samestat(os.fstat(descriptor), os.stat(self.path)):
                return
        except (BlockingIOError, FileNotFoundError):
            pass
        except OSError as error:
            raise self._failure(error) from None
        raise Conflict(
            f"Another recreation holds the lock of {self.path}.",
            tried=f"fuser -v {self.path}",
            next_step="Wait until it ends. If it is interrupted, run this again: it resumes there.",
        )

    def _remove_empty(self, descriptor: int, created: bool) -> None:
        if os.fstat(descriptor).st_size:
            return
        with suppress(OSError):
            self.path.unlink()
            if created:
                self.path.parent.rmdir()

    def _failure(self, error: OSError) -> BadInput:
        locks = error.errno in NO_LOCKS
        return BadInput(
            f"The journal {self.path} cannot be used: "
            f"{'its file system does not support locks (flock): ' if locks else ''}{error.strerror}.",
            tried=f"df -T {self.path.parent}" if locks else f"ls -ld {self.path}",
            next_step="Set path to a directory " + ("on a local disk." if locks else "that this user may write to."),
        )
