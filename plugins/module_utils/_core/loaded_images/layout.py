# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The image layout of OCI as a tar archive: its files beside the blobs, and a stream of several archives in one."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

from .content import Target

BLOBS, INDEX, LAYOUT = "blobs/sha256/", "index.json", "oci-layout"
# A larger blob is no manifest: registries take none above 4 MiB, and those that are seen have a few KiB.
LARGEST_DOCUMENT = 1 << 20
_NAME, _TAG = "io.containerd.image.name", "org.opencontainers.image.ref.name"


def descriptor(target: Target, size: int) -> dict[str, Any]:
    """What an index says of an image, without its name."""
    return {"mediaType": target.media_type, "digest": target.digest, "size": size}


def named(entry: Mapping[str, Any], names: Iterable[str]) -> list[dict[str, Any]]:
    """The entries of an index with which containerd gives an image these names."""
    plain = {key: value for key, value in entry.items() if key != "annotations"}
    return [{**plain, "annotations": {_NAME: name, _TAG: name.rpartition(":")[2]}} for name in names]


def index_files(entries: Iterable[Mapping[str, Any]]) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    """The files beside the blobs, from the entries of the index."""
    files = {
        LAYOUT: {"imageLayoutVersion": "1.0.0"},
        INDEX: {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": list(entries),
        },
    }
    for name, content in files.items():
        text = json.dumps(content).encode()
        header = tarfile.TarInfo(name)
        header.size = len(text)
        yield header, io.BytesIO(text)
