# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Image archives: the images in one, and its bytes, decompressed if necessary."""

from __future__ import annotations

# ansible-test of 2.21 wants run_command, which has no streams and no bound in time.
# pylint: disable=ansible-bad-function
import gzip
import json
import lzma
import os
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.images import Image, archive_images
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.bounds import stalled_killed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import LONG_SECONDS, environment

_LISTS = ("manifest.json", "index.json")
_ZSTD = b"\x28\xb5\x2f\xfd"
# First bytes of a file -> what opens it.
_OPENERS: Mapping[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"\xfd7zXZ": lzma.open, b"": open}


def images_in(path: str, save: str) -> tuple[Image, ...]:
    """The images of an archive. save: the engine's command to write one. Raises BadInput if it is not an archive."""
    if not os.path.isfile(path):
        raise BadInput(f"Archive {path} does not exist.", next_step=f"Create it: {save}")
    try:
        with open_archive(path) as (file, plain):
            lists = _read_lists(file, plain)
    except (tarfile.TarError, ValueError, EOFError, lzma.LZMAError, OSError) as error:
        raise BadInput(
            f"{path} is not a readable image archive: {error}", next_step=f"Create it again: {save}"
        ) from None
    return archive_images(path, lists.get("manifest.json"), lists.get("index.json"), save)


def _read_lists(file: IO[bytes], plain: bool) -> dict[str, Any]:
    """Its lists by name. Of a plain file only the headers are read, a compressed one completely."""
    lists = {}
    with tarfile.open(fileobj=file, mode="r:" if plain else "r|") as archive:
        for member in archive:
            name = member.name.removeprefix("./")
            content = archive.extractfile(member) if name in _LISTS else None
            if content is not None:
                lists[name] = json.load(content)
    return lists


@contextmanager
def open_archive(path: str) -> Iterator[tuple[IO[bytes], bool]]:
    """(the decompressed archive, whether the file is uncompressed)."""
    with open(path, "rb") as file:
        start = file.read(6)
    if start.startswith(_ZSTD):
        yield from _unpack_zstd(path)
        return
    openers = [opener for magic, opener in _OPENERS.items() if start.startswith(magic)]
    with openers[0](path, "rb") as file:
        yield file, openers[0] is open


def _unpack_zstd(path: str) -> Iterator[tuple[IO[bytes], bool]]:
    try:
        program = subprocess.Popen(
            ["zstd", "-dc", "--", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment()
        )
    except FileNotFoundError:
        raise BadInput(f"{path} is compressed with zstd, which is not installed.", next_step="Install zstd.") from None
    with program, stalled_killed(LONG_SECONDS) as watch:
        if program.stdout is None:
            return
        watch(program)
        yield program.stdout, False
        program.stdout.read()
        if program.wait() != 0:
            raise BadInput(
                f"{path} is damaged: zstd cannot decompress it.",
                tried=f"zstd -t {path}",
                next_step="Create the archive again.",
            )
