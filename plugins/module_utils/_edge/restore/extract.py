# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Extract archives of a backup on the host: verified first, and each one completely or not at all."""

from __future__ import annotations

import glob
import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import SavedArchive
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data import checksums
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.tar_safety import unsafe_reason
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.tar_stream import Damaged, TarStream
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    BadInput,
    CommandFailed,
    Declined,
    KindlabError,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.archive import (
    CHUNK,
    ENVIRONMENT,
    KEEP,
    check_programs,
    decompressed,
    last_lines,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.scan import scan
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.walk import walk


def extract(directory: Path, archive: SavedArchive, target: str, saved: Sequence[checksums.Entry], verify: str) -> None:
    """Extract a backup's archive into target, which is missing or empty.

    directory: of the generation. saved: the checksum list, for the times, and with verify full or fast for the
    comparison. The archive is verified, extracted beside target, compared, and renamed to target.
    Raises BadInput for an archive that is damaged or unsafe, Declined if target is not empty, KindlabError if the
    extracted data differs from the checksum list.
    """
    _check_empty(target)
    with verified(directory, archive, target, saved, verify) as file:
        _extract(file, directory / archive.path, archive.compression, target, saved, verify)


@contextmanager
def verified(
    directory: Path, archive: SavedArchive, target: str, saved: Sequence[checksums.Entry], verify: str
) -> Iterator[IO[bytes]]:
    """The file of an archive that is safe to extract: complete and unchanged.

    Its sha256 is checked, then every member: absolute names, '..', devices, hard links to files outside and members
    below a symbolic link are refused (symbolic links themselves are data, wherever they point), and unless verify is
    none, members that are not in the checksum list. target: where it is extracted to, for errors.
    Raises BadInput, also for an OSError while the file is in use.
    """
    source = directory / archive.path
    check_programs(archive.compression)
    try:
        # One descriptor for all passes: the file that was verified is the one that is extracted.
        with open(os.open(source, os.O_RDONLY | os.O_NOFOLLOW), "rb", buffering=0) as file:
            _check_sha256(file, source, archive.sha256)
            _check_members(file, source, archive.compression, () if verify == "none" else saved)
            yield file
    except (OSError, Damaged) as error:
        why, path = (error.strerror, error.filename) if isinstance(error, OSError) else ("", "")
        raise BadInput(
            f"{source} cannot be extracted to {target}: {why or error}.",
            tried=f"ls -ld {shlex.quote(str(path or source))}",
            next_step="Correct this and run it again; nothing was left behind.",
        ) from None


def remove_leftovers(target: str) -> None:
    """Remove the temporary directories of killed extractions into target; none may be running."""
    parent, name = os.path.split(os.path.abspath(target))
    for left in Path(parent).glob(f"{glob.escape(leftover_prefix(name))}*"):
        shutil.rmtree(left, ignore_errors=True)


def leftover_prefix(name: str) -> str:
    """The prefix of the temporary directory for a directory of that name."""
    return f".{name[:100]}.incomplete-"


def check_extracted(
    source: Path,
    saved: Sequence[checksums.Entry],
    read: Callable[[], Sequence[checksums.Entry]],
    verify: str,
    advice: str,
) -> None:
    """Raise KindlabError if the data extracted from the archive source, as read() lists it, differs from saved."""
    difference = checksums.compare(saved, read(), verify) if saved and verify != "none" else None
    if difference:
        raise KindlabError(
            f"The data extracted from {source} differs from its checksum list: {difference.text()}.",
            next_step=f"{advice}; nothing was left behind.",
        )


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
                f"tar could not extract into {parent}: {last_lines(done.stderr)}",
                tried=shlex.join(command),
                next_step="Check the free disk space (df) and run this again; nothing was left behind.",
            )
        _set_times(temporary, saved)
        advice = "Run this as root, on a file system that keeps owners and attributes"
        check_extracted(source, saved, lambda: scan(temporary, verify), verify, advice)
        os.rename(temporary, target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _set_times(directory: str, saved: Sequence[checksums.Entry]) -> None:
    """Set the modification times of the extracted entries: those that exist, so that the list reaches nothing else."""
    times = {entry.path: entry.mtime_ns for entry in saved}
    for entry in walk(directory):
        if entry.relative in times:
            os.utime(entry.path, ns=(times[entry.relative],) * 2, follow_symlinks=False)


def _check_empty(target: str) -> None:
    try:
        with os.scandir(target) as entries:
            names = sorted(entry.name for entry in entries)
    except FileNotFoundError:
        return
    except OSError as error:
        raise BadInput(f"{target} cannot be used: {error.strerror}.", tried=f"ls -la {shlex.quote(target)}") from None
    if names:
        raise Declined(
            f"The directory {target} is not empty: it contains {listed(names, 5)}.",
            tried=f"ls -A {shlex.quote(target)}",
            next_step="Move its content away if it is no longer needed.",
        )


def _check_sha256(file: IO[bytes], source: Path, expected: str) -> None:
    sha256 = hashlib.sha256()
    while chunk := file.read(CHUNK):
        sha256.update(chunk)
    if sha256.hexdigest() != expected:
        raise BadInput(
            f"The archive {source} was changed after the backup: its sha256 is {sha256.hexdigest()}, not {expected}.",
            tried=f"sha256sum {shlex.quote(str(source))}",
            next_step="Use another generation of this backup, or a copy of it.",
        )


def _check_members(file: IO[bytes], source: Path, compression: str, saved: Sequence[checksums.Entry]) -> None:
    with decompressed(file, compression) as stream:
        why = unsafe_reason(TarStream(stream.read), saved)
    if why:
        raise BadInput(
            f"The archive {source} cannot be extracted: {why}.",
            tried=f"tar --list --verbose --file={shlex.quote(str(source))}",
            next_step="It was not written by kindlab.volumes.volume_backup. Use another generation of this backup.",
        )
