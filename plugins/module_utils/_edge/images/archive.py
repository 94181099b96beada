# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Archives of images: the images that one holds, and its bytes, unpacked where it is compressed."""

from __future__ import annotations

import gzip
import json
import lzma
import os
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.images import Image, archive_images

_LISTS = ("manifest.json", "index.json")
_GZIP, _XZ, _ZSTD = b"\x1f\x8b", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd"


def images_in(path: str) -> tuple[Image, ...]:
    """The images of an archive. Raises BadInput where there is no such file, or it is something else."""
    if not os.path.isfile(path):
        raise BadInput(f"The archive {path} does not exist.", next_step=f"docker save --output {path} IMAGE")
    try:
        with opened(path) as (file, plain):
            found = _lists(file, plain)
    except (tarfile.TarError, ValueError, EOFError, lzma.LZMAError, OSError) as error:
        raise BadInput(
            f"{path} can't be read as an archive of images: {error}",
            next_step=f"Write it again, with: docker save --output {path} IMAGE",
        ) from None
    return archive_images(path, found.get("manifest.json"), found.get("index.json"))


def _lists(file: IO[bytes], plain: bool) -> dict[str, Any]:
    """What the archive says of itself: of a plain file only the headers are read, a compressed one as a whole."""
    found: dict[str, Any] = {}
    with tarfile.open(fileobj=file, mode="r:" if plain else "r|") as archive:
        for member in archive:
            name = member.name.removeprefix("./")
            content = archive.extractfile(member) if name in _LISTS else None
            if content is not None:
                found[name] = json.load(content)
    return found


@contextmanager
def opened(path: str) -> Iterator[tuple[IO[bytes], bool]]:
    """(the archive's bytes, whether the file holds them as they are)."""
    with open(path, "rb") as file:
        start = file.read(6)
        file.seek(0)
        if start.startswith(_GZIP):
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield unpacked, False  # type: ignore[misc]
        elif start.startswith(_XZ):
            with lzma.LZMAFile(file) as unpacked:
                yield unpacked, False
        elif start.startswith(_ZSTD):
            yield from _unpacked_by_program(path)
        else:
            yield file, True


def _unpacked_by_program(path: str) -> Iterator[tuple[IO[bytes], bool]]:
    try:
        program = subprocess.Popen(["zstd", "-dc", "--", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except FileNotFoundError:
        raise BadInput(f"{path} is packed with zstd, which is not on this host.", next_step="Install zstd.") from None
    with program:
        if program.stdout is None:
            return
        yield program.stdout, False
        program.stdout.read()
        if program.wait() != 0:
            raise BadInput(f"{path} can't be unpacked: zstd says that it is damaged.")
