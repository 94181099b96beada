# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Container images: how the ones of an engine, an archive and a node are compared, by name and content."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import BadInput

_NAME_ANNOTATIONS = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
# The table of containerd's configuration that names the snapshotter, in versions 2, and 3 and later (kind's rule).
_CRI_TABLES = ('plugins."io.containerd.grpc.v1.cri".containerd', 'plugins."io.containerd.cri.v1.images"')

# Machine (uname -m) -> architecture, where they differ.
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}


@dataclass(frozen=True)
class Image:
    """One image: its names, each with its tag, and its digest (of the configuration or the manifest)."""

    names: tuple[str, ...]
    digest: str

    def is_in(self, listing: Mapping[str, str]) -> bool:
        """True if a node has this content under each of the names. listing: see read_listing."""
        if not self.names:
            return self.digest in listing or self.digest in listing.values()
        # The container runtime keeps a second entry for an image, named by the digest of its configuration.
        content = {self.digest, listing.get(self.digest, "")}
        there = [name for name, digest in listing.items() if digest in content]
        return all(any(_is_same(name, other) for other in there) for name in self.names)

    @property
    def plain_names(self) -> tuple[str, ...]:
        """Its names without a registry."""
        return tuple(map(plain_name, self.names))


def engine_image(name: str, image_id: str) -> Image:
    """An image of the engine. If it is named by digest it loses that name when it is saved."""
    return Image(() if "@" in name else (name,), full_id(image_id))


def read_listing(text: str) -> dict[str, str]:
    """{name: digest of the manifest} from the output of 'ctr images list'."""
    return {row[0]: row[2] for row in (line.split() for line in text.splitlines()[1:]) if len(row) > 2}


def read_snapshotter(config: str) -> str:
    """The snapshotter with which containerd unpacks images, from 'containerd config dump'; its default is overlayfs."""
    table = ""
    for line in config.splitlines():
        header = re.fullmatch(r"\s*\[([^\[\]]+)\]\s*", line)
        if header:
            table = header[1].replace("'", '"').strip()
        setting = re.fullmatch(r"\s*snapshotter\s*=\s*[\"']([^\"']+)[\"']\s*", line)
        if setting and table in _CRI_TABLES:
            return setting[1]
    return "overlayfs"


def archive_images(archive: str, manifest: Any, index: Any, save: str) -> tuple[Image, ...]:
    """The images of an archive, from its manifest.json (docker save) or index.json (OCI); each None if missing.

    save: the engine's command to write an archive. Raises BadInput if neither of them lists images.
    """
    try:
        images = [_saved(entry) for entry in manifest] if manifest else [_indexed(e) for e in index["manifests"]]
    except (AttributeError, KeyError, TypeError):
        images = []
    if not images:
        raise BadInput(
            f"{archive} is not an image archive: neither manifest.json nor index.json in it lists an image.",
            next_step=f"Create it: {save}",
        )
    return tuple(images)


def _saved(entry: Mapping[str, Any]) -> Image:
    # The configuration is DIGEST.json, or blobs/sha256/DIGEST since Docker 25.
    digest = entry["Config"].rpartition("/")[2].removesuffix(".json")
    return Image(tuple(entry.get("RepoTags") or ()), full_id(digest))


def _indexed(entry: Mapping[str, Any]) -> Image:
    annotations = entry.get("annotations") or {}
    name = next((annotations[key] for key in _NAME_ANNOTATIONS if key in annotations), "")
    # containerd takes a name without any of these characters for a tag, of a repository that is called by the date.
    return Image((name,) if set(name) & set("/:@") else (), entry["digest"])


def plain_name(image: str) -> str:
    """The name without its registry, with its tag, e.g. busybox:latest.

    Nodes add a registry to names that have none. Whether two names are the same content is decided by their digests.
    The first part is a registry if it contains a dot or a colon, or is localhost (Docker's rule,
    reference.ParseNormalizedNamed).
    """
    name = image.removeprefix(f"{_registry(image)}/").removeprefix("library/")
    has_tag = ":" in name.rpartition("/")[2]
    return name if has_tag or "@" in name else f"{name}:latest"


def platform_of(machine: str) -> str:
    """The platform that images of a machine (uname -m) have."""
    return f"linux/{_ARCHITECTURES.get(machine.strip(), machine.strip())}"


def _registry(image: str) -> str:
    """The registry in a name, '' for none."""
    first, _slash, rest = image.partition("/")
    return first if rest and (first == "localhost" or set(first) & set(".:")) else ""


def _is_same(name: str, listed: str) -> bool:
    """True if a node lists an image under its name; to a name without a registry, nodes and engines add one."""
    return plain_name(name) == plain_name(listed) and _registry(name) in ("", _registry(listed))


def full_id(image_id: str) -> str:
    """An image id with its hash algorithm, which podman omits."""
    return image_id if ":" in image_id else f"sha256:{image_id}"
