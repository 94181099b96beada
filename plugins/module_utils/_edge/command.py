# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run commands on this host, or in a node through the engine, with bounds and an environment of our own."""

from __future__ import annotations

# ansible-test of 2.21 wants run_command, which has no streams and no bound in time.
# pylint: disable=ansible-bad-function
import os
import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed, TimedOut

# Seconds that a query may take, and a command that reads or moves all data of a volume.
ANSWER_SECONDS = 60.0
LONG_SECONDS = 3600.0
# What a command gets whose deadline has passed: enough to answer.
MOMENT = 1.0


@dataclass(frozen=True)
class Completed:
    """A finished command: exit code and output (undecodable bytes kept as surrogates)."""

    code: int
    out: str = ""
    err: str = ""


# Where things are, and how engines are reached. Everything else may change what a program does: TAR_OPTIONS, GZIP,
# ZSTD_CLEVEL, XZ_OPT, POSIXLY_CORRECT, TIME_STYLE.
_KEPT = re.compile(
    r"PATH|HOME|USER|LOGNAME|TMPDIR|LD_LIBRARY_PATH|SSH_AUTH_SOCK|DBUS_SESSION_BUS_ADDRESS|REGISTRY_AUTH_FILE"
    r"|(SSL_CERT|XDG|DOCKER|CONTAINER|CONTAINERS|CONTAINERD|PODMAN|NERDCTL|STORAGE|KIND)_\w+"
    r"|(?i:(https?|ftp|all|no)_proxy)"
)
# Messages that users can look up, and names of files in any script.
_LOCALE = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of every program that is started: without variables that change what programs do."""
    kept = {name: value for name, value in os.environ.items() if _KEPT.fullmatch(name)}
    return {**kept, **_LOCALE, **(more or {})}


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
        timeout: float = ANSWER_SECONDS,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        """Run a command. Raises CommandFailed if the program cannot be run or, with check, fails; TimedOut."""
        command = self.argv(argv)
        text = shlex.join(command)
        try:
            done = subprocess.run(
                command,
                input=None if stdin is None else stdin.encode("utf-8", "surrogateescape"),
                stdin=subprocess.DEVNULL if stdin is None else None,
                capture_output=True,
                timeout=timeout,
                env=environment(env),
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
        except (OSError, ValueError) as error:
            raise CommandFailed(f"{command[0]} cannot be run: {error}", tried=text) from None
        except subprocess.TimeoutExpired:
            raise TimedOut(f"{command[0]} did not finish within {timeout:.3g} seconds.", tried=text) from None
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


class BoundRunner(Runner):
    """Runs commands through another runner, none longer than until the deadline. least: seconds that each one gets."""

    def __init__(self, inner: Runner, deadline: Deadline, least: float = MOMENT) -> None:
        self.inner = inner
        self.deadline = deadline
        self.least = least

    def argv(self, argv: Sequence[str]) -> list[str]:
        return self.inner.argv(argv)

    def run(self, argv: Sequence[str], *, timeout: float = ANSWER_SECONDS, **options: Any) -> Completed:
        return self.inner.run(argv, timeout=min(timeout, self.deadline.left(self.least)), **options)


def last_lines(completed: Completed, count: int = 8) -> str:
    """The last lines of stderr, or of stdout if stderr is empty."""
    lines = (completed.err.strip() or completed.out.strip() or f"exit code {completed.code}").splitlines()
    return "\n".join(lines[-count:])
