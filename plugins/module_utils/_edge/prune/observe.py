# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Observe what may be pruned: a cluster's volumes, directories where provisioners create them, and backups."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.generations import saved_directories
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.model import VOLUME, Item, Kept, Observed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.related import Related
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.request import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Connect

from .around import look_around
from .backups import backup_items, find_backup
from .entries import directory_items
from .look import looked, reach_of
from .markers import marker_directory, marker_items

_ADOPT = "Adopt it: kindlab.volumes.volume_adopt. Or delete {}, and run this again."


@dataclass(frozen=True)
class Source:
    """What was observed. cluster: the API server, None if there is none; volumes: the names of all of its volumes.

    inside: gives what runs programs in a node.
    """

    observed: Observed
    cluster: Cluster | None
    volumes: Collection[str]
    warnings: tuple[str, ...]
    inside: Callable[[str], Any]


def observe(
    options: Mapping[str, Any], request: Request, now: float, runner: Runner | None, connect: Connect
) -> Source:
    """now: seconds since the epoch. Raises BadInput and Unreachable."""
    states = [find_backup(path) for path in request.backups]
    markers = marker_directory(options["kubeconfig"], request.cluster)
    around = look_around(options, request, runner, connect, beside=(markers, *request.backups))
    related, reach = around.related(), reach_of(around.clusters.engine, around.own.nodes)
    found, unread = directory_items(around.searched, related, saved_directories(states), reach)
    volumes = around.volumes(related)
    # What belongs to a volume goes with it.
    owned = {item.path for item in volumes}
    saved = Related((path, "", "a backup") for path in request.backups)
    items = [_beside(item, saved) for item in (*(item for item in found if item.path not in owned), *volumes)]
    others = [item for state in states for item in backup_items(state)]
    others += marker_items(markers, (*around.everywhere, *around.clusters.others))
    awaited = around.awaited()
    existing = frozenset(name for name in request.names if name.startswith("/") and os.path.lexists(name))
    # The trash of one directory may be that of another one.
    every = {item.name: _unowned(item, related, awaited) for item in (*others, *items)}.values()
    # Reading the trees takes long: who uses them is asked afterwards.
    seen = around.clusters.checked(looked(every, around.mounts, reach))
    observed = Observed(tuple(seen), now, states, existing, around.clusters.unknown)
    own = around.own
    warnings = (*own.warnings, *around.clusters.warnings(), *unread)
    return Source(observed, own.cluster, own.pvs.keys(), warnings, around.clusters.engine.inside)


def _beside(item: Item, saved: Related) -> Item:
    """An item, kept if a backup is in it. saved: the directories of backups."""
    why = saved.why(item.path) if item.path else ""
    return item.but(Kept(why) if why else None)


def _unowned(item: Item, related: Related, awaited: Mapping[str, str]) -> Item:
    """An item, kept if a volume has its directory: also what is in the trash, or looks like a leftover.

    awaited: volume's name -> the claim that waits for it.
    """
    if item.kind == VOLUME or not item.path:
        return item
    why = related.why(item.path)
    claim = awaited.get(item.volume, "")
    waits = Kept(f"it was made for {claim}, which exists", _ADOPT.format(claim)) if claim else None
    return item.but(waits).but(Kept(why) if why else None)
