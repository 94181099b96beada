# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which volumes would lose their data if the cluster were removed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.cluster_spec import LOAD_BALANCER
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.topology import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volume import Volume

_SAVE = "Save it with kindlab.volumes.volume_backup and data=archive, then use force=true."
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


def losses(volumes: Iterable[Volume], nodes: Sequence[Node]) -> tuple[Loss, ...]:
    """Every reason not to remove the cluster; empty where all data outlives it."""
    kubernetes_nodes = [node for node in nodes if node.role != LOAD_BALANCER]
    return tuple(loss for volume in volumes for loss in _of(volume, kubernetes_nodes))


def refuse_loss(cluster: str, nodes: Sequence[Node], volumes: Iterable[Volume]) -> None:
    """Raise Declined where removing the cluster would lose data."""
    found = losses(volumes, nodes)
    if not found:
        return
    raise Declined(
        f"Removing the cluster {cluster} would lose data: {'; '.join(loss.text() for loss in found[:10])}"
        f"{f' and {len(found) - 10} more' if len(found) > 10 else ''}.",
        next_step=f"{' '.join(dict.fromkeys(loss.way_out for loss in found))} Or remove it all the same: force=true.",
        details=[loss.as_dict() for loss in found],
    )


def _of(volume: Volume, nodes: Sequence[Node]) -> Iterator[Loss]:
    if volume.node_directory:
        possible = [n for n in nodes if not volume.nodes or n.name in volume.nodes]
        inside = [n.name for n in possible if n.host_directory(volume.node_directory) is None]
        if inside:
            reason = f"{volume.node_directory} is no host directory on {', '.join(inside)}, it goes with the node"
            yield Loss(volume.name, volume.claim, reason, _SAVE)
    elif volume.source == "csi":
        yield Loss(volume.name, volume.claim, "its CSI driver keeps the data at a place that is not known here", _SAVE)
    if volume.reclaim_policy == "Delete" and volume.claim_phase == "Bound":
        reason = "its reclaim policy is Delete and its claim is in use"
        yield Loss(volume.name, volume.claim, reason, _RETAIN)
