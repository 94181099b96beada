# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look at the cluster's nodes and host directories: what a restore would refuse is refused before the deletion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume, read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal, decline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.removal import needed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import mismatches, volume_places
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.look import may_read
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach.other_clusters import users_elsewhere
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.identity.proof import proved_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Observation, observe

from .context import Context, Facts

_READ = ("PersistentVolume", "PersistentVolumeClaim")
_ELSEWHERE = "another cluster uses its directory"
_SHARED = (
    "Delete the volume or the cluster there, or move the data to a directory of its own. A cluster that is stopped has "
    "to be started or deleted."
)


def check_directories(context: Context) -> tuple[Volume, ...]:
    """The cluster's volumes. Raises Declined for host directories that nodes lack, or that other clusters use."""
    found = observe({**context.options, "context": None}, _READ, **context.outside)
    pvs, claims = (found.objects[kind] for kind in _READ)
    every = read_volumes(pvs, claims)
    volumes = needed([v for v in every if not v.is_ephemeral], pvs).data
    differing = mismatches(volumes, found.nodes)
    details = {volume.name: {"claim": volume.claim} for volume in volumes}
    places = {v.name: p.host_directory for v in volumes for p in volume_places(v, found.nodes) if p.host_directory}
    shared = _shared(found, places, details)
    refusals = [Refusal(name, place.mismatch, place.remedy, details[name]) for name, place in differing.items()]
    decline(f"{count(len(refusals + shared), 'volume')} could not be restored after the deletion", refusals + shared)
    return every


def check_readable(volumes: Iterable[Facts]) -> None:
    """Raise Declined for data that this user may not read: nodes that are stopped cannot read it either."""
    why = "this user may not read all of {}, and nodes that are stopped cannot read it"
    closed = [row for row in volumes if row["host_directory"] and not may_read(row["host_directory"])]
    decline(
        f"The data of {count(len(closed), 'volume')} cannot be saved without an API server",
        [Refusal(row["name"], why.format(row["host_directory"]), details={"claim": row["claim"]}) for row in closed],
        "Run this as root (become: true).",
    )


def check_unshared(context: Context, directories: Mapping[str, str]) -> None:
    """Raise Declined for host directories that other clusters use. directories: by volume's name."""
    if directories:
        found = observe({**context.options, "context": None}, (), **context.outside)
        decline("The data of volumes cannot be replaced", _shared(found, directories, {}))


def _shared(
    found: Observation, directories: Mapping[str, str], details: Mapping[str, Mapping[str, str]]
) -> list[Refusal]:
    used = users_elsewhere(found.engine, found.sharing, directories)
    return [Refusal(name, f"{_ELSEWHERE}: {why}", _SHARED, details.get(name, {})) for name, why in used.items()]


def proved_version(context: Context) -> str:
    """The version of the cluster's API server. Raises Unreachable, and BadInput if another cluster's answers."""
    cluster = context.connect()
    version = cluster.version()
    current_nodes(context, cluster)
    return version


def current_nodes(context: Context, cluster: Cluster) -> Sequence[Node]:
    """The nodes, compared with this host. Raises BadInput if the API server is that of another cluster."""
    return proved_nodes(context.engine, context.engine.nodes(context.name), cluster)
