# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find out whether a cluster can be deleted: what uses its volumes, and whether a backup has their current data."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain

from ansible_collections.kindlab.volumes.plugins.module_utils._core import removal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data import checksums
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume, read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.data import Source, read_lists
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.looks import (
    directory_faults,
    sources,
    unused,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import Backup, read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach.usage_check import UsageCheck
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster

from .engine import Engine


def find_blockers(
    cluster: Cluster,
    engine: Engine,
    nodes: Sequence[Node],
    path: str,
    assume_unused: Collection[str] = (),
    assume_saved: Collection[str] | None = None,
    *,
    generation: str | None = None,
    accept_loss: Collection[str] = (),
) -> tuple[Refusal, ...]:
    """Every reason not to delete a cluster. path: of the backup of its volumes, '' for none.

    nodes: compared with this host and proved to be those of the API server. assume_unused, assume_saved: volumes that
    will have been detached, and backed up by a generation that has no others; None if none will be written.
    generation: None for the newest. accept_loss: as in removal.blockers.
    """
    pvs, claims, *workloads = cluster.lists(*removal.READ)
    everything = read_volumes(pvs, claims)
    without_data = unused(pvs, claims, nodes, engine)
    volumes = removal.at_stake(everything, chain.from_iterable(workloads), without_data)
    if not volumes:
        return ()
    needed = removal.needed(volumes, pvs)
    if assume_saved is None:
        not_backed_up, archived = _check_backup((path, generation), needed, (pvs, claims), nodes, engine)
    else:
        not_backed_up, archived = removal.assumed(needed, assume_saved)
        volumes = removal.as_saved(volumes, assume_saved)
    # Last, so that volumes that are unused now have not been written to since they were compared.
    users = UsageCheck(cluster, engine, nodes).users([v for v in volumes if v.name not in assume_unused])
    texts = {name: [user.text() for user in own] for name, own in users.items()}
    # Reading data takes minutes: a volume that was created since, or got a claim, was not looked at.
    pvs, claims, *workloads = cluster.lists(*removal.READ)
    now = removal.at_stake(read_volumes(pvs, claims), chain.from_iterable(workloads), ())
    return (
        *removal.blockers(volumes, nodes, texts, not_backed_up, archived, needed.data, accept_loss),
        *removal.changed_meanwhile(everything, now),
    )


def changes(backup: Backup, volumes: Iterable[Volume], nodes: Sequence[Node], engine: Engine) -> removal.Changes:
    """Volume's name -> how its data differs from its list in the backup, by size and time of files.

    If these differ and the list has checksums, content decides: different times alone are no change. Data that cannot
    be read differs.
    """
    saved = {volume.name for volume in backup.catalog.volumes if volume.checksum_list}
    places, _incomparable = removal.comparable([volume for volume in volumes if volume.name in saved], nodes)
    return compare_data(backup, sources(places, nodes, engine))


def compare_data(backup: Backup, found: Mapping[str, Source], *, whole: bool = False) -> removal.Changes:
    """The same for volumes with lists whose data is read there. whole: by content at once, if the lists have it."""
    saved = {volume.name: volume for volume in backup.catalog.volumes if volume.checksum_list}

    def compare(names: Iterable[str], mode: str) -> removal.Changes:
        names = list(names)
        try:
            lists = read_lists({name: found[name] for name in names}, mode)
        except KindlabError as error:
            if len(names) == 1:
                return {names[0]: removal.unread(error.message)}
            return {name: difference for one in names for name, difference in compare([one], mode).items()}
        return {
            name: checksums.compare(backup.entries(saved[name]), listed.entries, mode)
            if listed.consistent
            else removal.unread("files that are written to")
            for name, listed in lists.items()
        }

    full = backup.catalog.checksums == "full"
    if full and whole:
        return compare(found, "full")
    result = compare(found, "fast")
    if full:
        result |= compare([name for name, difference in result.items() if difference], "full")
    return result


def _check_backup(
    where: tuple[str, str | None], needed: removal.Needed, live: removal.Objects, nodes: Sequence[Node], engine: Engine
) -> tuple[dict[str, str], set[str]]:
    """Why the backup does not contain volumes as they are, by name; and the names of those with a current archive.

    where: path and generation of the backup.
    """
    names = [volume.name for volume in needed.all]
    if not (where[0] and names):
        return dict.fromkeys(names, removal.NO_BACKUP), set()
    try:
        backup = read_backup(*where)
    except KindlabError as error:
        return dict.fromkeys(names, error.message.rstrip(".")), set()
    return compared(backup, needed, live, nodes, engine)


def compared(
    backup: Backup, needed: removal.Needed, live: removal.Objects, nodes: Sequence[Node], engine: Engine
) -> tuple[dict[str, str], set[str]]:
    """The same for a generation that was read. Data inside nodes, and its archives, are read in full."""
    names = [volume.name for volume in needed.all]
    places, incomparable = removal.comparable(needed.data, nodes)
    try:
        missing = directory_faults(places, nodes, engine)
        changed = changes(backup, [v for v in needed.data if v.name not in missing], nodes, engine)
        saved = (backup.objects("PersistentVolume"), backup.objects("PersistentVolumeClaim"))
    except KindlabError as error:
        return dict.fromkeys(names, error.message.rstrip(".")), set()
    reasons = {**removal.not_backed_up(needed, live, backup.catalog, saved, changed), **incomparable, **missing}
    # An archive counts only for volumes that were compared above.
    archived = [v for v in backup.catalog.volumes if v.archive and v.name in places and v.name not in reasons]
    # Once a node is gone, an archive is the only copy of what was inside.
    reasons |= backup.damaged_archives([volume for volume in archived if places[volume.name].node])
    return reasons, {volume.name for volume in archived} - reasons.keys()
