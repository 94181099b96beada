# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Extracts archives of a backup: only when proved harmless, and all of one or nothing."""

from __future__ import annotations

import glob
import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import SavedArchive
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data import checksums
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.tar_safety import danger
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.tar_stream import Damaged, TarStream
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    BadInput,
    CommandFailed,
    Declined,
    KindlabError,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.archive import (
    CHUNK,
    ENVIRONMENT,
    KEEP,
    check_programs,
    decompressed,
    last_said,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.scan import scan, walk


def extract(directory: Path, archive: SavedArchive, target: str, saved: Sequence[checksums.Entry], verify: str) -> None:
    """Put a backup's archive into target, which is missing or empty; all of it, or nothing.

    directory: of the generation. saved: its checksum list, for the times, and with verify full or fast for the
    comparison. The archive is checked first (see proved), extracted beside target, compared, and renamed.
    Raises BadInput for an archive that is damaged or dangerous, Declined where target holds something, KindlabError
    where what came out is not what was saved.
    """
    _check_empty(target)
    with proved(directory, archive, target, saved, verify) as file:
        _extract(file, directory / archive.path, archive.compression, target, saved, verify)


@contextmanager
def proved(
    directory: Path, archive: SavedArchive, target: str, saved: Sequence[checksums.Entry], verify: str
) -> Iterator[IO[bytes]]:
    """The file of an archive that may be extracted: whole, as it was written, and harmless.

    Its sha256 is checked, then every member: absolute names, '..', devices, hard links that lead out and what lies
    below a symbolic link are refused (links themselves are the volume's data and kept, wherever they point); unless
    verify is none, so is what the checksum list does not say. target: where it goes, for errors.
    Raises BadInput, also for an OSError of what is done with the file.
    """
    source = directory / archive.path
    check_programs(archive.compression)
    try:
        # One descriptor for all passes: what was checked is what is extracted.
        with open(os.open(source, os.O_RDONLY | os.O_NOFOLLOW), "rb", buffering=0) as file:
            _check_sha256(file, source, archive.sha256)
            _check_members(file, source, archive.compression, () if verify == "none" else saved)
            yield file
    except (OSError, Damaged) as error:
        why, which = (error.strerror, error.filename) if isinstance(error, OSError) else ("", "")
        raise BadInput(
            f"{source} can't be extracted to {target}: {why or error}.",
            tried=f"ls -ld {shlex.quote(str(which or source))}",
            next_step="Nothing was left behind there; mend it and run this again.",
        ) from None


def remove_leftovers(target: str) -> None:
    """Remove what extractions into target left beside it when they were killed; none may be running."""
    parent, name = os.path.split(os.path.abspath(target))
    for left in Path(parent).glob(f"{glob.escape(leftover_prefix(name))}*"):
        shutil.rmtree(left, ignore_errors=True)


def leftover_prefix(name: str) -> str:
    return f".{name[:100]}.incomplete-"


def _extract(
    file: IO[bytes], source: Path, compression: str, target: str, saved: Sequence[checksums.Entry], verify: str
) -> None:
    parent, name = os.path.split(os.path.abspath(target))
    os.makedirs(parent, exist_ok=True)
    temporary = tempfile.mkdtemp(prefix=leftover_prefix(name), dir=parent)
    try:
        command = ["tar", "--extract", *KEEP, "--preserve-permissions", f"--directory={temporary}", "--file=-"]
        with decompressed(file, compression) as stream:
            done = subprocess.run(
                command, stdin=stream, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=ENVIRONMENT, check=False
            )
        if done.returncode != 0:
            raise CommandFailed(
                f"tar could not extract into {parent}: {last_said(done.stderr)}",
                tried=shlex.join(command),
                next_step="Nothing was left behind there; see the free disk space and run this again.",
            )
        _set_times(temporary, saved)
        _compare(source, temporary, saved, verify)
        os.rename(temporary, target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _compare(source: Path, directory: str, saved: Sequence[checksums.Entry], verify: str) -> None:
    if verify == "none" or not saved:
        return
    difference = checksums.compare(saved, scan(directory, verify), verify)
    if difference:
        raise KindlabError(
            f"What the archive {source} holds is not what was saved: {difference.text()}.",
            next_step="Nothing was left. Run as root, who may set owners, on a file system that keeps attributes.",
        )


def _set_times(directory: str, saved: Sequence[checksums.Entry]) -> None:
    """Set what was extracted to its times; the walk, not the list, says what that is, so nothing else is reached."""
    times = {entry.path: entry.mtime_ns for entry in saved}
    for entry in walk(directory):
        if entry.relative in times:
            os.utime(entry.path, ns=(times[entry.relative],) * 2, follow_symlinks=False)


def _check_empty(target: str) -> None:
    try:
        with os.scandir(target) as entries:
            held = [entry.name for entry in entries]
    except FileNotFoundError:
        return
    except OSError as error:
        raise BadInput(f"{target} can't be used: {error.strerror}.", tried=f"ls -la {shlex.quote(target)}") from None
    if held:
        raise Declined(
            f"The directory {target} is not empty: it has {', '.join(sorted(held)[:5])}.",
            tried=f"ls -A {shlex.quote(target)}",
            next_step="Move its content away, if it is no longer needed.",
        )


def _check_sha256(file: IO[bytes], source: Path, wanted: str) -> None:
    sha256 = hashlib.sha256()
    while piece := file.read(CHUNK):
        sha256.update(piece)
    if sha256.hexdigest() != wanted:
        raise BadInput(
            f"The archive {source} was changed after the backup: its sha256 is {sha256.hexdigest()}, not {wanted}.",
            tried=f"sha256sum {shlex.quote(str(source))}",
            next_step="Use another generation of this backup, or a copy of it.",
        )


def _check_members(file: IO[bytes], source: Path, compression: str, saved: Sequence[checksums.Entry]) -> None:
    with decompressed(file, compression) as stream:
        why = danger(TarStream(stream.read), saved)
    if why:
        raise BadInput(
            f"The archive {source} is not extracted: {why}.",
            tried=f"tar --list --verbose --file={shlex.quote(str(source))}",
            next_step="It was not made by kindlab.volumes.volume_backup: use another generation of this backup.",
        )
