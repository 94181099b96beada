# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Extract archives of a backup into nodes, through the engine: verified first, and completely or not at all."""

from __future__ import annotations

import posixpath
import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, cast

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import SavedArchive
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data import checksums
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.tar_stream import TarStream
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.tar_times import with_mtimes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed, Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.bounds import kill_if_stalled
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import LONG_SECONDS
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.archive import (
    CHUNK,
    ENVIRONMENT,
    KEEP,
    decompressed,
    last_lines,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import (
    EMPTY,
    MISSING,
    OTHER,
    NodeDirectory,
    read,
    states,
)

from .extract import check_extracted, leftover_prefix, verified


def extract(
    directory: Path, archive: SavedArchive, target: NodeDirectory, saved: Sequence[checksums.Entry], verify: str
) -> None:
    """Extract a backup's archive into target, which is missing or empty, as extract.extract does on the host.

    The data is compared before it is renamed to target. Raises what extract.extract raises.
    """
    _check_empty(target)
    with verified(directory, archive, str(target), saved, verify) as file, _beside(target) as temporary:
        _fill(file, archive.compression, temporary, saved)
        advice = "Use a node file system that keeps owners and attributes"
        check_extracted(directory / archive.path, saved, lambda: read(temporary, verify), verify, advice)
        # The rename replaces an empty directory, and fails for any other.
        target.inside.run(["mv", "--force", "--no-target-directory", "--", temporary.path, target.path])


def remove_leftovers(target: NodeDirectory) -> None:
    """Remove the temporary directories of killed extractions into target; none may be running."""
    parent, name = posixpath.split(target.path)
    script = 'cd -- "$1" 2>/dev/null || exit 0; for left in "./$2"*; do rm -rf -- "$left"; done'
    target.inside.run(["sh", "-c", script, "sh", parent, leftover_prefix(name)], timeout=LONG_SECONDS)


def _check_empty(target: NodeDirectory) -> None:
    state = states({"": target})[""]
    if state not in (MISSING, EMPTY):
        raise Declined(
            f"The directory {target} is {'not a directory' if state == OTHER else 'not empty'}.",
            tried=shlex.join(target.inside.argv(["ls", "-lA", target.path])),
            next_step="Move it away if it is no longer needed.",
        )


@contextmanager
def _beside(target: NodeDirectory) -> Iterator[NodeDirectory]:
    """A new directory beside target; removed if an error occurs."""
    parent, name = posixpath.split(target.path)
    target.inside.run(["mkdir", "-p", "--", parent])
    template = f"{parent.rstrip('/')}/{leftover_prefix(name)}XXXXXXXX"
    temporary = replace(target, path=target.inside.run(["mktemp", "-d", "--", template]).out.removesuffix("\n"))
    try:
        yield temporary
    except BaseException:
        temporary.inside.run(["rm", "-rf", "--", temporary.path], check=False, timeout=LONG_SECONDS)
        raise


def _fill(file: IO[bytes], compression: str, target: NodeDirectory, saved: Sequence[checksums.Entry]) -> None:
    times = {entry.path: entry.mtime_ns for entry in saved}
    argv = ["tar", "--extract", *KEEP, "--preserve-permissions", f"--directory={target.path}", "--file=-"]
    command = target.inside.argv(argv)
    broken = False
    with tempfile.TemporaryFile() as stderr:
        with subprocess.Popen(
            command, bufsize=CHUNK, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=stderr, env=ENVIRONMENT
        ) as process:
            kill_if_stalled(process)
            stream = cast("IO[bytes]", process.stdin)
            try:
                with decompressed(file, compression) as archive:
                    for chunk in with_mtimes(TarStream(archive.read), times):
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
            raise CommandFailed(
                f"tar could not extract into {target}: {last_lines(stderr.read())}",
                tried=shlex.join(command),
                next_step="Check the free disk space of the host (df) and run this again; nothing was left behind.",
            )
