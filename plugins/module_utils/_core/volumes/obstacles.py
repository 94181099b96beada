# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Why a cluster is not deleted because of its volumes, and what becomes of their data if it were."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed

from .places import Place, mismatches, volume_nodes, volume_places

# Whether a volume's data outlives a cluster that is deleted now.
SURVIVES = KEPT, LOST, UNKNOWN = ("yes", "no", "unknown")
# Next steps that a deletion completes by its options.
ARCHIVE = "Back it up with kindlab.volumes.volume_backup and data=archive"
BACK_UP = "Back it up with kindlab.volumes.volume_backup"
TIED = "Copy its data to a volume that outlives the cluster, and delete this one."
_DETACH = "Scale down what uses the volumes: kindlab.volumes.volume_detach."
_RETAIN = (
    "Set its reclaim policy to Retain, as kindlab.volumes.volume_backup does: "
    """kubectl patch pv {name} --patch '{{"spec": {{"persistentVolumeReclaimPolicy": "Retain"}}}}'"""
)
_GOING = "Let the deletion finish: stop the pods that use the claim, and look at finalizers: kubectl describe pv {name}"


@dataclass(frozen=True)
class Obstacle:
    """Why a cluster is not deleted because of a volume.

    survives: of SURVIVES, if it were deleted all the same; what: that in a word or two, for sums ('1 is ...').
    """

    why: str
    next_step: str
    survives: str = KEPT
    what: str = ""


def obstacles(
    volumes: Iterable[Volume],
    nodes: Sequence[Node],
    users: Mapping[str, Sequence[str]],
    not_backed_up: Mapping[str, str],
    archived: Collection[str] = (),
    needing: Iterable[Volume] = (),
    accepted: Collection[str] = (),
) -> Iterator[tuple[Volume, Obstacle]]:
    """Each volume with each reason not to delete the cluster.

    volumes: those at stake. By a volume's name: users, what uses it; not_backed_up, why its backup is missing or stale.
    archived: the volumes whose current data is in an archive; needing: those whose data a backup must contain.
    accepted: names of those, or of their claims, whose CSI driver may lose the data.
    """
    unknown = mismatches([volume for volume in needing if volume.name not in archived], nodes)
    for volume in volumes:
        yield from ((volume, obstacle) for obstacle in _deleted_with_node(volume, nodes, archived))
        if not {volume.name, volume.claim} & {*accepted}:
            yield from ((volume, obstacle) for obstacle in _tied_by_driver(volume, nodes))
        if volume.is_terminating:
            going = _GOING.format(name=volume.name)
            yield volume, Obstacle("it or its claim is being deleted", going, UNKNOWN, "being deleted")
        if place := unknown.get(volume.name):
            yield volume, Obstacle(_differs(place), place.remedy, UNKNOWN, "in a directory that its node does not have")
        if users.get(volume.name):
            yield volume, Obstacle(f"it is in use: {listed(users[volume.name], 3)}", _DETACH)
        if not_backed_up.get(volume.name):
            yield volume, Obstacle(not_backed_up[volume.name], BACK_UP)


def _deleted_with_node(volume: Volume, nodes: Sequence[Node], archived: Collection[str]) -> Iterator[Obstacle]:
    path = volume.node_directory
    if path and not volume.is_block and volume.name not in archived:
        inside = ", ".join(place.node for place in volume_places(volume, nodes) if not place.host_directory)
        if inside:
            why = f"{path} is not mounted from the host on {inside} and is deleted with the node"
            yield Obstacle(why, ARCHIVE, LOST, f"inside {inside}")
    if volume.reclaim_policy == "Delete" and volume.claim_phase == "Bound":
        why = "its reclaim policy is Delete and its claim is bound"
        yield Obstacle(why, _RETAIN.format(name=volume.name), LOST, "deleted with the claim")


def _tied_by_driver(volume: Volume, nodes: Sequence[Node]) -> Iterator[Obstacle]:
    """A driver that names nodes keeps data in them (topolvm, csi-driver-host-path), where no backup reads it."""
    tied = [node.name for node in volume_nodes(volume, nodes)] if volume.source == "csi" and volume.required else ()
    if tied:
        inside = ", ".join(tied)
        why = f"its CSI driver ties it to {inside}: its data may be deleted with the node"
        yield Obstacle(why, TIED, UNKNOWN, f"tied to {inside} by a CSI driver")


def _differs(place: Place) -> str:
    return f"what the node has cannot be compared with the host: {place.mismatch}"
