# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What would be lost if the cluster were removed: data that goes with it, is in use, or is not as it was saved."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import Catalog
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksums import Difference
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.holders import Held
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, kubernetes_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.manifests import LABEL
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.refusals import differences

from .errors import Declined

_ARCHIVE = "Save it with kindlab.volumes.volume_backup and data=archive, and name that path as backup."
_SAVE = "Save it with kindlab.volumes.volume_backup, and name that path as backup."
_FREE = "Bring what uses volumes to zero with kindlab.volumes.volume_detach."
_ELSEWHERE = "Save it by means of its own."
_RETAIN = "kindlab.volumes.volume_backup sets Retain first; or set persistentVolumeReclaimPolicy to Retain."


@dataclass(frozen=True)
class Loss:
    """One reason why a volume is not safe, and the way out."""

    volume: str
    claim: str
    reason: str
    way_out: str

    def text(self) -> str:
        """The reason as a line for people."""
        owner = f" of {self.claim}" if self.claim else ""
        return f"{self.volume}{owner}: {self.reason}"

    def as_dict(self) -> dict[str, Any]:
        """The reason as a module returns it."""
        return asdict(self)


def losses(
    volumes: Iterable[Volume],
    nodes: Sequence[Node],
    held: Mapping[str, Sequence[Held]],
    unsaved: Mapping[str, str],
    archived: Collection[str] = (),
) -> tuple[Loss, ...]:
    """Every reason not to remove the cluster; empty where all data outlives it.

    By volume's name: held, what holds it; unsaved, how it differs from its backup; archived, those whose data a backup
    holds as it is.
    """
    nodes = kubernetes_nodes(nodes)
    found: list[Loss] = []
    for volume in volumes:
        found += _of(volume, nodes, archived)
        if held.get(volume.name):
            reasons = ", ".join(one.text() for one in held[volume.name][:3])
            found.append(Loss(volume.name, volume.claim, f"it is in use: {reasons}", _FREE))
        if unsaved.get(volume.name):
            found.append(Loss(volume.name, volume.claim, unsaved[volume.name], _SAVE))
    return tuple(found)


def refuse_loss(cluster: str, found: Sequence[Loss]) -> None:
    """Raise Declined where removing the cluster would lose something."""
    if not found:
        return
    raise Declined(
        f"Removing the cluster {cluster} is not safe: {'; '.join(loss.text() for loss in found[:10])}"
        f"{f' and {len(found) - 10} more' if len(found) > 10 else ''}.",
        next_step=f"{' '.join(dict.fromkeys(loss.way_out for loss in found))} Or remove it all the same: force=true.",
        details=[loss.as_dict() for loss in found],
    )


def _of(volume: Volume, nodes: Sequence[Node], archived: Collection[str]) -> Iterator[Loss]:
    if volume.name in archived:
        pass
    elif volume.node_directory:
        possible = [n for n in nodes if not volume.nodes or n.name in volume.nodes]
        inside = [n.name for n in possible if n.host_directory(volume.node_directory) is None]
        if inside:
            reason = f"{volume.node_directory} is no host directory on {', '.join(inside)}, it goes with the node"
            yield Loss(volume.name, volume.claim, reason, _ARCHIVE)
    elif volume.source == "csi":
        yield Loss(
            volume.name, volume.claim, "its CSI driver keeps the data at a place that is not known here", _ELSEWHERE
        )
    if volume.reclaim_policy == "Delete" and volume.claim_phase == "Bound":
        reason = "its reclaim policy is Delete and its claim is in use"
        yield Loss(volume.name, volume.claim, reason, _RETAIN)


NONE_NAMED = "no backup is named that holds it"


def needing_backup(volumes: Iterable[Volume], persistent_volumes: Iterable[Object]) -> tuple[Volume, ...]:
    """Those that only a backup brings back; what local_data made is made again by it, from the host's own data."""
    given = {pv["metadata"]["name"] for pv in persistent_volumes if LABEL in (pv["metadata"].get("labels") or {})}
    return tuple(v for v in volumes if v.node_directory and v.name not in given)


def unsaved(
    volumes: Iterable[Volume],
    now: tuple[Iterable[Object], Iterable[Object]],
    catalog: Catalog,
    saved: tuple[Iterable[Object], Iterable[Object]],
    changed: Mapping[str, Difference],
) -> dict[str, str]:
    """Volume's name -> why its backup does not do, for those where this is so.

    now, saved: PersistentVolumes and claims of the cluster, and of the backup. changed: by volume's name, how its data
    differs from its checksum list.
    """
    pvs = {pv["metadata"]["name"]: pv for pv in now[0]}
    claims = {namespaced_name(claim) for claim in now[1]}
    saved_pvs = {pv["metadata"]["name"]: pv for pv in saved[0]}
    saved_claims = {namespaced_name(claim) for claim in saved[1]}
    listed = {volume.name: volume for volume in catalog.volumes}
    found = {}
    for volume in volumes:
        why = ""
        if volume.name not in listed or volume.name not in saved_pvs:
            why = "it is not in the backup"
        elif not listed[volume.name].checksum_list:
            why = "the backup has no checksums of it"
        elif volume.claim in claims and (volume.claim not in saved_claims or listed[volume.name].claim != volume.claim):
            why = f"the backup has not its claim {volume.claim}"
        elif other := differences(pvs[volume.name], saved_pvs[volume.name]):
            why = f"it is not as it was saved: {'; '.join(other)}"
        elif changed.get(volume.name):
            why = f"its data was changed since it was saved: {changed[volume.name].text()}"
        if why:
            found[volume.name] = why
    return found
