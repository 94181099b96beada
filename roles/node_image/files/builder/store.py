"""Results of steps by key: written to a temporary directory and published by an atomic rename."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Collection, Iterator
from pathlib import Path

RESULT = "step.json"
KEPT = 1  # of those that no recipe names any more


class Store:
    """The directory <root>/<step>/<key> exists if, and only if, the result is complete."""

    def __init__(self, root: Path, kept: Collection[str] = ()) -> None:
        """The results with the keys `kept` are not old, whatever their age."""
        self.root = root
        self.kept = kept
        self.logs = root / "log"
        # The owner of the cache is the owner of the nearest existing directory.
        self.owner = next(path for path in (root, *root.parents) if path.exists()).stat()

    def path(self, step: str, key: str) -> Path:
        return self.root / step / key

    def seconds(self, step: str, key: str) -> float | None:
        """Duration of the step in seconds; None if there is no result."""
        try:
            return float(json.loads((self.path(step, key) / RESULT).read_text())["seconds"])
        except FileNotFoundError:
            return None

    @contextlib.contextmanager
    def lock(self, step: str) -> Iterator[None]:
        """Lock a step. The kernel releases the lock if the process dies."""
        self._directory(self.root / step)
        file = self.root / step / ".lock"
        with file.open("a") as handle:
            self._give_back(file)
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    @contextlib.contextmanager
    def draft(self, step: str, key: str) -> Iterator[Path]:
        """A working directory that becomes the result if the block succeeds."""
        home = self.root / step
        for stale in home.glob(".draft-*"):  # of dead processes, because this one has the lock
            shutil.rmtree(stale)
        draft = home / f".draft-{key}"
        draft.mkdir()
        started = time.monotonic()
        try:
            yield draft
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        (draft / RESULT).write_text(json.dumps({"seconds": round(time.monotonic() - started, 1)}))
        for path in [draft, *draft.rglob("*")]:
            self._give_back(path)
        draft.rename(self.path(step, key))
        self._prune(home)

    def log(self, step: str) -> Path:
        """Path of an empty log file for the step."""
        self._directory(self.logs)
        file = self.logs / f"{step}.log"
        file.write_text("")
        self._give_back(file)
        return file

    def _prune(self, home: Path) -> None:
        results = sorted(
            (path for path in home.iterdir() if not path.name.startswith(".") and path.name not in self.kept),
            key=lambda path: path.stat().st_mtime,
        )
        for old in results[:-KEPT]:
            shutil.rmtree(old)

    def _directory(self, path: Path) -> None:
        if not path.exists():
            self._directory(path.parent)
            path.mkdir(exist_ok=True)
            self._give_back(path)

    def _give_back(self, path: Path) -> None:
        """Change the owner of files that root created to the owner of the cache."""
        if os.geteuid() == 0:
            os.chown(path, self.owner.st_uid, self.owner.st_gid, follow_symlinks=False)
