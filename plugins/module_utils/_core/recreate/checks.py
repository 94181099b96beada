# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Why a recreation would not succeed, as far as it is known before anything is stopped or created."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import Catalog
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.places import data_place, no_node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.drift import Difference
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place, volume_nodes

from .moves import Moves, collisions, has_data, missing_step, places_of


def volume_refusals(
    moves: Moves,
    directories: Mapping[str, str],
    nodes: Sequence[Node],
    *,
    cluster: str,
    archived: Collection[str],
    missing: Collection[str] = (),
    occupied: Collection[str] = (),
) -> Iterator[Refusal]:
    """Volumes that could not be restored into these nodes.

    directories: volume's name -> its host directory so far, '' for data inside a node or elsewhere; others are not
    considered. archived: those whose data is in an archive. missing, occupied: host directories that do not exist, or
    have content.
    """
    colliding = collisions(places_of(moves, directories, nodes, archived), directories, moves.volumes)
    names = {node.name for node in nodes}
    for volume in moves.as_moved:
        before = directories.get(volume.name)
        if before is None:
            continue
        # A CSI driver labels the nodes itself, once it is installed.
        if not volume_nodes(volume, nodes) and (volume.nodes or volume.source != "csi"):
            gone = volume.nodes and not names & {*volume.nodes}
            why = f"{no_node(volume, nodes)}{f', and none of the same role has {before}' if gone and before else ''}"
            step = missing_step(volume, nodes, cluster) if gone else _NODES
            yield Refusal(volume.name, f"in the new cluster, {why}", step, {"claim": volume.claim})
            continue
        if not volume.node_directory or not has_data(volume, directories, archived):
            continue
        place = data_place(volume, nodes, archives=volume.name in archived)
        if isinstance(place, Refusal):
            yield Refusal(volume.name, f"in the new cluster, {place.why}", _MOUNTS, place.details)
            continue
        why, step = _obstacle(volume, before, place, volume.name in moves.volumes, archived, missing, occupied)
        if volume.name in colliding:
            others = listed(colliding[volume.name])
            why, step = f"in {place.node or 'the new cluster'} it would share {place.text()} with {others}", _APART
        if why:
            yield Refusal(volume.name, why, step, {"claim": volume.claim})


def _obstacle(
    volume: Volume,
    before: str,
    place: Place,
    moves: bool,
    archived: Collection[str],
    missing: Collection[str],
    occupied: Collection[str],
) -> tuple[str, str]:
    """Why the data of a volume would not be found in its place, and what to do about it; '' if it would."""
    inside = f"{place.node_directory}, inside {place.node}"
    if before not in ("", place.host_directory) and not (volume.name in archived and (moves or place.host_directory)):
        why = f"its data is in {before}, and the new cluster would look for it in {place.host_directory or inside}"
        return why, f"{_MOUNTS}{_ARCHIVE if volume.name not in archived else ''}"
    if before != place.host_directory and place.host_directory in occupied:
        why = f"its archive would be extracted to {place.host_directory}, which is not empty"
        return why, f"Move away what is in {place.host_directory}, or mount another directory there."
    if before == place.host_directory and before in missing and volume.name not in archived:
        return f"its host directory {before} does not exist", f"Copy the data to {before}, or mount its disk."
    return "", ""


_NODES = "Correct nodes and their labels, or the volume's node affinity: a restored volume needs a node that fits it."
_MOUNTS = "Correct nodes and mounts in options: every volume needs its node, and its directory mounted there."
_ARCHIVE = " Or set data=archive to bring its data into another directory of the host."
_APART = "Name another node for one of them in node_map, or keep its node in options."


def undescribed_error(name: str, differences: Sequence[Difference]) -> Declined:
    """The error for options that do not describe the existing cluster."""
    reasons = [difference.refusal() for difference in differences]
    return Declined(
        f"options do not describe cluster {name} as it is; nothing was changed:\n- "
        + listed([reason.text() for reason in reasons], separator="\n- "),
        next_step="Correct options: nodes, with their mounts and ports, as the cluster was created.",
        details=[reason.as_dict() for reason in reasons],
    )


def unrestored(catalog: Catalog, volumes: Collection[str], created: str) -> list[str]:
    """The volumes of a generation that was saved before this cluster was created, and that it does not have.

    volumes: names of the cluster's volumes; created: when it was created, as the API server shows it.
    """
    if not created or catalog.created >= created:
        return []
    return sorted(volume.name for volume in catalog.volumes if volume.name not in volumes)


def unrestored_error(cluster: str, path: str, generation: str, missing: Sequence[str]) -> Declined:
    """The error for a cluster without the volumes of its backup."""
    return Declined(
        f"The backup in {path} contains volumes that were never restored into cluster {cluster}: {listed(missing)}. "
        "After a recreation they would still be missing. Nothing was changed.",
        next_step=f"Restore them: kindlab.volumes.volume_restore with cluster={cluster}, path={path} and "
        f"generation={generation}. Then run this again. If they are not needed, set path to another directory.",
        details=[{"name": name, "why": "not restored", "next_step": ""} for name in missing],
    )
