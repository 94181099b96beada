# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run commands on this host, or in a node through the engine, by one interface."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed, TimedOut


@dataclass(frozen=True)
class Completed:
    """A finished command: exit code and output (undecodable bytes kept as surrogates)."""

    code: int
    out: str = ""
    err: str = ""


class Runner:
    """Runs commands on this host."""

    def argv(self, argv: Sequence[str]) -> list[str]:
        """The command as it is started on this host; other runners prepend a prefix."""
        return list(argv)

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        check: bool = True,
        timeout: float | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        """Run a command. Raises CommandFailed if the program is missing or, with check, fails; TimedOut."""
        command = self.argv(argv)
        text = shlex.join(command)
        try:
            done = subprocess.run(
                command,
                input=None if stdin is None else stdin.encode("utf-8", "surrogateescape"),
                stdin=subprocess.DEVNULL if stdin is None else None,
                capture_output=True,
                timeout=timeout,
                env={**os.environ, **(env or {})},
                check=False,
            )
        except FileNotFoundError:
            raise CommandFailed(
                f"The program {command[0]} is not on this host.",
                tried=text,
                next_step=f"Install {command[0]}, or put its directory on PATH.",
            ) from None
        except PermissionError:
            raise CommandFailed(f"This user is not allowed to run {command[0]}.", tried=text) from None
        except subprocess.TimeoutExpired:
            raise TimedOut(f"{command[0]} did not finish within {timeout:g} seconds.", tried=text) from None
        completed = Completed(
            done.returncode,
            done.stdout.decode("utf-8", "surrogateescape"),
            done.stderr.decode("utf-8", "surrogateescape"),
        )
        if check and completed.code != 0:
            raise CommandFailed(f"{command[0]} failed: {last_lines(completed)}", tried=text)
        return completed


class NodeRunner(Runner):
    """Runs commands inside a node container. outside: the runner for the engine itself."""

    def __init__(self, engine: str, node: str, outside: Runner) -> None:
        self.prefix = (engine, "exec", "-i", node)
        self.outside = outside

    def argv(self, argv: Sequence[str]) -> list[str]:
        return self.outside.argv([*self.prefix, *argv])

    def run(self, argv: Sequence[str], **options: Any) -> Completed:
        return self.outside.run([*self.prefix, *argv], **options)


def last_lines(completed: Completed, count: int = 8) -> str:
    """The last lines of stderr, or of stdout if stderr is empty."""
    lines = (completed.err.strip() or completed.out.strip() or f"exit code {completed.code}").splitlines()
    return "\n".join(lines[-count:])
