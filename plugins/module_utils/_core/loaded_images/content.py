# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The images in a node, and the content of each: the blobs that it consists of, and which of them are missing."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.images import platform_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.shape.fits import fits

# The container runtime's own names, of the digest of the configuration; and 'ctr images import --digests' makes names
# that look like those of a registry.
_INTERNAL, _IMPORTED = "sha256:", re.compile(r"import-\d{4}-\d\d-\d\d@")
_DESCRIPTORS = [{"digest!": str, "platform": {"os": str, "architecture": str}}]
_DOCUMENT = {"manifests": _DESCRIPTORS, "layers": _DESCRIPTORS, "config": {"digest!": str}}


@dataclass(frozen=True)
class Target:
    """What a name stands for: a manifest, or an index of manifests for several platforms."""

    digest: str
    media_type: str


@dataclass(frozen=True)
class Blobs:
    """Blobs by digest. sizes: of all; documents: manifests and indexes. platform: of the node, e.g. linux/amd64."""

    platform: str
    sizes: Mapping[str, int]
    documents: Mapping[str, Any]


@dataclass(frozen=True)
class NodeImages:
    """The images of a node. names: those that people use, as containerd lists them.

    own_names, own_digests: what the node image brought.
    """

    names: Mapping[str, Target]
    blobs: Blobs
    own_names: frozenset[str] = frozenset()
    own_digests: frozenset[str] = frozenset()

    def is_own(self, name: str) -> bool:
        """True if every new node of this node image has it."""
        return name in self.own_names and self.names[name].digest in self.own_digests

    def is_pulled(self, name: str) -> bool:
        """True if the container runtime pulled it: beside the name it then has one with the registry's digest."""
        pulled = f"{_repository(name)}@{self.names[name].digest}"
        return pulled in self.names and not _IMPORTED.match(pulled)


@dataclass(frozen=True)
class Content:
    """blobs: digest -> size of what is there; missing: digests of what is not.

    partial: True if manifests for other platforms are missing, which is no reason not to use it.
    """

    blobs: Mapping[str, int] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    partial: bool = False

    @property
    def bytes(self) -> int:
        """The size of what is there."""
        return sum(self.blobs.values())


def parse_look(text: str, node: str) -> NodeImages:
    """A node's images from the output of _edge.loaded_images.look. Raises CommandFailed if it is not whole."""
    parts = text.split("\0")
    if len(parts) < 6 or parts[-1] != "end":
        raise CommandFailed(f"Node {node} does not list its images in a form that is known: {text[-200:]!r}")
    machine, listing, sizes, own_digests, own_names, *documents = parts[:-1]
    blobs = Blobs(
        platform=platform_of(machine),
        sizes={f"sha256:{digest}": int(size) for digest, size in map(str.split, sizes.splitlines())},
        documents=dict(_documents(documents)),
    )
    return NodeImages(
        parse_names(listing),
        blobs,
        frozenset(own_names.split()),
        frozenset(f"sha256:{digest}" for digest in own_digests.split()),
    )


def parse_names(listing: str) -> dict[str, Target]:
    """The names in the output of 'ctr images list', without those that the container runtime makes itself."""
    rows = (line.split() for line in listing.splitlines()[1:])
    return {r[0]: Target(r[2], r[1]) for r in rows if len(r) > 2 and not r[0].startswith(_INTERNAL)}


def parse_document(text: bytes) -> Any:
    """A manifest or an index; None for other content."""
    try:
        document = json.loads(text)
    except ValueError:
        return None
    return document if fits(document, _DOCUMENT) and document.keys() & {"manifests", "config"} else None


def content_of(blobs: Blobs, digest: str) -> Content:
    """The blobs of an image. Of manifests for other platforms, those that are complete."""
    document = blobs.documents.get(digest)
    if document is None:
        return Content(missing=(digest,))
    own = {digest: blobs.sizes[digest]}
    if "manifests" not in document:
        parts = [part["digest"] for part in (*filter(None, [document.get("config")]), *document.get("layers", ()))]
        missing = tuple(dict.fromkeys(part for part in parts if part not in blobs.sizes))
        return Content({**own, **{part: blobs.sizes[part] for part in parts if part in blobs.sizes}}, missing)
    found = [(_platform(entry), content_of(blobs, entry["digest"])) for entry in document["manifests"]]
    complete = [content for _name, content in found if not content.missing]
    # A node can use an image with the manifest for its own platform, and keep one that has only others.
    native = [content for platform, content in found if platform == blobs.platform]
    usable = any(not content.missing for content in native) if native else len(complete) == len(found)
    return Content(
        {**own, **{name: size for content in complete for name, size in content.blobs.items()}},
        () if usable else next(c.missing for c in native or [content for _name, content in found] if c.missing),
        len(complete) < len(found),
    )


def _platform(entry: Mapping[str, Any]) -> str:
    platform = entry.get("platform") or {}
    return f"{platform.get('os')}/{platform.get('architecture')}"


def _repository(name: str) -> str:
    """The name without tag and digest."""
    path, _at, _digest = name.partition("@")
    first, slash, last = path.rpartition("/")
    return f"{first}{slash}{last.partition(':')[0]}"


def _documents(parts: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """(digest, document): the parts are digests, each with the blob's text, which is what it says."""
    rest = iter(parts)
    for digest in rest:
        text = next(rest, "").encode("utf-8", "surrogateescape")
        document = parse_document(text)
        if document is not None and hashlib.sha256(text).hexdigest() == digest:
            yield f"sha256:{digest}", document
