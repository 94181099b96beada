# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads what archives hold, without extracting them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from ansible_collections.kindlab.volumes.plugins.module_utils._core.checksums import Entry
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.tar_entries import entries
from ansible_collections.kindlab.volumes.plugins.module_utils._core.tar_members import Damaged, TarStream
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.archive import CHUNK, PROGRAMS


def content(archive: Path, compression: str, mode: str) -> list[Entry]:
    """What extracting it would give, with times in seconds. mode: full, or fast for no sha256."""
    with archive.open("rb", buffering=0) as file, decompressed(file, compression) as stream:
        try:
            return entries(TarStream(stream.read), mode)
        except Damaged as error:
            raise KindlabError(
                f"The archive {archive} can't be read back: {error}.",
                next_step="See that the disk of the backup directory is sound, then run this again.",
            ) from None


@contextmanager
def decompressed(file: IO[bytes], compression: str) -> Iterator[IO[bytes]]:
    """The content of a compressed file, from its beginning; the program ends with the reader."""
    file.seek(0)
    command = [PROGRAMS[compression], "--decompress", "--quiet", "--stdout"]
    process = subprocess.Popen(command, bufsize=CHUNK, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    output = cast("IO[bytes]", process.stdout)
    try:
        yield output
    finally:
        output.close()
        process.kill()
        process.wait()
