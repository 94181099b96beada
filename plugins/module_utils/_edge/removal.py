# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looks at a cluster that is to be removed: what holds its volumes, and whether a backup holds them as they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.places import data_places
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data import checksums
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksums import Difference
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Declined, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume, read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.removal import (
    NONE_NAMED,
    Loss,
    losses,
    needing_backup,
    unsaved,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place, volume_places
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.data import Source, read_lists
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import Backup, read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import node_directories
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach.proof import Detachment
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster

from .engine import Engine


def dangers(cluster: Cluster, engine: Engine, nodes: Sequence[Node], path: str) -> tuple[Loss, ...]:
    """Every reason not to remove a cluster. path: of the backup that holds its volumes, '' for none."""
    pvs, claims = cluster.lists("PersistentVolume", "PersistentVolumeClaim")
    volumes = read_volumes(pvs, claims)
    if not volumes:
        return ()
    wanted = needing_backup(volumes, pvs)
    found, archived = _unsaved(path, wanted, (pvs, claims), nodes, engine)
    # Last, so that what is free now was not written to since it was compared.
    held = Detachment(cluster, engine, nodes).look(volumes)
    return losses(volumes, nodes, held, found, archived)


def changes(backup: Backup, volumes: Iterable[Volume], nodes: Sequence[Node], engine: Engine) -> dict[str, Difference]:
    """Volume's name -> how its data differs from its list in the backup: by size and time of files.

    Where that differs, and the list has checksums, content decides: a backup keeps no generation for other times alone.
    """
    saved = {volume.name: volume for volume in backup.catalog.volumes if volume.checksum_list}
    sources = _sources([volume for volume in volumes if volume.name in saved], nodes, engine)

    def compared(names: Iterable[str], mode: str) -> dict[str, Difference]:
        lists = read_lists({name: sources[name] for name in names}, mode)
        return {
            name: checksums.compare(backup.entries(saved[name]), checksums.from_text(listed.text, name), mode)
            for name, listed in lists.items()
        }

    found = compared(sources, "fast")
    if backup.catalog.checksums == "full":
        found |= compared([name for name, difference in found.items() if difference], "full")
    return found


def _unsaved(
    path: str,
    volumes: Sequence[Volume],
    now: tuple[list[Object], list[Object]],
    nodes: Sequence[Node],
    engine: Engine,
) -> tuple[dict[str, str], set[str]]:
    """Why the backup does not do, by volume's name; and the names of those whose data is in archives."""
    if not path:
        return dict.fromkeys((volume.name for volume in volumes), NONE_NAMED), set()
    try:
        backup = read_backup(path)
    except BadInput as error:
        return dict.fromkeys((volume.name for volume in volumes), error.message.rstrip(".")), set()
    try:
        changed = changes(backup, volumes, nodes, engine)
    except KindlabError as error:
        return dict.fromkeys((volume.name for volume in volumes), error.message.rstrip(".")), set()
    saved = (backup.objects("PersistentVolume"), backup.objects("PersistentVolumeClaim"))
    found = {**_unseen(volumes, nodes), **unsaved(volumes, now, backup.catalog, saved, changed)}
    with_archive = {volume.name for volume in backup.catalog.volumes if volume.archive}
    # Only of those that were looked at here it is known that their archives are as their data is.
    return found, {volume.name for volume in volumes if volume.name in with_archive and volume.name not in found}


def _unseen(volumes: Iterable[Volume], nodes: Sequence[Node]) -> dict[str, str]:
    """Volume's name -> why its data can't be compared, for those that a node of this cluster may have data of."""
    found = {}
    for volume in volumes:
        try:
            data_places([volume], nodes, archives=True)
        except Declined as error:
            if volume_places(volume, nodes):
                why = error.details[0]["why"]
                found[volume.name] = f"whether it is as it was saved can't be seen: {why}"
    return found


def _sources(volumes: Sequence[Volume], nodes: Sequence[Node], engine: Engine) -> dict[str, Source]:
    """Where the data of each is; those that have it at no certain place are left out."""
    places: dict[str, Place] = {}
    for volume in volumes:
        try:
            places |= data_places([volume], nodes, archives=True)
        except Declined:
            continue
    inside = node_directories(engine, {name: place for name, place in places.items() if place.node})
    return {**{name: place.host_directory for name, place in places.items() if not place.node}, **inside}
