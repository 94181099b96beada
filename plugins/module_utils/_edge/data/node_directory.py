# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads directories inside nodes, through the engine and with the node's own tar and find: nothing is put there."""

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
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Conflict, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine

from .archive import (
    CHUNK,
    ENVIRONMENT,
    create,
    tar_failure,
)
from .hashing import DETACH

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
        """How tar is called there to read it; its standard input must stay open until it has ended."""
        return self.inside.argv(["sh", "-c", _WATCHED, "sh", "tar"])

    def __str__(self) -> str:
        return f"{self.path} in {self.node}"


def located(engine: Engine, places: Mapping[str, Place]) -> dict[str, NodeDirectory]:
    """The directories of these places, as the engine reaches them."""
    return {n: NodeDirectory(p.node, p.node_directory, engine.inside(p.node)) for n, p in places.items()}


def states(directories: Mapping[str, NodeDirectory]) -> dict[str, str]:
    """Name -> missing, empty, there or other (no directory), by one look into each node."""
    by_node: dict[str, list[str]] = {}
    for name, directory in directories.items():
        by_node.setdefault(directory.node, []).append(name)
    found: dict[str, str] = {}
    for names in by_node.values():
        paths = "".join(f"{directories[name].path}\0" for name in names)
        inside = directories[names[0]].inside
        said = inside.run(["xargs", "-0", "sh", "-c", _STATES, "sh"], stdin=paths).out.split()
        found.update(zip(names, said, strict=True))
    return found


def check_there(directories: Mapping[str, NodeDirectory]) -> None:
    """Raise BadInput, with the list in details, for directories that are missing or no directories."""
    bad = {n: state for n, state in states(directories).items() if state not in (EMPTY, THERE)}
    if bad:
        reasons = {name: "it is not there" if bad[name] == MISSING else "it is no directory" for name in bad}
        shown = "; ".join(f"{directories[name]} ({name}): {why}" for name, why in list(reasons.items())[:10])
        first = directories[next(iter(bad))]
        raise BadInput(
            f"{len(bad)} volume director{'y' if len(bad) == 1 else 'ies'} can't be read: {shown}",
            tried=shlex.join(first.inside.argv(["ls", "-ld", first.path])),
            next_step="Leave these volumes out, or remove them if they were never used.",
            details=[{"name": name, "reason": why} for name, why in reasons.items()],
        )


def read(directory: NodeDirectory, mode: str) -> list[Entry]:
    """What is in it, as data.scan says of a directory of the host: the same entries, from a stream of its archive.

    mode: full or fast; the content passes either way. Raises Conflict where something changes meanwhile.
    """
    with steady(directory):
        return _streamed(directory, mode)


@contextmanager
def steady(directory: NodeDirectory) -> Iterator[None]:
    """Raises Conflict where anything in the directory was changed meanwhile."""
    before = _look(directory)
    yield
    after = _look(directory)
    if before != after:
        since = Difference(
            added=tuple(sorted(after.keys() - before.keys())),
            removed=tuple(sorted(before.keys() - after.keys())),
            changed=tuple(sorted(path for path, seen in before.items() if after.get(path, seen) != seen)),
        )
        raise Conflict(f"{directory} was written to while it was read: {since.text()}", next_step=DETACH)


def _look(directory: NodeDirectory) -> dict[str, str]:
    """Path -> type, size, and times of change, in nanoseconds; also that of the inode, which nobody can set."""
    argv = ["find", directory.path, "-xdev", "!", "-type", "s", "-printf", r"%P\0%y %s %T@ %C@\0"]
    said = directory.inside.run(argv).out.split("\0")
    return {path or ".": seen for path, seen in zip(said[::2], said[1::2], strict=False)}


def _streamed(directory: NodeDirectory, mode: str) -> list[Entry]:
    found: list[Entry] = []
    damaged, ended = "", True
    command = [*directory.tar, *create(directory.path, times=True)]
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen(
            command, bufsize=CHUNK, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, env=ENVIRONMENT
        ) as process:
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
        said.seek(0)
        if process.returncode and ended:
            raise tar_failure(shlex.join(command), process.returncode, said.read())
    if damaged:
        raise KindlabError(
            f"What tar writes of {directory} is no archive that is known here: {damaged}.",
            tried=shlex.join(command),
            next_step="See that the node's image has GNU tar: tar --version.",
        )
    return found
