# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find out whether a cluster can be deleted: what uses its volumes, and whether a backup has their current data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._core import removal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data import checksums
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksums import Difference
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume, read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.data import Source, read_lists
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import Backup, read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import node_directories
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach.usage_check import UsageCheck
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster

from .engine import Engine


def find_blockers(cluster: Cluster, engine: Engine, nodes: Sequence[Node], path: str) -> tuple[Refusal, ...]:
    """Every reason not to delete a cluster. path: of the backup of its volumes, '' for none.

    nodes: compared with this host and proved to be those of the API server.
    """
    pvs, claims = cluster.lists("PersistentVolume", "PersistentVolumeClaim")
    volumes = read_volumes(pvs, claims)
    if not volumes:
        return ()
    needing = removal.needing_backup(volumes, pvs)
    not_backed_up, archived = _check_backup(path, needing, (pvs, claims), nodes, engine)
    # Last, so that volumes that are unused now have not been written to since they were compared.
    users = UsageCheck(cluster, engine, nodes).users(volumes)
    texts = {name: [user.text() for user in own] for name, own in users.items()}
    return removal.blockers(volumes, nodes, texts, not_backed_up, archived, needing)


def changes(backup: Backup, volumes: Iterable[Volume], nodes: Sequence[Node], engine: Engine) -> dict[str, Difference]:
    """Volume's name -> how its data differs from its list in the backup, by size and time of files.

    If these differ and the list has checksums, content decides: different times alone are no change.
    """
    saved = {volume.name: volume for volume in backup.catalog.volumes if volume.checksum_list}
    places, _incomparable = removal.comparable([volume for volume in volumes if volume.name in saved], nodes)
    sources: dict[str, Source] = {name: place.host_directory for name, place in places.items() if not place.node}
    sources |= node_directories(engine, {name: place for name, place in places.items() if place.node})

    def compare(names: Iterable[str], mode: str) -> dict[str, Difference]:
        lists = read_lists({name: sources[name] for name in names}, mode)
        return {
            name: checksums.compare(backup.entries(saved[name]), checksums.from_text(listed.text, name), mode)
            for name, listed in lists.items()
        }

    result = compare(sources, "fast")
    if backup.catalog.checksums == "full":
        result |= compare([name for name, difference in result.items() if difference], "full")
    return result


def _check_backup(
    path: str, volumes: Sequence[Volume], live: removal.Objects, nodes: Sequence[Node], engine: Engine
) -> tuple[dict[str, str], set[str]]:
    """Why the backup does not contain volumes as they are, by name; and the names of those with a current archive."""
    if not path:
        return dict.fromkeys((volume.name for volume in volumes), removal.NO_BACKUP), set()
    try:
        backup = read_backup(path)
        changed = changes(backup, volumes, nodes, engine)
    except KindlabError as error:
        return dict.fromkeys((volume.name for volume in volumes), error.message.rstrip(".")), set()
    _places, incomparable = removal.comparable(volumes, nodes)
    saved = (backup.objects("PersistentVolume"), backup.objects("PersistentVolumeClaim"))
    reasons = {**incomparable, **removal.not_backed_up(volumes, live, backup.catalog, saved, changed)}
    with_archive = {volume.name for volume in backup.catalog.volumes if volume.archive}
    # An archive counts only for volumes that were compared above.
    return reasons, {volume.name for volume in volumes if volume.name in with_archive and volume.name not in reasons}
