# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Extracts archives of a backup into nodes, through the engine: proved before it is visible, all of one or nothing."""

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
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.tar_times import retimed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed, Declined, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.archive import (
    CHUNK,
    ENVIRONMENT,
    KEEP,
    decompressed,
    last_said,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import (
    EMPTY,
    MISSING,
    NodeDirectory,
    read,
    states,
)

from .extract import leftover_prefix, proved

_AGAIN = "Nothing was left behind there; see the free disk space of the host and run this again."


def extract(
    directory: Path, archive: SavedArchive, target: NodeDirectory, saved: Sequence[checksums.Entry], verify: str
) -> None:
    """Put a backup's archive into target, which is missing or empty; all of it, or nothing.

    directory: of the generation. saved: its checksum list, for the times, and with verify full or fast for the
    comparison; that comes before the data is visible. Raises what extraction.extract raises.
    """
    _check_empty(target)
    with proved(directory, archive, str(target), saved, verify) as file, _beside(target) as temporary:
        _fill(file, archive.compression, temporary, saved)
        if verify != "none" and saved:
            difference = checksums.compare(saved, read(temporary, verify), verify)
            if difference:
                raise KindlabError(
                    f"What the archive {directory / archive.path} holds is not what was saved: {difference.text()}.",
                    next_step="Nothing was left behind. See that the node's file system keeps attributes and owners.",
                )
        # One rename, which takes the place of an empty directory and of nothing else.
        target.inside.run(["mv", "--force", "--no-target-directory", "--", temporary.path, target.path])


def remove_leftovers(target: NodeDirectory) -> None:
    """Remove what extractions into target left beside it when they were killed; none may be running."""
    parent, name = posixpath.split(target.path)
    script = 'cd -- "$1" 2>/dev/null || exit 0; for left in "./$2"*; do rm -rf -- "$left"; done'
    target.inside.run(["sh", "-c", script, "sh", parent, leftover_prefix(name)])


def _check_empty(target: NodeDirectory) -> None:
    state = states({"": target})[""]
    if state not in (MISSING, EMPTY):
        raise Declined(
            f"The directory {target} is {'not empty' if state != 'other' else 'no directory'}.",
            tried=shlex.join(target.inside.argv(["ls", "-lA", target.path])),
            next_step="Move it away, if it is no longer needed.",
        )


@contextmanager
def _beside(target: NodeDirectory) -> Iterator[NodeDirectory]:
    """A new directory in the same file system as target; gone where something fails."""
    parent, name = posixpath.split(target.path)
    target.inside.run(["mkdir", "-p", "--", parent])
    template = f"{parent.rstrip('/')}/{leftover_prefix(name)}XXXXXXXX"
    temporary = replace(target, path=target.inside.run(["mktemp", "-d", "--", template]).out.removesuffix("\n"))
    try:
        yield temporary
    except BaseException:
        temporary.inside.run(["rm", "-rf", "--", temporary.path], check=False)
        raise


def _fill(file: IO[bytes], compression: str, target: NodeDirectory, saved: Sequence[checksums.Entry]) -> None:
    times = {entry.path: entry.mtime_ns for entry in saved}
    argv = ["tar", "--extract", *KEEP, "--preserve-permissions", f"--directory={target.path}", "--file=-"]
    command = target.inside.argv(argv)
    broken = False
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen(
            command, bufsize=CHUNK, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said, env=ENVIRONMENT
        ) as process:
            stream = cast("IO[bytes]", process.stdin)
            try:
                with decompressed(file, compression) as archive:
                    for piece in retimed(TarStream(archive.read), times):
                        stream.write(piece)
                stream.close()
            except BrokenPipeError:
                broken = True
                with suppress(BrokenPipeError):
                    stream.close()
            except BaseException:
                process.kill()
                raise
        said.seek(0)
        if process.returncode or broken:
            raise CommandFailed(
                f"tar could not extract into {target}: {last_said(said.read())}",
                tried=shlex.join(command),
                next_step=_AGAIN,
            )
