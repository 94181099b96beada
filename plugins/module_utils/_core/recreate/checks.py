# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Why a recreation would not succeed, as far as it is known before anything is stopped or created."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import Catalog
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.places import data_place, no_node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.drift import Difference
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import volume_nodes


def volume_refusals(
    volumes: Iterable[Volume],
    directories: Mapping[str, str],
    nodes: Sequence[Node],
    *,
    archived: Collection[str],
    missing: Collection[str] = (),
) -> Iterator[Refusal]:
    """Volumes that could not be restored into these nodes.

    directories: volume's name -> its host directory so far, '' for data inside a node; others are not considered.
    archived: those whose data is in an archive. missing: host directories that do not exist.
    """
    for volume in volumes:
        before = directories.get(volume.name)
        if before is None:
            continue
        # A CSI driver labels the nodes itself, once it is installed.
        if not volume_nodes(volume, nodes) and (volume.nodes or volume.source != "csi"):
            yield Refusal(volume.name, f"in the new cluster, {no_node(volume)}", _NODES, {"claim": volume.claim})
            continue
        if not volume.node_directory or volume.is_block:
            continue
        place = data_place(volume, nodes, archives=volume.name in archived)
        if isinstance(place, Refusal):
            yield Refusal(volume.name, f"in the new cluster, {place.why}", _MOUNTS, place.details)
        elif before not in ("", place.host_directory):
            where = place.host_directory or f"{place.node_directory}, inside {place.node}"
            why = f"its data is in {before}, and the new cluster would look for it in {where}"
            yield Refusal(volume.name, why, _MOUNTS, {"claim": volume.claim})
        elif before in missing and volume.name not in archived:
            why, step = f"its host directory {before} does not exist", f"Copy the data to {before}, or mount its disk."
            yield Refusal(volume.name, why, step, {"claim": volume.claim})


_NODES = "Correct nodes and their labels, or the volume's node affinity: a restored volume needs a node that fits it."
_MOUNTS = "Correct nodes and mounts in options: every volume needs its node, and its directory mounted there."


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
