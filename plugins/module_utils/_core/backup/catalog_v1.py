# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reader of catalogs of format 1: types, plausible values, and no path out of the backup."""

from __future__ import annotations

import posixpath
import re
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput

from .catalog import (
    CATALOG,
    CHECKSUMS,
    COMPRESSIONS,
    DATA,
    Catalog,
    SavedArchive,
    SavedCluster,
    SavedMount,
    SavedNode,
    SavedVolume,
)

DAMAGED = "Restore it from a copy, or use another generation of this backup; never edit a catalog by hand."

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def read_v1(data: dict[str, Any], where: str) -> Catalog:
    """The catalog, checked. data: its JSON; where: its file, for errors. Raises BadInput."""
    catalog = _catalog(_Fields(data, where))
    for path, digest in catalog.files.items():
        if not is_inside(path) or path == CATALOG or not _SHA256.fullmatch(digest):
            raise BadInput(f"The catalog {where} lists the invalid file {path!r}: {digest!r}.", next_step=DAMAGED)
    if catalog.data not in DATA or catalog.checksums not in CHECKSUMS:
        raise BadInput(
            f"The catalog {where} has an unknown data or checksums mode ({catalog.data}, {catalog.checksums}).",
            next_step=DAMAGED,
        )
    names: set[str] = set()
    for volume in catalog.volumes:
        why = "it is listed twice" if volume.name in names else _fault(volume, catalog)
        if why:
            raise BadInput(f"The catalog {where}, volume {volume.name!r}: {why}.", next_step=DAMAGED)
        names.add(volume.name)
    return catalog


def is_inside(path: str) -> bool:
    """True for a plain relative path, which cannot leave the directory it is joined to (except by symbolic links)."""
    parts = path.split("/")
    # Names of volumes are ASCII; other characters may not be possible in file names.
    return path.isascii() and "\0" not in path and all(part not in ("", ".", "..") for part in parts)


def _fault(volume: SavedVolume, catalog: Catalog) -> str:
    """Why this cannot be a volume of the backup, '' if it can."""
    files = catalog.files
    claim = volume.claim.split("/") if volume.claim else []
    archive = volume.archive
    if not all(_NAME.fullmatch(name) for name in (volume.name, *claim)) or len(claim) not in (0, 2):
        return f"its name, or that of its claim {volume.claim!r}, is not valid in Kubernetes"
    for directory in filter(None, (volume.node_directory, volume.host_directory)):
        if not directory.startswith("/") or posixpath.normpath(directory) != directory or "\0" in directory:
            return f"{directory!r} is not an absolute, normalized path"
    if volume.checksum_list and volume.checksum_list not in files:
        return f"its checksum list {volume.checksum_list!r} is not among the files"
    if archive and (files.get(archive.path) != archive.sha256 or archive.compression not in COMPRESSIONS):
        return f"its archive {archive.path!r} is not among the files, or has another sha256 there"
    if catalog.data == "archive" and not (archive and volume.checksum_list):
        return "it has no archive, or no checksum list to verify what is extracted"
    return "" if min(volume.files, volume.bytes, archive.bytes if archive else 0) >= 0 else "it has negative sizes"


class _Fields:
    """An object of the catalog; a field that is missing or of another type raises BadInput."""

    def __init__(self, data: Any, where: str) -> None:
        self.where = where
        self.data: dict[str, Any] = self._typed(data, dict, "it")

    def _typed(self, value: Any, kind: type, name: str) -> Any:
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise BadInput(f"The catalog {self.where}: {name} is not a {kind.__name__}.", next_step=DAMAGED)
        return value

    def text(self, key: str) -> str:
        return str(self._typed(self.data.get(key), str, key))

    def number(self, key: str) -> int:
        return int(self._typed(self.data.get(key), int, key))

    def flag(self, key: str) -> bool:
        return bool(self._typed(self.data.get(key), bool, key))

    def texts(self, key: str) -> tuple[str, ...]:
        return tuple(self._typed(item, str, key) for item in self._typed(self.data.get(key), list, key))

    def object(self, key: str) -> _Fields:
        return _Fields(self.data.get(key), self.where)

    def objects(self, key: str) -> list[_Fields]:
        return [_Fields(item, self.where) for item in self._typed(self.data.get(key), list, key)]


def _catalog(fields: _Fields) -> Catalog:
    files = fields.object("files")
    cluster = fields.object("cluster")
    name = cluster.text("name")
    nodes = tuple(_node(node, name) for node in cluster.objects("nodes"))
    return Catalog(
        created=fields.text("created"),
        cluster=SavedCluster(name, cluster.text("kubernetes_version"), nodes),
        data=fields.text("data"),
        checksums=fields.text("checksums"),
        volumes=tuple(_volume(volume) for volume in fields.objects("volumes")),
        files={path: files.text(path) for path in files.data},
        collection=fields.text("collection"),
    )


def _node(fields: _Fields, cluster: str) -> SavedNode:
    mounts = (
        SavedMount(m.text("node_path"), m.text("host_path"), m.text("kind"), m.flag("read_only"), m.text("propagation"))
        for m in fields.objects("mounts")
    )
    return SavedNode(fields.text("name"), cluster, fields.text("role"), tuple(mounts))


def _volume(fields: _Fields) -> SavedVolume:
    archive = None
    if fields.data.get("archive") is not None:
        file = fields.object("archive")
        archive = SavedArchive(file.text("path"), file.text("sha256"), file.number("bytes"), file.text("compression"))
    return SavedVolume(
        name=fields.text("name"),
        claim=fields.text("claim"),
        storage_class=fields.text("storage_class"),
        capacity=fields.text("capacity"),
        access_modes=fields.texts("access_modes"),
        reclaim_policy=fields.text("reclaim_policy"),
        nodes=fields.texts("nodes"),
        node_directory=fields.text("node_directory"),
        host_directory=fields.text("host_directory"),
        files=fields.number("files"),
        bytes=fields.number("bytes"),
        digest=fields.text("digest"),
        checksum_list=fields.text("checksum_list"),
        archive=archive,
    )
