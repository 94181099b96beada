# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan relocations of volumes, refused as a whole: types, and what moving and converting have in common."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import is_below
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume, read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.manifests import LABEL
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal, decline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count
from ansible_collections.kindlab.volumes.plugins.module_utils._core.transfer.ends import (
    Refused,
    data_of,
    key_of,
    owners,
    place_of,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.transfer.observed import Observed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.selection import Selection

from .relocation import CONVERT, MOVE, Relocation, relocated

_SELECT = "Select other volumes (names)."
# The new PersistentVolume, None if the volume is as requested.
Change = Callable[[Volume, Object, Observed], "Object | None"]


@dataclass(frozen=True)
class Plan:
    """The relocations, the volumes that stay as they are, and why others are refused."""

    relocations: tuple[Relocation, ...] = ()
    unchanged: tuple[Object, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    def rows(self) -> list[Object]:
        """The volumes in the module's result."""
        return sorted([*(r.as_dict() for r in self.relocations), *self.unchanged], key=lambda row: row["name"])

    def recorded(self, purpose: str, at: str) -> Plan:
        """With what all relocations of one run have in common."""
        return replace(self, relocations=tuple(replace(r, purpose=purpose, at=at) for r in self.relocations))


def plan(
    verb: str, selected: Iterable[Volume], observed: Observed, change: Change, begun: Collection[str] = ()
) -> Plan:
    """begun: names of volumes that an interrupted run relocates."""
    directories = owners(observed.volumes, observed.nodes)
    relocations, unchanged, refusals = [], [], []
    for volume in selected:
        if volume.name in begun or volume.is_ephemeral:
            continue
        try:
            found = _relocation(verb, volume, observed, change)
            if found is None:
                unchanged.append(_row(volume, observed))
                continue
            for place in (found.source, found.target):
                if why := directories.why(key_of(place), besides=volume.name):
                    raise Refused(f"{why}, too", _SELECT)
            relocations.append(found)
        except Refused as refused:
            refusals.append(Refusal(volume.name, refused.why, refused.next_step, {"claim": volume.claim}))
    refusals += _meeting(relocations)
    return Plan(tuple(relocations), tuple(unchanged), tuple(refusals))


def _relocation(verb: str, volume: Volume, observed: Observed, change: Change) -> Relocation | None:
    pv = observed.pvs[volume.name]
    if LABEL in (pv["metadata"].get("labels") or {}):
        raise Refused("it is local data, which belongs to the host", "Change it with kindlab.volumes.local_data.")
    source = data_of(volume, observed.nodes)
    manifest = change(volume, pv, observed)
    if manifest is None:
        return None
    if volume.is_terminating:
        raise Refused("it or its claim is being deleted", "Back it up first: kindlab.volumes.volume_backup.")
    if (volume.phase, volume.claim_phase) != ("Bound", "Bound"):
        raise Refused(
            "it is not bound to a claim",
            f"Delete the volume if it is not needed, its data stays: kubectl delete pv {volume.name}",
        )
    (new,) = read_volumes([manifest], [])
    target = place_of(new, observed.nodes)
    copies = key_of(source) != key_of(target)
    if copies and (why := _immovable(source, observed)):
        raise Refused(f"its data cannot be set aside: {why}", _SELECT)
    claim = observed.claims[volume.claim]
    found = relocated(verb, volume, pv, claim, manifest, (source, target), copies=copies)
    return replace(found, after=new.nodes)


def _immovable(source: Place, observed: Observed) -> str:
    """Why a directory cannot be renamed, '' if it can: a node has it, or one in it, mounted."""
    for node in observed.nodes:
        for mount in node.mounts:
            path = mount.host_path if source.host_directory else mount.node_path
            own = source.host_directory or (source.node_directory if node.name == source.node else "")
            if own and path and is_below(path, own):
                return f"{node.name} has {path} mounted"
    return ""


def _meeting(relocations: Sequence[Relocation]) -> list[Refusal]:
    """Volumes of several nodes that would get one directory."""
    by_target: dict[str, list[Relocation]] = {}
    for one in relocations:
        by_target.setdefault(key_of(one.target), []).append(one)
    return [
        Refusal(one.name, f"several volumes would get the directory {one.target.text()}", _SELECT, {"claim": one.claim})
        for several in by_target.values()
        for one in several
        if len(several) > 1
    ]


def _row(volume: Volume, observed: Observed) -> Object:
    place = data_of(volume, observed.nodes)
    return {
        "name": volume.name,
        "claim": volume.claim,
        "action": "unchanged",
        "nodes_before": list(volume.nodes),
        "nodes": list(volume.nodes),
        "source": volume.source,
        "storage_class": volume.storage_class,
        "node_directory": place.node_directory,
        "host_directory": place.host_directory,
        "copied": False,
        "set_aside": "",
    }


def selected(selection: Selection, observed: Observed, cluster: str, begun: Iterable[Relocation]) -> tuple[Volume, ...]:
    """The selected volumes. Raises BadInput for a name that no volume has; one that is relocated may be missing."""
    missing = (Volume(r.name, r.claim) for r in begun if r.name not in observed.pvs)
    found = selection.select((*observed.volumes, *missing), f"Cluster {cluster}")
    return tuple(volume for volume in found if volume.name in observed.pvs)


def check(verb: str, refusals: Sequence[Refusal]) -> None:
    """Raise Declined if there is any."""
    done = {MOVE: "moved", CONVERT: "converted"}[verb]
    decline(f"{count(len({refusal.name for refusal in refusals}), 'volume')} cannot be {done}", refusals)


def details_of(relocations: Iterable[Relocation]) -> Mapping[str, Mapping[str, str]]:
    """The claims, for refusals."""
    return {one.name: {"claim": one.claim} for one in relocations}
