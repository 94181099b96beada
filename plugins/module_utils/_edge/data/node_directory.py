# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read directories inside nodes, through the engine and with the node's own tar and find: nothing is written there."""

from __future__ import annotations

# ansible-test of 2.21 wants run_command, which has no streams and no bound in time.
# pylint: disable=ansible-bad-function
import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import IO, cast

from ansible_collections.kindlab.volumes.plugins.module_utils._core.data import checksums
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksums import Entry
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.packed import Packed, in_order
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.tar_entries import entries
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.tar_stream import Damaged, TarStream
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import DATA, REPORTER
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.bounds import stalled_killed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import LONG_SECONDS, Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine

from .archive import CHUNK, ENVIRONMENT, create, last_lines, tar_failure
from .read_errors import changed_while_read

MISSING, EMPTY, THERE, OTHER = "missing", "empty", "there", "other"

# Runs a program that ends with its standard input: in a node nobody else ends one whose reader is gone.
_WATCHED = """exec 3<&0
"$@" </dev/null 3<&- & job=$!
{ read -r never <&3; kill $job; } >/dev/null 2>&1 & watch=$!
wait $job; code=$?
{ kill $watch; wait $watch; } 2>/dev/null
exit $code"""
_STATE = f"""if [ -L "$path" ]; then echo {OTHER}
elif [ ! -e "$path" ]; then echo {MISSING}
elif [ ! -d "$path" ]; then echo {OTHER}
elif [ -n "$(find "$path" -mindepth 1 -print -quit)" ]; then echo {THERE}
else echo {EMPTY}; fi"""
_STATES = f"for path do {_STATE}; done"
# One line for each path: state, bytes on the disk, devices or none, and the programs that are missing.
_INSPECT = rf"""lacking=$(for name in tar find; do command -v "$name" >/dev/null || echo "$name"; done | tr '\n' ' ')
for path do
size=$(du --summarize --one-file-system --block-size=1 -- "$path" 2>/dev/null | cut -f 1)
device=$(find "$path" -xdev \( -type b -o -type c \) -print -quit 2>/dev/null)
echo "$({_STATE}) ${{size:-0}} ${{device:+devices}} $lacking"; done"""


@dataclass(frozen=True)
class Inspected:
    """A directory in a node. state: as in states; bytes: on the disk; lacking: programs that the node does not have."""

    state: str
    bytes: int
    devices: bool
    lacking: tuple[str, ...]


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
    found: dict[str, str] = {}
    for names in _by_node(directories).values():
        paths = "".join(f"{directories[name].path}\0" for name in names)
        inside = directories[names[0]].inside
        printed = inside.run(["xargs", "-0", "sh", "-c", _STATES, "sh"], stdin=paths).out.split()
        found.update({name: printed[number] for number, name in enumerate(names)})
    return found


def inspect(directories: Mapping[str, NodeDirectory]) -> dict[str, Inspected]:
    """What is known of each directory before it is archived, by name; by one command in each node."""
    found: dict[str, Inspected] = {}
    for names in _by_node(directories).values():
        paths = "".join(f"{directories[name].path}\0" for name in names)
        inside = directories[names[0]].inside
        printed = inside.run(["xargs", "-0", "sh", "-c", _INSPECT, "sh"], stdin=paths, timeout=LONG_SECONDS)
        lines = printed.out.splitlines()
        for number, name in enumerate(names):
            state, size, devices, *lacking = lines[number].split(" ")
            found[name] = Inspected(state, int(size), devices == "devices", tuple(filter(None, lacking)))
    return found


def _by_node(directories: Mapping[str, NodeDirectory]) -> dict[str, list[str]]:
    by_node: dict[str, list[str]] = {}
    for name, directory in directories.items():
        by_node.setdefault(directory.node, []).append(name)
    return by_node


def read(directory: NodeDirectory, mode: str) -> Sequence[Entry]:
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
    difference = checksums.compare(before, _snapshot(directory), "fast")
    difference = replace(difference, changed=tuple(text.removesuffix(" (target)") for text in difference.changed))
    if difference:
        raise changed_while_read(str(directory), difference.text())


def _snapshot(directory: NodeDirectory) -> Sequence[Entry]:
    """Type, size, and times of change in nanoseconds, among them the inode's, which nobody can set (as target)."""
    argv = ["find", directory.path, "-xdev", "!", "-type", "s", "-printf", r"%P\0%y %s %T@ %C@\0"]
    command = directory.inside.argv(argv)
    with tempfile.TemporaryFile() as stderr:
        with (
            stalled_killed() as watch,
            subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, env=ENVIRONMENT
            ) as process,
        ):
            watch(process)
            fields = _fields(cast("IO[bytes]", process.stdout))
            seen = (
                Entry(path.decode("utf-8", "surrogateescape") or ".", "", target=state.decode())
                for path, state in zip(fields, fields)
            )
            found = Packed(Entry._make, in_order(Entry._make, seen))
        stderr.seek(0)
        if process.returncode:
            raise CommandFailed(f"find failed: {last_lines(stderr.read())}", tried=shlex.join(command))
    return found


def _fields(output: IO[bytes]) -> Iterator[bytes]:
    rest = b""
    while chunk := output.read(CHUNK):
        *fields, rest = (rest + chunk).split(b"\0")
        yield from fields


def _streamed(directory: NodeDirectory, mode: str) -> Sequence[Entry]:
    found: Sequence[Entry] = ()
    damaged, ended = "", True
    command = [*directory.tar, *create(directory.path, times=True)]
    with tempfile.TemporaryFile() as stderr:
        with (
            stalled_killed() as watch,
            subprocess.Popen(
                command, bufsize=CHUNK, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, env=ENVIRONMENT
            ) as process,
        ):
            watch(process)
            output = cast(IO[bytes], process.stdout)
            try:
                found = entries(TarStream(REPORTER.counted(DATA, output.read)), mode)
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
