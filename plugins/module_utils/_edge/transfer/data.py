# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Copy directories between this host and nodes: with holes, links, owners, attributes and times, and compared."""

from __future__ import annotations

# ansible-test of 2.21 wants run_command, which has no streams and no bound in time.
# pylint: disable=ansible-bad-function
import posixpath
import shlex
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.data import checksums
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksums import Entry
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.bounds import stalled_killed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import LONG_SECONDS, Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.archive import (
    ENVIRONMENT,
    KEEP,
    create,
    killed,
    last_lines,
    pipeline,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import NodeDirectory, read
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.scan import scan
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine

# The name of a directory that is not complete, as an extraction's: volume_prune knows it.
INCOMPLETE = ".{}.incomplete-"
_MAKE = 'mkdir -p -- "$1" && mktemp -d -- "$2XXXXXXXX"'
_CLEAN = 'for left in "$1"*; do rm -rf -- "$left"; done'
# The last piece that tar writes is read to its end, and as large as the others: otherwise the writer would be killed.
_WHOLE = ("--blocking-factor=512", "--read-full-records")
# Of each entry: path, state and target of a link.
_LISTED = r"%P\0%y %s %T@ %m %U %G %n %i\0%l\0"
_TYPES = {"f": "file", "d": "dir", "l": "symlink", "p": "fifo", "c": "char", "b": "block"}


def directory_of(place: Place, engine: Engine) -> NodeDirectory:
    """The directory with what runs programs there: on this host (node '') or inside the node."""
    if place.host_directory:
        return NodeDirectory("", place.host_directory, Runner())
    return NodeDirectory(place.node, place.node_directory, engine.inside(place.node))


def remove_leftovers(target: NodeDirectory) -> None:
    """Remove what killed copies to this target left; none may be running."""
    target.inside.run(["sh", "-c", _CLEAN, "sh", _prefix(target)], timeout=LONG_SECONDS)


@contextmanager
def copied(
    source: NodeDirectory, target: NodeDirectory, written: Callable[[int], None] = lambda _bytes: None
) -> Iterator[NodeDirectory]:
    """A complete copy beside target, which is not touched; removed if the block raises an error.

    written: called with the bytes that were written since.
    """
    parent = posixpath.dirname(target.path)
    made = target.inside.run(["sh", "-c", _MAKE, "sh", parent, _prefix(target)]).out.removesuffix("\n")
    temporary = replace(target, path=made)
    try:
        if not source.node and not target.node:
            _copy_on_host(source.path, made, written)
        else:
            _stream(source, temporary, written)
        yield temporary
    except BaseException:
        discard(temporary)
        raise


def put(temporary: NodeDirectory, target: NodeDirectory) -> None:
    """Give a complete copy its name; target is missing or empty, and otherwise this fails."""
    temporary.inside.run(["mv", "--no-target-directory", "--", temporary.path, target.path])


def discard(temporary: NodeDirectory) -> None:
    """Remove a copy."""
    temporary.inside.run(["rm", "-rf", "--", temporary.path], check=False, timeout=LONG_SECONDS)


def difference(source: NodeDirectory, copy: NodeDirectory, verify: str) -> str:
    """How a copy differs, '' if it does not. verify: full reads all content, fast compares sizes, times and so on."""
    if verify == "none":
        return ""
    with ThreadPoolExecutor(2) as pool:
        before, after = pool.map(_full if verify == "full" else _listing, (source, copy))
    found = checksums.compare(before, after, verify)
    return found.text() if found else ""


def _prefix(target: NodeDirectory) -> str:
    parent, name = posixpath.split(target.path)
    return posixpath.join(parent, INCOMPLETE.format(name[:100]))


def _copy_on_host(source: str, target: str, written: Callable[[int], None]) -> None:
    command = ["cp", "--archive", "--reflink=auto", "--one-file-system", "--no-target-directory", "--", source, target]
    with (
        tempfile.TemporaryFile() as stderr,
        stalled_killed(written=written) as watch,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr, env=ENVIRONMENT
        ) as process,
    ):
        watch(process)
        try:
            code = process.wait()
        except BaseException:
            process.kill()
            raise
        stderr.seek(0)
        if code:
            tried = shlex.join(command)
            raise killed("cp", tried, code) or CommandFailed(
                f"cp failed: {last_lines(stderr.read())}",
                tried=tried,
                next_step="Correct this (free space: df), and run it again; nothing was left behind.",
            )


def _stream(source: NodeDirectory, target: NodeDirectory, written: Callable[[int], None]) -> None:
    first = [*source.tar, *create(source.path, times=True)]
    extract = ["tar", "--extract", *_WHOLE, *KEEP, "--preserve-permissions", f"--directory={target.path}", "--file=-"]
    with pipeline(first, target.inside.argv(extract), changing=False, written=written) as output:
        output.read()


def _full(directory: NodeDirectory) -> Sequence[Entry]:
    return read(directory, "full") if directory.node else scan(directory.path, "full")


def _listing(directory: NodeDirectory) -> Sequence[Entry]:
    """Its entries without their content and attributes, in the order of a checksum list."""
    argv = ["find", directory.path, "-xdev", "!", "-type", "s", "-printf", _LISTED]
    fields = directory.inside.run(argv, timeout=LONG_SECONDS).out.split("\0")[:-1]
    rows = sorted([fields[number] or ".", *fields[number + 1 : number + 3]] for number in range(0, len(fields), 3))
    found: list[Entry] = []
    first: dict[str, str] = {}
    for path, state, target in rows:
        entry = _entry(path, state.split(), target)
        links, inode = state.split()[-2:]
        linked = int(links) > 1 and entry.type in ("file", "symlink")
        found.append(entry._replace(same_as=first.setdefault(inode, path) if linked else ""))
    # Links to files elsewhere are none to this one's.
    several = Counter(entry.same_as for entry in found)
    return [entry if several[entry.same_as] > 1 else entry._replace(same_as="") for entry in found]


def _entry(path: str, state: Sequence[str], target: str) -> Entry:
    kind, size, changed, mode, uid, gid, *_links = state
    seconds, _dot, rest = changed.partition(".")
    time = int(seconds + rest[:9].ljust(9, "0"))
    name = _TYPES.get(kind, "file")
    own = int(mode, 8), int(uid), int(gid), time
    return Entry(path, name, int(size) if name == "file" else 0, *own, target)
