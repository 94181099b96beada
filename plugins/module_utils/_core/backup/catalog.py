# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The backup's catalog: what was saved and from where, as data, as text, and checked.

A backup is `<path>/generations/<number>-<time>/` with catalog.json beside the files that the catalog lists by their
sha256: manifests/*.yaml, checksums/<volume>.jsonl (a line per entry of the volume), archives/<volume>.tar.zst or
.tar.gz. The number decides which generation is newer, never the clock.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node

FORMAT = 1
COLLECTION = "0.1.0"
CATALOG = "catalog.json"
DATA = ("in_place", "archive")
CHECKSUMS = ("full", "fast", "none")
COMPRESSIONS = {"zstd": ".tar.zst", "gzip": ".tar.gz"}

_GENERATION = re.compile(r"(\d{6,12})-(\d{8}T\d{6}Z)")
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DAMAGED = "Restore it from a copy, or use another generation of this backup; a catalog is never edited by hand."


@dataclass(frozen=True)
class SavedArchive:
    """A volume's data. path: in the generation; sha256 and bytes: of the compressed file; compression: zstd, gzip."""

    path: str
    sha256: str
    bytes: int
    compression: str


@dataclass(frozen=True)
class SavedCluster:
    """Where the volumes come from. nodes: name, cluster, role and mounts are kept."""

    name: str
    kubernetes_version: str
    nodes: tuple[Node, ...] = ()


@dataclass(frozen=True)
class SavedVolume:
    """One volume of the backup.

    claim: 'namespace/name', '' for none. reclaim_policy: the original one, before the backup made it Retain.
    nodes: those that the affinity names, () for any. host_directory: where its data lies on the host, '' where
    only manifests were saved, or data that was inside a node (then there is an archive). files, bytes: what is in
    it. digest: over the content of its entries (checksums.digest), '' with checksums 'none'. checksum_list: the path
    of its entries in the generation, '' for none. archive: None where the data stays in place.
    """

    name: str
    claim: str = ""
    storage_class: str = ""
    capacity: str = ""
    access_modes: tuple[str, ...] = ()
    reclaim_policy: str = "Retain"
    nodes: tuple[str, ...] = ()
    node_directory: str = ""
    host_directory: str = ""
    files: int = 0
    bytes: int = 0
    digest: str = ""
    checksum_list: str = ""
    archive: SavedArchive | None = None


@dataclass(frozen=True)
class Catalog:
    """One generation. data: of DATA; checksums: of CHECKSUMS; files: path in the generation -> sha256, all of them."""

    created: str
    cluster: SavedCluster
    data: str = "in_place"
    checksums: str = "full"
    volumes: tuple[SavedVolume, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    collection: str = COLLECTION


class NewerFormat(BadInput):
    """The backup was written by a newer version of this collection."""


def to_text(catalog: Catalog) -> str:
    """The catalog as JSON for people and programs; its own sha256 is in it, so that no change goes unnoticed."""
    data: dict[str, Any] = {"format": FORMAT, **asdict(catalog), "files": dict(catalog.files)}
    for node in data["cluster"]["nodes"]:
        for unsaved in ("state", "image", "image_id", "ports", "exit_reason"):
            del node[unsaved]
    return json.dumps({**data, "sha256": _own_digest(data)}, indent=1) + "\n"


def from_text(text: str | bytes, where: str) -> Catalog:
    """Read and check a catalog. where: its file, for errors. Raises BadInput (NewerFormat) before it is believed."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"The catalog {where} is not complete JSON: {error}", next_step=_DAMAGED) from None
    version = data.get("format") if isinstance(data, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise BadInput(f"{where} is not a catalog of kindlab.volumes: it names no format.", next_step=_DAMAGED)
    if version > FORMAT:
        raise NewerFormat(
            f"The catalog {where} has format {version}; kindlab.volumes {COLLECTION} knows format {FORMAT}.",
            next_step=f"Install kindlab.volumes {data['collection']} or newer."
            if "collection" in data
            else "Install a newer kindlab.volumes.",
        )
    if data.pop("sha256", None) != _own_digest(data):
        raise BadInput(f"The catalog {where} was changed after it was written.", next_step=_DAMAGED)
    catalog = _catalog(_Part(data, where))
    check(catalog, where)
    return catalog


def check(catalog: Catalog, where: str) -> None:
    """Raise BadInput where a name or path could lead out of the backup, or where parts don't fit each other."""
    for path, digest in catalog.files.items():
        if not is_inside(path) or path == CATALOG or not _SHA256.fullmatch(digest):
            raise BadInput(f"The catalog {where} lists {path!r}: {digest!r}.", next_step=_DAMAGED)
    if catalog.data not in DATA or catalog.checksums not in CHECKSUMS:
        raise BadInput(f"The catalog {where}: no such mode, {catalog.data}, {catalog.checksums}.", next_step=_DAMAGED)
    names: set[str] = set()
    for volume in catalog.volumes:
        why = "it is listed twice" if volume.name in names else _fault(volume, catalog)
        if why:
            raise BadInput(f"The catalog {where}, volume {volume.name!r}: {why}.", next_step=_DAMAGED)
        names.add(volume.name)


def is_inside(path: str) -> bool:
    """True for a plain relative path, which can't leave the directory it is joined to (but by symbolic links)."""
    parts = path.split("/")
    # Names of volumes are ASCII; not all else can be a file's name.
    return path.isascii() and "\0" not in path and all(part not in ("", ".", "..") for part in parts)


def same_content(one: Catalog, other: Catalog) -> bool:
    """True where both hold the same volumes, manifests and data; times don't count, nor who wrote them."""
    return _content(one) == _content(other)


def generation_name(number: int, created: str) -> str:
    """The directory's name. created: '2026-11-23T06:57:00Z'."""
    return f"{number:06d}-{created.replace('-', '').replace(':', '')}"


def generation_number(name: str) -> int | None:
    """The number in a generation directory's name; None where it is no such name."""
    match = _GENERATION.fullmatch(name)
    return int(match.group(1)) if match else None


def file_stem(volume: str) -> str:
    """The beginning of a volume's file names; names too long for a file system are cut and told apart by a digest."""
    if len(volume) <= 200:
        return volume
    return f"{volume[:180]}-{hashlib.sha256(volume.encode()).hexdigest()[:16]}"


def _content(catalog: Catalog) -> Catalog:
    plain = []
    for volume in catalog.volumes:
        archive = volume.archive and SavedArchive("", "", 0, volume.archive.compression)
        plain.append(replace(volume, archive=archive))
    manifests = {path: digest for path, digest in catalog.files.items() if path.startswith("manifests/")}
    return replace(catalog, created="", collection="", volumes=tuple(plain), files=manifests)


def _fault(volume: SavedVolume, catalog: Catalog) -> str:
    """Why this can't be a volume of this backup; '' where it can."""
    files = catalog.files
    claim = volume.claim.split("/") if volume.claim else []
    archive = volume.archive
    if not all(_NAME.fullmatch(name) for name in (volume.name, *claim)) or len(claim) not in (0, 2):
        return f"it or its claim {volume.claim!r} has no name that Kubernetes allows"
    for directory in filter(None, (volume.node_directory, volume.host_directory)):
        if not directory.startswith("/") or posixpath.normpath(directory) != directory or "\0" in directory:
            return f"{directory!r} is no absolute, normal path"
    if volume.checksum_list and volume.checksum_list not in files:
        return f"its checksum list {volume.checksum_list!r} is not among the files"
    if archive and (files.get(archive.path) != archive.sha256 or archive.compression not in COMPRESSIONS):
        return f"its archive {archive.path!r} is not among the files, or has another sha256 there"
    if catalog.data == "archive" and not (archive and volume.checksum_list):
        return "it has no archive, or no checksum list that proves what is extracted"
    return "" if min(volume.files, volume.bytes, archive.bytes if archive else 0) >= 0 else "it has negative sizes"


def _own_digest(data: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class _Part:
    """A mapping of the catalog, read field by field: a field that is missing or of another type raises BadInput."""

    def __init__(self, data: Any, where: str) -> None:
        self.where = where
        self.data: dict[str, Any] = self._typed(data, dict, "it")

    def _typed(self, value: Any, kind: type, name: str) -> Any:
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise BadInput(f"The catalog {self.where}: {name} is not a {kind.__name__}.", next_step=_DAMAGED)
        return value

    def text(self, key: str) -> str:
        return str(self._typed(self.data.get(key), str, key))

    def number(self, key: str) -> int:
        return int(self._typed(self.data.get(key), int, key))

    def flag(self, key: str) -> bool:
        return bool(self._typed(self.data.get(key), bool, key))

    def texts(self, key: str) -> tuple[str, ...]:
        return tuple(self._typed(item, str, key) for item in self._typed(self.data.get(key), list, key))

    def part(self, key: str) -> _Part:
        return _Part(self.data.get(key), self.where)

    def parts(self, key: str) -> list[_Part]:
        return [_Part(item, self.where) for item in self._typed(self.data.get(key), list, key)]


def _catalog(part: _Part) -> Catalog:
    files = part.part("files")
    cluster = part.part("cluster")
    name = cluster.text("name")
    return Catalog(
        created=part.text("created"),
        cluster=SavedCluster(
            name, cluster.text("kubernetes_version"), tuple(_node(node, name) for node in cluster.parts("nodes"))
        ),
        data=part.text("data"),
        checksums=part.text("checksums"),
        volumes=tuple(_volume(volume) for volume in part.parts("volumes")),
        files={path: files.text(path) for path in files.data},
        collection=part.text("collection"),
    )


def _node(part: _Part, cluster: str) -> Node:
    mounts = tuple(
        Mount(m.text("node_path"), m.text("host_path"), m.text("kind"), m.flag("read_only"), m.text("propagation"))
        for m in part.parts("mounts")
    )
    return Node(part.text("name"), cluster, part.text("role"), mounts=mounts)


def _volume(part: _Part) -> SavedVolume:
    archive = None
    if part.data.get("archive") is not None:
        file = part.part("archive")
        archive = SavedArchive(file.text("path"), file.text("sha256"), file.number("bytes"), file.text("compression"))
    return SavedVolume(
        name=part.text("name"),
        claim=part.text("claim"),
        storage_class=part.text("storage_class"),
        capacity=part.text("capacity"),
        access_modes=part.texts("access_modes"),
        reclaim_policy=part.text("reclaim_policy"),
        nodes=part.texts("nodes"),
        node_directory=part.text("node_directory"),
        host_directory=part.text("host_directory"),
        files=part.number("files"),
        bytes=part.number("bytes"),
        digest=part.text("digest"),
        checksum_list=part.text("checksum_list"),
        archive=archive,
    )
