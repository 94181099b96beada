# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Archives of images in a backup: every blob is hashed before an archive is relied on, once as long as it stays so."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
import time
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.images import platform_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.loaded_images.content import (
    Blobs,
    Content,
    content_of,
    parse_document,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.loaded_images.index import SavedImage, archive_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.loaded_images.layout import (
    BLOBS,
    INDEX,
    LARGEST_DOCUMENT,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal, decline

CHUNK = 1 << 20
# A file that changes twice within a tick of the kernel's clock may look the same after the second time.
SETTLED_SECONDS = 0.1
UNREADABLE = (OSError, tarfile.TarError, ValueError, LookupError, TypeError, EOFError)


@dataclass(frozen=True)
class Archive:
    """An archive whose blobs were hashed, all of them. places: digest -> where its blob is in the file, and its size.

    target: the descriptor of the image, as in its index.
    """

    file: Path
    target: Mapping[str, Any]
    content: Content
    places: Mapping[str, tuple[int, int]]


def check(path: str | Path, digest: str, platform: str) -> Archive:
    """Read an archive completely. Raises BadInput if it is missing or damaged. platform: that needs it.

    One that this process has read, and whose file has not changed since, is not read again.
    """
    file = Path(path) / archive_of(digest)
    try:
        found = os.lstat(file)
        if time.time() - found.st_ctime <= SETTLED_SECONDS:
            return read_archive(file, digest, platform)
        state = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        return _read_once(file, digest, platform, state)
    except UNREADABLE as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise BadInput(
            f"The archive {file} of an image cannot be used: {why}.",
            tried=f"ls -l {file}",
            next_step="Use another copy of this backup, or load the image again with kindlab.volumes.kind_image.",
        ) from None


def check_images(path: str | Path, index: Iterable[SavedImage]) -> dict[str, Archive]:
    """Read the archives completely; by digest. Raises Declined for those that are missing or damaged."""
    platform = platform_of(os.uname().machine)
    images = {image.digest: image for image in index if image.archive}

    def checked(digest: str) -> Archive | BadInput:
        try:
            return check(path, digest, platform)
        except BadInput as error:
            return error

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = dict(zip(images, pool.map(checked, images)))
    refusals = [
        Refusal(images[digest].names[0], error.message, error.next_step)
        for digest, error in found.items()
        if isinstance(error, BadInput)
    ]
    decline("Images cannot be loaded into the nodes", refusals)
    return {digest: archive for digest, archive in found.items() if isinstance(archive, Archive)}


def intact(path: str | Path, digests: Collection[str], platform: str) -> dict[str, Archive]:
    """The archives that are there and not damaged, by digest."""

    def found(digest: str) -> Archive | None:
        try:
            return check(path, digest, platform)
        except BadInput:
            return None

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return {digest: archive for digest, archive in zip(digests, pool.map(found, digests)) if archive}


@cache
def _read_once(file: Path, digest: str, platform: str, state: tuple[int, ...]) -> Archive:
    """state: differs if the file has changed, or is another one."""
    del state
    return read_archive(file, digest, platform)


def read_archive(file: Path, digest: str, platform: str) -> Archive:
    """Hash all blobs of an archive, which must be complete. Raises one of UNREADABLE."""
    places: dict[str, tuple[int, int]] = {}
    documents, index = {}, {}
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as opened, tarfile.open(fileobj=opened, mode="r:") as archive:
        for member in archive:
            content = archive.extractfile(member)
            if content is None or not member.name.startswith((BLOBS, INDEX)):
                continue
            if member.name == INDEX:
                index = json.load(content)
                continue
            name, document = member.name.removeprefix(BLOBS), b""
            sha256 = hashlib.sha256()
            while chunk := content.read(CHUNK):
                sha256.update(chunk)
                document = chunk if member.size <= LARGEST_DOCUMENT else b""
            if sha256.hexdigest() != name:
                raise ValueError(f"the content of {member.name} is not what its name says")
            places[f"sha256:{name}"] = (member.offset_data, member.size)
            documents[f"sha256:{name}"] = parse_document(document)
    sizes = {name: size for name, (_offset, size) in places.items()}
    blobs = Blobs(platform, sizes, {name: found for name, found in documents.items() if found is not None})
    whole = content_of(blobs, digest)
    if whole.missing:
        raise ValueError(f"it lacks {whole.missing[0]}")
    targets = [entry for entry in index["manifests"] if entry["digest"] == digest]
    if not targets:
        raise ValueError(f"its {INDEX} lists another image")
    return Archive(file, targets[0], whole, places)
