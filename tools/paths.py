"""Says where this checkout keeps things, and runs commands: shared by the scripts beside it."""

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
VERSIONS = ("2.17", "2.18", "2.19")
NAMESPACE, NAME = "kindlab", "volumes"


def digest(paths: Iterable[Path], *extra: str) -> str:
    """A short hash of the files' names and contents and of the extra words."""
    total = hashlib.sha256("\0".join(extra).encode())
    for path in paths:
        total.update(f"\0{path.name}\0".encode() + path.read_bytes())
    return total.hexdigest()[:16]


def run(*argv: str | Path, cwd: Path | None = None, quiet: bool = False, **environment: str) -> None:
    """Run a command that must succeed; quiet ones show what they said only when they fail."""
    command = [str(word) for word in argv]
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True} if quiet else {}
    done = subprocess.run(command, cwd=cwd, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, **output)
    if done.returncode:
        raise SystemExit(f"{done.stdout or ''}failed ({done.returncode}): {shlex.join(command)}")


def say(text: str) -> None:
    """A line for people: on stderr, because some scripts answer on stdout."""
    print(text, file=sys.stderr, flush=True)


def point(link: Path, target: Path) -> None:
    """Let the link lead to the target, wherever it led before."""
    if not link.is_symlink() or link.readlink() != target:
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(target)


@contextlib.contextmanager
def only_one(name: str) -> Iterator[None]:
    """Let one process of this user at a time do the named thing."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
