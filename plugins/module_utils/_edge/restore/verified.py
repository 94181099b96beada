# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Archives that are verified before they are extracted, and the comparison after it."""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import SavedArchive
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data import checksums
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.tar_safety import unsafe_reason
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.tar_stream import Damaged, TarStream
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import REPORTER
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.archive import (
    CHUNK,
    check_programs,
    decompressed,
)


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
            REPORTER.done("volumes extracted")
    except (OSError, Damaged) as error:
        why, path = (error.strerror, error.filename) if isinstance(error, OSError) else ("", "")
        raise BadInput(
            f"{source} cannot be extracted to {target}: {why or error}.",
            tried=f"ls -ld {shlex.quote(str(path or source))}",
            next_step="Correct this and run it again; nothing was left behind.",
        ) from None


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
        why = unsafe_reason(TarStream(REPORTER.counted("archives read", stream.read)), saved)
    if why:
        raise BadInput(
            f"The archive {source} cannot be extracted: {why}.",
            tried=f"tar --list --verbose --file={shlex.quote(str(source))}",
            next_step="It was not written by kindlab.volumes.volume_backup. Use another generation of this backup.",
        )
