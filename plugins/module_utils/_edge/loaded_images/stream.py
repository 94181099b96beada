# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Import archives of images as one stream, with the names that the images get, and each blob once."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import IO

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.images import platform_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.loaded_images.index import SavedImage
from ansible_collections.kindlab.volumes.plugins.module_utils._core.loaded_images.layout import (
    BLOBS,
    index_files,
    named,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import REPORTER
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.images.nodes import import_argv, in_each
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.images.tee import Tee

from .archive import CHUNK, Archive

# What people see of it.
MOVED = "images loaded"


def import_images(
    engine: Engine, tee: Tee, archives: Mapping[str, Archive], missing: Mapping[str, Mapping[str, SavedImage]]
) -> None:
    """Import into all nodes at once; those that lack the same images get one stream. missing: {node: {name: image}}."""
    groups: dict[tuple[bool, tuple[tuple[str, str], ...]], list[str]] = {}
    for node, names in missing.items():
        # The runtime looks for the manifests of all platforms, or of one.
        for partly in (False, True):
            lacking = tuple(
                (name, image.digest)
                for name, image in sorted(names.items())
                if archives[image.digest].content.partial is partly
            )
            if lacking:
                groups.setdefault((partly, lacking), []).append(node)
    platform = platform_of(os.uname().machine)

    def load(partly: bool, lacking: Iterable[tuple[str, str]], nodes: Sequence[str]) -> None:
        option = f"--platform={platform}" if partly else "--all-platforms"
        imports = in_each(nodes, lambda node: import_argv(engine, node, option))
        tee.copy_to(LayoutStream(archives, lacking), imports)

    with ThreadPoolExecutor(len(groups)) as pool:
        runs = [pool.submit(load, partly, lacking, nodes) for (partly, lacking), nodes in groups.items()]
    for run in runs:
        run.result()


class LayoutStream:
    """A tar archive in the image layout of OCI. images: names with the digests of what they stand for."""

    def __init__(self, archives: Mapping[str, Archive], images: Iterable[tuple[str, str]]) -> None:
        names: dict[str, list[str]] = {}
        for name, digest in images:
            names.setdefault(digest, []).append(name)
        own = {digest: archives[digest] for digest in names}
        self._chunks = _chunks(own, names)
        blobs = {blob: size for archive in own.values() for blob, (_offset, size) in archive.places.items()}
        REPORTER.moved(MOVED, 0, of=sum(blobs.values()))

    def read(self, _size: int, /) -> bytes:
        """The next piece, of any size; empty at the end. Raises BadInput if an archive cannot be read any more."""
        try:
            chunk = next(self._chunks, b"")
        except OSError as error:
            raise BadInput(
                f"An archive of images cannot be read any more: {error.strerror or error}.",
                next_step="Check the disk of the backup, then run this again.",
            ) from None
        REPORTER.moved(MOVED, len(chunk))
        return chunk


def _chunks(archives: Mapping[str, Archive], names: Mapping[str, Iterable[str]]) -> Iterator[bytes]:
    entries = [entry for digest, archive in archives.items() for entry in named(archive.target, names[digest])]
    for header, content in index_files(entries):
        yield from _member(header, content)
    sent: set[str] = set()
    for archive in archives.values():
        with archive.file.open("rb") as file:
            for digest in archive.content.blobs:
                if digest not in sent:
                    sent.add(digest)
                    offset, size = archive.places[digest]
                    header = tarfile.TarInfo(BLOBS + digest.partition(":")[2])
                    header.size = size
                    file.seek(offset)
                    yield from _member(header, file)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _member(header: tarfile.TarInfo, content: IO[bytes]) -> Iterator[bytes]:
    yield header.tobuf()
    left = header.size
    while left:
        chunk = content.read(min(CHUNK, left))
        if not chunk:
            raise OSError(f"{header.name} ended too early")
        left -= len(chunk)
        yield chunk
    if rest := header.size % tarfile.BLOCKSIZE:
        yield bytes(tarfile.BLOCKSIZE - rest)
