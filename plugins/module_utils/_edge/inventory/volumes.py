# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Take the inventory of a cluster: its volumes, which of them outlive it, and orphan directories."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ansible_collections.kindlab.volumes.plugins.module_utils._core import removal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.places import elsewhere as outside
from ansible_collections.kindlab.volumes.plugins.module_utils._core.inventory.survival import summary
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.pods import pods_by_claim
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume, read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import (
    used_directories,
    watched_places,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.report import (
    describe,
    lost_claims,
    orphans,
    searched,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.selection import Selection
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach.other_clusters import volumes_elsewhere
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Observation

from .survival import Saved, find_survivals

READ = (*removal.READ, "Pod", "ConfigMap")


@dataclass(frozen=True)
class Inventory:
    """The selected volumes, with their rows in the result, and a line about them; all orphan directories."""

    volumes: Sequence[Volume]
    rows: Sequence[Object]
    summary: str
    orphans: Sequence[Object]
    warnings: tuple[str, ...]


def take_inventory(observed: Observation, selection: Selection, saved: Saved, *, full: bool) -> Inventory:
    """saved: the backup that volumes may be in; full: as in find_survivals. observed: with objects of READ."""
    pvs, claims, pods, config_maps = (
        observed.objects[kind] for kind in ("PersistentVolume", "PersistentVolumeClaim", "Pod", "ConfigMap")
    )
    volumes = read_volumes(pvs, claims)
    elsewhere = volumes_elsewhere(observed.engine, observed.sharing)
    watched, warnings = searched(watched_places(volumes, config_maps, observed.nodes), elsewhere)
    existing, unread = subdirectories(watched)
    using, by_name = pods_by_claim(pods), {pv["metadata"]["name"]: pv for pv in pvs}
    used = used_directories(volumes, observed.nodes) | elsewhere.volumes.keys()
    survivals = find_survivals(observed, saved, full=full)
    selected = [volume for volume in volumes if selection.matches(volume)]
    rows = [
        {
            **describe(v, observed.nodes, using, by_name[v.name], elsewhere=bool(outside(v, by_name[v.name]))),
            **survivals[v.name].as_dict(),
        }
        for v in selected
    ]
    return Inventory(
        selected,
        rows,
        summary(survivals[volume.name] for volume in selected),
        orphans(watched, existing, used),
        (*lost_claims(claims), *warnings, *unread),
    )


def subdirectories(paths: Iterable[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Path -> names of the directories in it; and a warning for each path that cannot be read."""
    existing: dict[str, list[str]] = {}
    warnings = []
    for path in paths:
        try:
            with os.scandir(path) as entries:
                existing[path] = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        except FileNotFoundError:
            continue
        except OSError as error:
            warnings.append(f"{path} is not searched for orphan directories: {error.strerror}")
    return existing, warnings
