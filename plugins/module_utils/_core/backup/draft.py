# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The catalog of a backup that is being made: the cluster and its volumes in the catalog's words."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.kindlab.volumes.plugins.module_utils._core.data import checksums
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume

from .catalog import (
    Catalog,
    SavedArchive,
    SavedCluster,
    SavedVolume,
    file_stem,
)

RETAIN = "Retain"


@dataclass(frozen=True)
class Modes:
    """How data is saved: data, checksums, compression and level as the options of volume_backup."""

    data: str = "in_place"
    checksums: str = "full"
    compression: str = "zstd"
    level: int | None = None

    @property
    def archives(self) -> bool:
        return self.data == "archive"


@dataclass(frozen=True)
class Listed:
    """A volume's checksum list. text: its JSON lines; the rest as SavedVolume; devices: how many nodes of such."""

    text: str = ""
    digest: str = ""
    files: int = 0
    bytes: int = 0
    devices: int = 0


def listed(entries: Sequence[checksums.Entry], mode: str) -> Listed:
    """The list of these entries, in what takes the least memory."""
    text, digest = checksums.to_text(entries, mode)
    files, size = checksums.totals(entries)
    return Listed(text, digest, files, size, sum(entry.type in ("char", "block") for entry in entries))


def draft(
    modes: Modes,
    cluster: SavedCluster,
    volumes: Iterable[Volume],
    directories: Mapping[str, str],
    lists: Mapping[str, Listed],
    texts: Mapping[str, str],
    created: str,
) -> Catalog:
    """The catalog as it will be but for what only writing can tell: the archives' sizes and sha256.

    directories: host directories, of the volumes that have one, and lists: by volume's name. texts: manifests by their
    path in the generation.
    """
    archive = SavedArchive("", "", 0, modes.compression) if modes.archives else None
    saved = tuple(_volume(v, directories.get(v.name, ""), lists[v.name], archive) for v in volumes)
    files = {path: hashlib.sha256(text.encode()).hexdigest() for path, text in texts.items()}
    return Catalog(created, cluster, modes.data, modes.checksums, saved, files)


def saved_cluster(name: str, version: str, nodes: Iterable[Node]) -> SavedCluster:
    """The cluster as a catalog keeps it; where the engine's own volumes lie changes with every creation: left out."""
    return SavedCluster(
        name,
        version,
        tuple(
            Node(
                node.name,
                name,
                node.role,
                mounts=tuple(
                    mount if mount.kind == "bind" else Mount(mount.node_path, "", mount.kind, mount.read_only)
                    for mount in node.mounts
                ),
            )
            for node in nodes
        ),
    )


def original_policy(volume: Volume) -> str:
    """The policy before any backup: an earlier one noted it on the volume, as it is Retain since."""
    return volume.reclaim_policy if volume.reclaim_policy != RETAIN else volume.original_policy or RETAIN


def _volume(volume: Volume, host_directory: str, found: Listed, archive: SavedArchive | None) -> SavedVolume:
    return SavedVolume(
        name=volume.name,
        claim=volume.claim,
        storage_class=volume.storage_class,
        capacity=volume.capacity,
        access_modes=volume.access_modes,
        reclaim_policy=original_policy(volume),
        nodes=volume.nodes,
        node_directory=volume.node_directory,
        host_directory=host_directory,
        files=found.files,
        bytes=found.bytes,
        digest=found.digest,
        checksum_list=f"checksums/{file_stem(volume.name)}.jsonl" if found.digest else "",
        archive=archive,
    )
