# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Extract archives of a backup into nodes, through the engine: verified first, and completely or not at all."""

from __future__ import annotations

# ansible-test of 2.21 wants run_command, which has no streams and no bound in time.
# pylint: disable=ansible-bad-function
import posixpath
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, cast

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import SavedArchive
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data import checksums
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.tar_stream import TarStream
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.tar_times import with_mtimes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed, Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import REPORTER
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.bounds import stalled_killed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import LONG_SECONDS
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.archive import (
    CHUNK,
    ENVIRONMENT,
    KEEP,
    decompressed,
    killed,
    last_lines,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import (
    EMPTY,
    MISSING,
    OTHER,
    THERE,
    NodeDirectory,
    read,
    states,
)

from .extract import EXTRACTING, MOVING, is_rest
from .verified import check_extracted, verified

_RENAME = ("mv", "--force", "--no-target-directory", "--")

# Moves the content of $1 into $2, in which it lies, and then its own attributes; nothing is replaced.
_MOVE_UP = """set -e
find "$1" -mindepth 1 -maxdepth 1 -exec mv --no-clobber --target-directory="$2" -- {} +
tar --create --no-recursion --format=posix $3 --directory="$1" . |
tar --extract $3 --preserve-permissions --directory="$2"
rmdir -- "$1"
[ -z "$4" ] || touch --no-create --date="$4" -- "$2"
"""
# The names in a directory, and in its subdirectories that begin with $2, the latter with a slash.
# The time of the directory above, to put it back, and the new directory; a directory above that is missing is made.
_MAKE = 'mkdir -p -- "$1" && stat --format=@%.Y -- "$1" && mktemp -d -- "$2"'
_UNMAKE = 'rm -rf -- "$2"; touch --no-create --date="$3" -- "$1"'
_NAMES = r"""cd -- "$1" &&
find . -mindepth 1 -maxdepth 1 -printf '%P\0' -name "$2*" -exec find {} -mindepth 1 -maxdepth 1 -printf '%P/\0' ';'"""


def extract(
    directory: Path, archive: SavedArchive, target: NodeDirectory, saved: Sequence[checksums.Entry], verify: str
) -> None:
    """Extract a backup's archive into target, which is missing or empty, as extract.extract does on the host.

    Raises what extract.extract raises.
    """
    source = directory / archive.path
    advice = "Use a node file system that keeps owners and attributes"
    state, complete = look(target, states({"": target})[""], lambda: saved)
    if complete:
        _move_up(complete, target, saved)
        check_extracted(source, saved, lambda: read(target, verify), verify, f"Move away what is in {target}")
        return
    _check_empty(target, state)
    with verified(directory, archive, str(target), saved, verify) as file, _temporary(target, state) as temporary:
        _fill(file, archive.compression, temporary, saved)
        check_extracted(source, saved, lambda: read(temporary, verify), verify, advice)
        if state == MISSING:
            # The rename replaces an empty directory, and fails for any other.
            target.inside.run([*_RENAME, temporary.path, target.path])
            return
        name = prefix(target, MOVING) + temporary.path.rpartition("-")[2]
        complete = f"{target.path.rstrip('/')}/{name}"
        target.inside.run([*_RENAME, temporary.path, complete])
    _move_up(complete, target, saved)


def look(target: NodeDirectory, state: str, saved: Callable[[], Sequence[checksums.Entry]]) -> tuple[str, str]:
    """The state (as node_directory.states has found it) without what killed extractions left; and a directory.

    That is the one whose content a killed run had verified and begun to move up, '' if there is none.
    """
    if state != THERE:
        return state, ""
    moving, extracting = prefix(target, MOVING), prefix(target, EXTRACTING)
    names = target.inside.run(["sh", "-c", _NAMES, "sh", target.path, moving]).out.split("\0")[:-1]
    to_move = [name[:-1] for name in names if name.endswith("/")]
    own = [name for name in names if not name.endswith("/") and not name.startswith(extracting)]
    left = [name for name in own if name.startswith(moving)]
    if len(left) == 1 and is_rest([name for name in own if name not in left], to_move, saved()):
        return EMPTY, f"{target.path.rstrip('/')}/{left[0]}"
    return THERE if own else EMPTY, ""


def remove_leftovers(target: NodeDirectory) -> None:
    """Remove the temporary directories of killed extractions into target; none may be running."""
    script = 'for place in "$1" "$2"; do for left in "$place/$3"*; do rm -rf -- "$left"; done; done'
    parent = posixpath.dirname(target.path)
    target.inside.run(["sh", "-c", script, "sh", parent, target.path, prefix(target, EXTRACTING)], timeout=LONG_SECONDS)


def prefix(target: NodeDirectory, form: str) -> str:
    """The beginning of the names of temporary directories for a directory. form: EXTRACTING or MOVING."""
    return form.format(posixpath.basename(target.path)[:100])


def _move_up(complete: str, target: NodeDirectory, saved: Sequence[checksums.Entry]) -> None:
    """As extract.extract does on the host; a rerun completes it."""
    times = [f"@{entry.mtime_ns // 10**9}.{entry.mtime_ns % 10**9:09}" for entry in saved if entry.path == "."]
    argv = ["sh", "-c", _MOVE_UP, "sh", complete, target.path, " ".join(KEEP), "".join(times)]
    done = target.inside.run(argv, check=False, timeout=LONG_SECONDS)
    if done.code:
        raise CommandFailed(
            f"The extracted data cannot be moved to {target}: {done.err.strip()}",
            tried=shlex.join(target.inside.argv(["ls", "-lA", target.path])),
            next_step="Correct this and run it again: it completes the extraction.",
        )


def _check_empty(target: NodeDirectory, state: str) -> None:
    if state not in (MISSING, EMPTY):
        raise Declined(
            f"The directory {target} is {'not a directory' if state == OTHER else 'not empty'}.",
            tried=shlex.join(target.inside.argv(["ls", "-lA", target.path])),
            next_step="Move it away if it is no longer needed.",
        )


@contextmanager
def _temporary(target: NodeDirectory, state: str) -> Iterator[NodeDirectory]:
    """A new directory beside target, or in it if it exists; removed if an error occurs, which leaves both as before."""
    parent = posixpath.dirname(target.path) if state == MISSING else target.path
    template = f"{parent.rstrip('/')}/{prefix(target, EXTRACTING)}XXXXXXXX"
    before, path = target.inside.run(["sh", "-c", _MAKE, "sh", parent, template]).out.removesuffix("\n").split("\n", 1)
    temporary = replace(target, path=path)
    try:
        yield temporary
    except BaseException:
        undo = ["sh", "-c", _UNMAKE, "sh", parent, temporary.path, before]
        temporary.inside.run(undo, check=False, timeout=LONG_SECONDS)
        raise


def _fill(file: IO[bytes], compression: str, target: NodeDirectory, saved: Sequence[checksums.Entry]) -> None:
    times = {entry.path: entry.mtime_ns for entry in saved}
    argv = ["tar", "--extract", *KEEP, "--preserve-permissions", f"--directory={target.path}", "--file=-"]
    command = target.inside.argv(argv)
    broken = False
    with tempfile.TemporaryFile() as stderr:
        with (
            stalled_killed() as watch,
            subprocess.Popen(
                command, bufsize=CHUNK, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=stderr, env=ENVIRONMENT
            ) as process,
        ):
            watch(process)
            stream = cast("IO[bytes]", process.stdin)
            try:
                with decompressed(file, compression) as archive:
                    for chunk in with_mtimes(TarStream(REPORTER.counted("archives extracted", archive.read)), times):
                        stream.write(chunk)
                stream.close()
            except BrokenPipeError:
                broken = True
                with suppress(BrokenPipeError):
                    stream.close()
            except BaseException:
                process.kill()
                raise
        stderr.seek(0)
        if process.returncode or broken:
            raise killed("tar", shlex.join(command), process.returncode) or CommandFailed(
                f"tar could not extract into {target}: {last_lines(stderr.read())}",
                tried=shlex.join(command),
                next_step="Check the free disk space of the host (df) and run this again; nothing was left behind.",
            )
