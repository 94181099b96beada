# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What would be lost if the cluster were removed: data that goes with it, is in use, or is not as it was saved."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.cluster_spec import LOAD_BALANCER
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detachment import Held
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.topology import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volume import Volume

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
    kubernetes_nodes = [node for node in nodes if node.role != LOAD_BALANCER]
    found: list[Loss] = []
    for volume in volumes:
        found += _of(volume, kubernetes_nodes, archived)
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
