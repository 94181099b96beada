# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Released volumes: which of them can be deleted together with their directories."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.places import elsewhere
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place

from .model import UNCLAIMED, VOLUME, Item, Kept
from .related import Related


def volume_item(volume: Volume, pv: Object, places: Sequence[Place], related: Related, engine: str) -> Item:
    """A PersistentVolume. places: where its directory is; related: the directories of volumes of all clusters.

    engine: its name, for commands.
    """
    directories = {place.host_directory for place in places}
    path = directories.pop() if len(directories) == 1 else ""
    item = Item(VOLUME, volume.name, path, posixpath.dirname(path), volume=volume.name, claim=volume.claim)
    item = item.but(_kept(volume, pv, places, engine))
    if path and (why := related.why(path, besides=volume.name)):
        item = item.but(Kept(why))
    return replace(item, since=_released(pv))


def _kept(volume: Volume, pv: Object, places: Sequence[Place], engine: str) -> Kept | None:
    delete = f"kubectl delete persistentvolume {volume.name}"
    if volume.phase not in UNCLAIMED:
        return Kept(f"it is {volume.phase or 'new'}", is_known=True)
    if volume.is_terminating:
        return Kept("it is being deleted", f"See what that waits for: kubectl describe persistentvolume {volume.name}")
    if volume.reclaim_policy != "Retain":
        why = f"its reclaim policy is {volume.reclaim_policy}: its provisioner deletes it"
        return Kept(why, f"See whether that failed: kubectl describe persistentvolume {volume.name}")
    if elsewhere(volume, pv) or not volume.node_directory:
        return Kept("its data is not in a directory of the cluster", f"Delete the PersistentVolume alone: {delete}")
    if not volume.provisioned_by:
        return Kept("its directory was not created by a provisioner", f"Delete the PersistentVolume alone: {delete}")
    return _place(volume, places, delete, engine)


def _place(volume: Volume, places: Sequence[Place], delete: str, engine: str) -> Kept | None:
    """Why its directory can't be removed, None if it can."""
    mismatch = next((place for place in places if place.mismatch), None)
    if mismatch:
        return Kept(mismatch.mismatch, mismatch.remedy)
    directories = {place.host_directory for place in places}
    if "" in directories:
        inside = [place.node for place in places if not place.host_directory]
        removal = f"{engine} exec {inside[0]} rm -r {shlex.quote(volume.node_directory)}"
        return Kept(f"its data is inside {', '.join(inside)}, not on the host", f"{delete}, then {removal}")
    if len(directories) != 1:
        found = " and ".join(sorted(directories)) or "on no node of the cluster"
        return Kept(f"its directory is {found}", f"Delete the PersistentVolume alone: {delete}")
    return None


def _released(pv: Object) -> float | None:
    """When it was Released, in seconds since the epoch; None if the API server did not record it."""
    text = str((pv.get("status") or {}).get("lastPhaseTransitionTime") or "")
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() if text else None
    except ValueError:
        return None
