"""Results by content key: made in a temporary directory, made visible by one rename."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

RESULT = "step.json"
KEPT = 2


class Store:
    """<root>/<step>/<key>/ exists if, and only if, that step's result is complete."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.logs = root / "log"
        # whose cache this is, the nearest directory that is there already knows
        self.owner = next(path for path in (root, *root.parents) if path.exists()).stat()

    def path(self, step: str, key: str) -> Path:
        return self.root / step / key

    def seconds(self, step: str, key: str) -> float | None:
        """How long making the result took; None while there is none."""
        try:
            return float(json.loads((self.path(step, key) / RESULT).read_text())["seconds"])
        except FileNotFoundError:
            return None

    @contextlib.contextmanager
    def lock(self, step: str) -> Iterator[None]:
        """One builder per step at a time; the kernel lets go of a lock whose holder died."""
        self._directory(self.root / step)
        file = self.root / step / ".lock"
        with file.open("a") as handle:
            self._give_back(file)
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    @contextlib.contextmanager
    def draft(self, step: str, key: str) -> Iterator[Path]:
        """A directory to work in; it becomes the result when the block ends without an error."""
        home = self.root / step
        for stale in home.glob(".draft-*"):  # the lock is ours, so whoever made these is dead
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
        """An empty log for the step."""
        self._directory(self.logs)
        file = self.logs / f"{step}.log"
        file.write_text("")
        self._give_back(file)
        return file

    def _prune(self, home: Path) -> None:
        results = sorted(
            (path for path in home.iterdir() if not path.name.startswith(".")), key=lambda path: path.stat().st_mtime
        )
        for old in results[:-KEPT]:
            shutil.rmtree(old)

    def _directory(self, path: Path) -> None:
        if not path.exists():
            self._directory(path.parent)
            path.mkdir(exist_ok=True)
            self._give_back(path)

    def _give_back(self, path: Path) -> None:
        """What root makes in a user's cache belongs to that user."""
        if os.geteuid() == 0:
            os.chown(path, self.owner.st_uid, self.owner.st_gid, follow_symlinks=False)
