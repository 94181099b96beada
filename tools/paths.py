"""Paths of this checkout, and helpers that the scripts in tools/ share."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / ".build"
CACHE = Path(os.environ.get("KINDLAB_CACHE") or Path.home() / ".cache" / "kindlab")
NAMESPACE, NAME = "kindlab", "volumes"


def digest(paths: Iterable[Path], *extra: str) -> str:
    """A short hash of names and contents of files, and of extra words."""
    total = hashlib.sha256("\0".join(extra).encode())
    for path in paths:
        total.update(f"\0{path.name}\0".encode() + path.read_bytes())
    return total.hexdigest()[:16]


def run(*argv: str | Path, cwd: Path | None = None, quiet: bool = False, **environment: str) -> None:
    """Run a command that must succeed. The output of quiet ones is shown only if they fail."""
    command = [str(word) for word in argv]
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True} if quiet else {}
    done = subprocess.run(command, cwd=cwd, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, **output)
    if done.returncode:
        raise SystemExit(f"{done.stdout or ''}failed ({done.returncode}): {shlex.join(command)}")


def say(text: str) -> None:
    """Print a message on stderr; stdout is for the results of scripts."""
    print(text, file=sys.stderr, flush=True)


def point(link: Path, target: Path) -> None:
    """Create the symbolic link, or change its target."""
    if not link.is_symlink() or link.readlink() != target:
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(target)


@contextlib.contextmanager
def only_one(name: str) -> Iterator[None]:
    """Hold the lock of this name, among all processes of this user."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
