"""Run programs with their output in a step's log, never outliving the builder."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from errors import BuildError

# Mounts and processes of a program that is run by these words end with it.
ALONE = ("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child")


class Runner:
    """Runs argv lists; everything they print goes to one log file."""

    def __init__(self, log: Path) -> None:
        self.log = log

    def run(self, argv: Sequence[str | Path], env: Mapping[str, str] | None = None, hint: str = "") -> None:
        words = [str(word) for word in argv]
        with self.log.open("a") as log:
            log.write(f"$ {' '.join(words)}\n")
            log.flush()
            try:
                code = subprocess.run(
                    _bound(words), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_merged(env), check=False
                ).returncode
            except FileNotFoundError as error:
                raise BuildError(
                    f"{words[0]} is not installed", self.log, hint or f"install {Path(words[0]).name}"
                ) from error
        if code:
            raise BuildError(f"{Path(words[0]).name} failed with exit code {code}", self.log, hint)

    def output(self, argv: Sequence[str | Path], env: Mapping[str, str] | None = None) -> str:
        words = [str(word) for word in argv]
        with self.log.open("a") as log:
            log.write(f"$ {' '.join(words)}\n")
            log.flush()
            done = subprocess.run(
                _bound(words),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=_merged(env),
                check=False,
            )
        if done.returncode:
            raise BuildError(f"{Path(words[0]).name} failed with exit code {done.returncode}", self.log)
        return done.stdout


def _bound(words: list[str]) -> list[str]:
    """A builder that was killed must not leave a compiler or a chroot at work."""
    guard = shutil.which("setpriv")
    return [guard, "--pdeathsig", "KILL", *words] if guard else words


def _merged(env: Mapping[str, str] | None) -> dict[str, str]:
    return {**os.environ, **(env or {})}
