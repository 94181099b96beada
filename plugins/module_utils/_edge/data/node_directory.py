# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read directories inside nodes, through the engine and with the node's own tar and find: nothing is written there."""

from __future__ import annotations

import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, cast

from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksums import Difference, Entry
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.tar_entries import entries
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.tar_stream import Damaged, TarStream
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.bounds import kill_if_stalled
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import LONG_SECONDS, Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine

from .archive import CHUNK, ENVIRONMENT, create, tar_failure
from .read_errors import changed_while_read, refuse_unreadable

MISSING, EMPTY, THERE, OTHER = "missing", "empty", "there", "other"

# Runs a program that ends with its standard input: in a node nobody else ends one whose reader is gone.
_WATCHED = """exec 3<&0
"$@" </dev/null 3<&- & job=$!
{ read -r never <&3; kill $job; } >/dev/null 2>&1 & watch=$!
wait $job; code=$?
{ kill $watch; wait $watch; } 2>/dev/null
exit $code"""
_STATES = f"""for path do
if [ -L "$path" ]; then echo {OTHER}
elif [ ! -e "$path" ]; then echo {MISSING}
elif [ ! -d "$path" ]; then echo {OTHER}
elif [ -n "$(find "$path" -mindepth 1 -print -quit)" ]; then echo {THERE}
else echo {EMPTY}; fi; done"""


@dataclass(frozen=True)
class NodeDirectory:
    """A directory inside a node. inside: runs programs there."""

    node: str
    path: str
    inside: Runner

    @property
    def tar(self) -> list[str]:
        """The command that runs tar there; its standard input must stay open until it has ended."""
        return self.inside.argv(["sh", "-c", _WATCHED, "sh", "tar"])

    def __str__(self) -> str:
        return f"{self.path} in {self.node}"


def node_directories(engine: Engine, places: Mapping[str, Place]) -> dict[str, NodeDirectory]:
    """The directories of these places, by volume's name."""
    return {n: NodeDirectory(p.node, p.node_directory, engine.inside(p.node)) for n, p in places.items()}


def states(directories: Mapping[str, NodeDirectory]) -> dict[str, str]:
    """Name -> missing, empty, there or other (not a directory), by one command in each node."""
    by_node: dict[str, list[str]] = {}
    for name, directory in directories.items():
        by_node.setdefault(directory.node, []).append(name)
    found: dict[str, str] = {}
    for names in by_node.values():
        paths = "".join(f"{directories[name].path}\0" for name in names)
        inside = directories[names[0]].inside
        printed = inside.run(["xargs", "-0", "sh", "-c", _STATES, "sh"], stdin=paths).out.split()
        found.update(zip(names, printed, strict=True))
    return found


def check_readable(directories: Mapping[str, NodeDirectory]) -> None:
    """Raise BadInput, with details, if any directory (by volume's name) is missing or not a directory."""
    bad = {name: state for name, state in states(directories).items() if state not in (EMPTY, THERE)}
    if bad:
        first = directories[next(iter(bad))]
        refuse_unreadable(
            {n: f"{directories[n]} {'is missing' if bad[n] == MISSING else 'is not a directory'}" for n in bad},
            shlex.join(first.inside.argv(["ls", "-ld", first.path])),
            "Leave these volumes out, or delete them if they were never used.",
        )


def read(directory: NodeDirectory, mode: str) -> list[Entry]:
    """Its entries, as scan.scan gives them for a host directory, taken from the stream of an archive.

    mode: full or fast; either way all content is transferred. Raises Conflict if anything changes meanwhile.
    """
    with unchanged_during(directory):
        return _streamed(directory, mode)


@contextmanager
def unchanged_during(directory: NodeDirectory) -> Iterator[None]:
    """Raises Conflict if anything in the directory changes meanwhile."""
    before = _snapshot(directory)
    yield
    after = _snapshot(directory)
    if before != after:
        difference = Difference(
            added=tuple(sorted(after.keys() - before.keys())),
            removed=tuple(sorted(before.keys() - after.keys())),
            changed=tuple(sorted(path for path, seen in before.items() if after.get(path, seen) != seen)),
        )
        raise changed_while_read(str(directory), difference.text())


def _snapshot(directory: NodeDirectory) -> dict[str, str]:
    """Path -> type, size, and times of change in nanoseconds, among them the inode's, which nobody can set."""
    argv = ["find", directory.path, "-xdev", "!", "-type", "s", "-printf", r"%P\0%y %s %T@ %C@\0"]
    fields = directory.inside.run(argv, timeout=LONG_SECONDS).out.split("\0")
    return {path or ".": seen for path, seen in zip(fields[::2], fields[1::2], strict=False)}


def _streamed(directory: NodeDirectory, mode: str) -> list[Entry]:
    found: list[Entry] = []
    damaged, ended = "", True
    command = [*directory.tar, *create(directory.path, times=True)]
    with tempfile.TemporaryFile() as stderr:
        with subprocess.Popen(
            command, bufsize=CHUNK, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, env=ENVIRONMENT
        ) as process:
            kill_if_stalled(process)
            output = cast(IO[bytes], process.stdout)
            try:
                found = entries(TarStream(output.read), mode)
                # tar fills its last piece, and has to come to its own end.
                while output.read(CHUNK):
                    pass
            except Damaged as error:
                damaged, ended = str(error), not output.read(1)
                if not ended:
                    process.kill()
            except BaseException:
                process.kill()
                raise
        stderr.seek(0)
        if process.returncode and ended:
            raise tar_failure(shlex.join(command), process.returncode, stderr.read())
    if damaged:
        raise KindlabError(
            f"tar did not write a readable archive of {directory}: {damaged}.",
            tried=shlex.join(command),
            next_step="Check that the node's image has GNU tar: "
            + shlex.join(directory.inside.argv(["tar", "--version"])),
        )
    return found
