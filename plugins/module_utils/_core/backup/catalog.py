# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The catalog of a generation: its types, which are the format that is stored, and its text (docs/backup-format.md)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Optional

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node

# The format that is written; catalog_reader.READERS has those that can be read.
FORMAT = 3
COLLECTION = "0.1.0"
CATALOG = "catalog.json"
GENERATIONS = "generations"
# The folder of the files with objects.
OBJECTS = "objects/"
DATA = ("in_place", "archive")
CHECKSUMS = ("full", "fast", "none")
# Where the data of a volume is: in a directory of the host, inside a node (then it is in an archive), outside of the
# cluster's directories (network storage, devices, data of the host: only manifests are saved), or nowhere yet.
HOST, NODE, ELSEWHERE, NOTHING = WHERE = ("host", "node", "elsewhere", "none")
COMPRESSIONS = {"zstd": ".tar.zst", "gzip": ".tar.gz"}

_GENERATION = re.compile(r"(\d{6,200})-(\d{8}T\d{6}Z)")


@dataclass(frozen=True)
class SavedMount:
    """A mount of a node. kind: bind, volume or tmpfs; host_path: '' unless it is bind."""

    node_path: str
    host_path: str
    kind: str
    read_only: bool
    propagation: str

    @classmethod
    def from_mount(cls, mount: Mount) -> SavedMount:
        """Without the location of the engine's own volumes, which changes with each creation."""
        if mount.kind != "bind":
            return cls(mount.node_path, "", mount.kind, mount.read_only, "")
        return cls(mount.node_path, mount.host_path, mount.kind, mount.read_only, mount.propagation)


@dataclass(frozen=True)
class SavedNode:
    """A node of the cluster."""

    name: str
    cluster: str
    role: str
    mounts: tuple[SavedMount, ...] = ()

    def as_node(self) -> Node:
        """The node as observed, as far as it is saved."""
        mounts = (Mount(m.node_path, m.host_path, m.kind, m.read_only, m.propagation) for m in self.mounts)
        return Node(self.name, self.cluster, self.role, mounts=tuple(mounts))


@dataclass(frozen=True)
class SavedCluster:
    """The cluster that the volumes belong to."""

    name: str
    kubernetes_version: str
    nodes: tuple[SavedNode, ...] = ()

    @classmethod
    def from_nodes(cls, name: str, version: str, nodes: Iterable[Node]) -> SavedCluster:
        """From the observed nodes."""
        return cls(
            name,
            version,
            tuple(SavedNode(n.name, name, n.role, tuple(map(SavedMount.from_mount, n.mounts))) for n in nodes),
        )


@dataclass(frozen=True)
class SavedArchive:
    """A volume's archive. path: in the generation; sha256, bytes: of the compressed file."""

    path: str
    sha256: str
    bytes: int
    compression: str


@dataclass(frozen=True)
class SavedVolume:
    """A volume.

    claim: 'namespace/name', '' for none. phase: of the PersistentVolume when it was saved, '' if unknown.
    reclaim_policy: the original one, before the backup set Retain. nodes: those of the node affinity, () for any.
    data: of WHERE; source: where it is if that is ELSEWHERE, e.g. 'nfs files.example:/exports/db'. host_directory: ''
    unless data is HOST. files, bytes: of its data. consistent: False if it was written to whenever it was read.
    digest: over the content of its entries (ChecksumList), '' for none. checksum_list: its path in the generation, ''
    for none. archive: None if only the data's own place has it.
    """

    name: str
    claim: str = ""
    phase: str = ""
    storage_class: str = ""
    capacity: str = ""
    access_modes: tuple[str, ...] = ()
    reclaim_policy: str = "Retain"
    nodes: tuple[str, ...] = ()
    data: str = HOST
    source: str = ""
    node_directory: str = ""
    host_directory: str = ""
    files: int = 0
    bytes: int = 0
    consistent: bool = True
    digest: str = ""
    checksum_list: str = ""
    archive: Optional[SavedArchive] = None  # noqa: UP045


@dataclass(frozen=True)
class SavedLeftOut:
    """An object that is not saved, or all of a kind (name ''), or of an API group (kind '*'). why: for people."""

    kind: str
    group: str
    namespace: str
    name: str
    why: str


@dataclass(frozen=True)
class SavedSelection:
    """Which objects were requested, empty for all. labels: a label selector."""

    namespaces: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    labels: str = ""


@dataclass(frozen=True)
class SavedObjects:
    """The cluster's objects. made, changed: their numbers. baseline: what the cluster brought was known exactly."""

    made: int
    changed: int
    baseline: bool
    left_out: tuple[SavedLeftOut, ...] = ()
    selection: SavedSelection = field(default_factory=SavedSelection)


@dataclass(frozen=True)
class Catalog:
    """A generation. data: of DATA; checksums: of CHECKSUMS; files: path in the generation -> sha256, all of them.

    objects: None if they were not saved.
    """

    created: str
    cluster: SavedCluster
    data: str = "in_place"
    checksums: str = "full"
    volumes: tuple[SavedVolume, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    collection: str = COLLECTION
    objects: Optional[SavedObjects] = None  # noqa: UP045


def to_text(catalog: Catalog) -> str:
    """The catalog as JSON. It contains its own sha256, so that no change goes unnoticed."""
    data: dict[str, Any] = {"format": FORMAT, **vars(catalog), "files": dict(catalog.files)}
    return json.dumps({**data, "sha256": own_digest(data)}, indent=1, default=vars) + "\n"


def own_digest(data: Mapping[str, Any]) -> str:
    """The sha256 of a catalog as JSON, without the field for it."""
    return hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":"), default=vars).encode()).hexdigest()


def same_content(one: Catalog, other: Catalog) -> bool:
    """True if both hold the same volumes, manifests, objects and data, whenever and by whatever version it was done."""
    return _content(one) == _content(other)


def generation_name(number: int, created: str) -> str:
    """The directory's name. created: '2026-11-23T06:57:00Z'."""
    return f"{number:06d}-{created.replace('-', '').replace(':', '')}"


def generation_number(name: str) -> int | None:
    """The number in the name of a generation's directory; None for other names."""
    match = _GENERATION.fullmatch(name)
    return int(match.group(1)) if match else None


def file_stem(volume: str) -> str:
    """The stem of a volume's file names; names too long for a file system are cut and made unique by a digest."""
    if len(volume) <= 200:
        return volume
    return f"{volume[:180]}-{hashlib.sha256(volume.encode()).hexdigest()[:16]}"


def archive_path(volume: str, compression: str) -> str:
    """The path of a volume's archive in the generation."""
    return f"archives/{file_stem(volume)}{COMPRESSIONS[compression]}"


def _content(catalog: Catalog) -> Catalog:
    volumes = tuple(
        replace(volume, archive=volume.archive and SavedArchive("", "", 0, volume.archive.compression))
        for volume in catalog.volumes
    )
    described = {path: sha256 for path, sha256 in catalog.files.items() if path.startswith(("manifests/", OBJECTS))}
    return replace(catalog, created="", collection="", volumes=volumes, files=described)
