# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find out which volumes outlive their cluster: what is cheap to know, or all that a deletion reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain

from ansible_collections.kindlab.volumes.plugins.module_utils._core import removal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.inventory.survival import (
    NOT_READ,
    Known,
    Survival,
    survivals,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.ephemeral import ephemeral_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.looks import directory_faults, unused
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import Backup, read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Observation
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.removal import compared


@dataclass(frozen=True)
class Saved:
    """The newest generation of a backup, None if there is none or it is damaged: why not."""

    backup: Backup | None = None
    why_not: str = removal.NO_BACKUP


def find_saved(path: str | None) -> Saved:
    """What was saved at that path, if there is one."""
    if not path:
        return Saved()
    try:
        return Saved(read_backup(path), "")
    except KindlabError as error:
        return Saved(None, error.message.rstrip("."))


def find_survivals(observed: Observation, saved: Saved, *, full: bool) -> dict[str, Survival]:
    """By a volume's name. full: read data inside nodes and its archives, and compare them; else no content is read.

    observed: with objects of the kinds in removal.READ.
    """
    nodes, engine = observed.nodes, observed.engine
    pvs, claims, *workloads = (observed.objects[kind] for kind in removal.READ)
    volumes = read_volumes(pvs, claims)
    try:
        without_data = unused(pvs, claims, nodes, engine)
    except KindlabError:
        # A node that does not answer now is no reason not to show what is known.
        without_data = set()
    ephemeral = ephemeral_volumes(volumes, chain.from_iterable(workloads)) - without_data
    needed = removal.needed([v for v in volumes if v.name not in without_data | ephemeral], pvs)
    places, incomparable = removal.comparable(needed.data, nodes)
    on_host = {name: place for name, place in places.items() if not place.node}
    known = Known(
        {pv["metadata"]["name"]: pv for pv in pvs},
        nodes,
        needed,
        without_data,
        ephemeral,
        directory_faults(on_host, nodes, engine),
    )
    if saved.backup is None:
        known = replace(known, not_backed_up=dict.fromkeys([v.name for v in needed.all], saved.why_not))
    else:
        known = _with_backup(known, saved.backup, (pvs, claims), incomparable, engine, full=full)
    return survivals(volumes, known)


def _with_backup(
    known: Known,
    backup: Backup,
    live: removal.Objects,
    incomparable: Mapping[str, str],
    engine: Engine,
    *,
    full: bool,
) -> Known:
    """With what a generation holds. incomparable: by a volume's name, as removal.comparable returns it."""
    needed = known.needed
    try:
        kept = (backup.objects("PersistentVolume"), backup.objects("PersistentVolumeClaim"))
    except KindlabError as error:
        return replace(known, not_backed_up=dict.fromkeys([v.name for v in needed.all], error.message.rstrip(".")))
    reasons = removal.not_backed_up(needed, live, backup.catalog, kept, {})
    archives = {volume.name for volume in backup.catalog.volumes if volume.archive} - reasons.keys()
    unread = {v.name: incomparable.get(v.name, NOT_READ) for v in needed.data if v.name in archives}
    if not full:
        return replace(known, not_backed_up=reasons, unread=unread)
    reasons, archived = compared(backup, needed, live, known.nodes, engine)
    unread = {name: why for name, why in unread.items() if why != NOT_READ}
    return replace(known, not_backed_up=reasons, archived=archived, unread=unread)
