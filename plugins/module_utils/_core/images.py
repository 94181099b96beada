# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images that are wanted in nodes, and what a node's containerd says that it has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import BadInput

DEFAULT_SNAPSHOTTER = "overlayfs"
_NAME_ANNOTATIONS = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
# The table of containerd's configuration that names the snapshotter, in versions 2, and 3 and later (kind's rule).
_CRI_TABLES = ('plugins."io.containerd.grpc.v1.cri".containerd', 'plugins."io.containerd.cri.v1.images"')


@dataclass(frozen=True)
class Image:
    """One image: its names without a registry, and the digest (of its configuration or manifest) it is known by."""

    names: tuple[str, ...]
    digest: str

    def is_in(self, listing: Mapping[str, str]) -> bool:
        """True where a node has this very content, under each of the names."""
        if not self.names:
            return self.digest in listing or self.digest in listing.values()
        # Kubernetes' runtime keeps a second entry for an image, named by the digest of its configuration.
        content = {self.digest, listing.get(self.digest, "")}
        return all(listing.get(name) in content for name in self.names)


def engine_image(name: str, image_id: str) -> Image:
    """An image of the engine's. One that is named by digest loses that name when it is saved."""
    return Image(() if "@" in name else (plain_name(name),), full_id(image_id))


def read_listing(text: str) -> dict[str, str]:
    """{name: digest of the manifest} from 'ctr images list'."""
    rows = (line.split() for line in text.splitlines()[1:])
    return {_listed(row[0]): row[2] for row in rows if len(row) > 2}


def _listed(name: str) -> str:
    return name if name.startswith("sha256:") else plain_name(name)


def read_snapshotter(config: str) -> str:
    """The snapshotter that a node's containerd unpacks images with, from 'containerd config dump'."""
    table = ""
    for line in config.splitlines():
        header = re.fullmatch(r"\s*\[([^\[\]]+)\]\s*", line)
        if header:
            table = header[1].replace("'", '"').strip()
        found = re.fullmatch(r"\s*snapshotter\s*=\s*[\"']([^\"']+)[\"']\s*", line)
        if found and table in _CRI_TABLES:
            return found[1]
    return DEFAULT_SNAPSHOTTER


def archive_images(archive: str, manifest: Any, index: Any) -> tuple[Image, ...]:
    """The images of an archive, by its manifest.json (docker save) or index.json (OCI), None where it has none.

    Raises BadInput where neither is the list of an image archive.
    """
    try:
        found = [_saved(entry) for entry in manifest] if manifest else [_indexed(e) for e in index["manifests"]]
    except (AttributeError, KeyError, TypeError):
        found = []
    if not found:
        raise BadInput(
            f"{archive} is not an archive of images: it has neither a manifest.json nor an index.json that names one.",
            next_step=f"Write it with: docker save --output {archive} IMAGE",
        )
    return tuple(found)


def _saved(entry: Mapping[str, Any]) -> Image:
    # The configuration is DIGEST.json, or blobs/sha256/DIGEST since Docker 25.
    digest = entry["Config"].rpartition("/")[2].removesuffix(".json")
    return Image(_plain(entry.get("RepoTags") or ()), full_id(digest))


def _indexed(entry: Mapping[str, Any]) -> Image:
    annotations = entry.get("annotations") or {}
    name = next((annotations[key] for key in _NAME_ANNOTATIONS if key in annotations), "")
    return Image(_plain([name] if name else ()), entry["digest"])


def _plain(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(plain_name(name) for name in names)


def plain_name(image: str) -> str:
    """The name without its registry, with its tag: busybox:latest, however an engine or a node writes it.

    The registry says where an image was taken from, and nodes write one where people leave it out; that two names are
    the same content is told by their digests. The first part is a registry where it holds a dot or a colon, or is
    localhost (Docker's rule, reference.ParseNormalizedNamed).
    """
    first, _slash, rest = image.partition("/")
    name = rest if rest and (first == "localhost" or set(first) & set(".:")) else image
    name = name.removeprefix("library/")
    has_tag = ":" in name.rpartition("/")[2]
    return name if has_tag or "@" in name else f"{name}:latest"


def full_id(image_id: str) -> str:
    """An image's id with the name of its hash, which podman leaves out."""
    return image_id if ":" in image_id else f"sha256:{image_id}"
