"""Run programs that log to a file and end with the builder."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from errors import BuildError

# Prefix of a command whose mounts and processes end with it.
ALONE = ("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child")


class Runner:
    """Runs commands and writes their output to one log file."""

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
    """The command, killed together with the builder: a compiler or chroot must not remain."""
    guard = shutil.which("setpriv")
    return [guard, "--pdeathsig", "KILL", *words] if guard else words


def _merged(env: Mapping[str, str] | None) -> dict[str, str]:
    return {**os.environ, **(env or {})}
