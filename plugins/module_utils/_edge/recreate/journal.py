# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The journal's file beside a backup: only ever added to, on disk before the next step, and one writer at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Conflict, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.journal import Line, read, to_text
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.writer import sync

JOURNAL = "recreate.jsonl"


class Journal:
    """The journal in a backup's directory."""

    def __init__(self, directory: str, now: Callable[[], datetime] = lambda: datetime.now(timezone.utc)) -> None:
        self.path = Path(directory) / JOURNAL
        self._now = now

    def lines(self) -> tuple[Line, ...]:
        """What was written so far, () where there is no journal. Raises BadInput where it can't be read."""
        try:
            text = self.path.read_bytes().decode("utf-8", "replace")
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise self._failure(error) from None
        return read(text, str(self.path))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the only one who recreates by this journal. Raises Conflict where another run does.

        What was made for it and not written to is removed again.
        """
        made = not self.path.parent.exists()
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._failure(error) from None
        try:
            self._lock(descriptor)
            try:
                yield
            finally:
                self._remove_empty(descriptor, made)
        finally:
            os.close(descriptor)

    def add(self, step: str, **facts: Any) -> None:
        """Write a step and have it on disk. Raises KindlabError where the disk takes no more."""
        text = to_text(Line(step, f"{self._now():%Y-%m-%dT%H:%M:%SZ}", facts)).encode()
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
            try:
                size = os.fstat(descriptor).st_size
                if size and os.pread(descriptor, 1, size - 1) != b"\n":
                    text = b"\n" + text
                if os.write(descriptor, text) != len(text):
                    raise OSError("it was written in part")
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            if not size:
                sync(self.path.parent)
        except OSError as error:
            raise KindlabError(
                f"The journal {self.path} can't be written to: {error}. Nothing further was done.",
                tried=f"df -h {self.path.parent}",
                next_step="Free some space, and run this again: it goes on from here.",
            ) from None

    def _lock(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Another run may have removed it, as it was empty, between its opening and now.
            if os.path.samestat(os.fstat(descriptor), os.stat(self.path)):
                return
        except (BlockingIOError, FileNotFoundError):
            pass
        raise Conflict(
            f"Another run recreates a cluster by {self.path}.",
            tried=f"fuser -v {self.path}",
            next_step="Wait for its end. Where it was interrupted, run this again: it goes on from there.",
        )

    def _remove_empty(self, descriptor: int, made: bool) -> None:
        if os.fstat(descriptor).st_size:
            return
        with suppress(OSError):
            self.path.unlink()
            if made:
                self.path.parent.rmdir()

    def _failure(self, error: OSError) -> BadInput:
        return BadInput(
            f"The journal {self.path} can't be used: {error.strerror}.",
            tried=f"ls -ld {self.path}",
            next_step="Name a directory of this user as path, or run as root (become: true).",
        )
