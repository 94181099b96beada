# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan a backup: the volumes, where their data is, their manifests, and the reclaim policies to change first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, is_below
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.export import (
    saved_claim,
    saved_object,
    saved_volume,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, merged, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.pods import is_terminal, pods_by_claim
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import (
    ORIGINAL_POLICY,
    Volume,
    read_volumes,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.workloads import saved_workloads
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place

from .catalog import SavedCluster
from .manifests import CLUSTER, WORKLOADS
from .places import data_places
from .request import Request

RETAIN = "Retain"


@dataclass(frozen=True)
class Observed:
    """The cluster, read once. labelled: the claims with the requested labels, None if none were requested.

    workloads: of all kinds. cluster: its manifest (cluster.describe_cluster).
    """

    nodes: Sequence[Node]
    volumes: Sequence[Object]
    claims: Sequence[Object]
    storage_classes: Sequence[Object]
    namespaces: Sequence[Object]
    pods: Sequence[Object]
    labelled: Sequence[Object] | None = None
    kubernetes_version: str = ""
    workloads: Sequence[Object] = ()
    cluster: Object | None = None


@dataclass(frozen=True)
class Plan:
    """What to save. By volume's name:

    places: where its data is, the node '' if that is on the host; in_use_by: pods that use it, as 'namespace/name';
    retain: the patch that sets the policy Retain, for those that have another one.
    manifests: kind -> the objects as they are stored, with the policy that they have then.
    """

    request: Request
    cluster: SavedCluster
    volumes: tuple[Volume, ...]
    places: Mapping[str, Place]
    in_use_by: Mapping[str, list[str]]
    retain: Mapping[str, Object]
    manifests: Mapping[str, list[Object]]

    @property
    def host_directories(self) -> dict[str, str]:
        """Volume's name -> the directory, for those whose data is on the host."""
        return {name: place.host_directory for name, place in self.places.items() if not place.node}

    @property
    def in_nodes(self) -> dict[str, Place]:
        """The places of those whose data is inside a node."""
        return {name: place for name, place in self.places.items() if place.node}


def plan(request: Request, observed: Observed) -> Plan:
    """Raises BadInput if no volume matches the request, Declined for volumes whose data cannot be read."""
    volumes = _selected(request, observed)
    places = data_places(volumes, observed.nodes, archives=request.archives)
    for name, place in places.items():
        if place.host_directory and is_below(request.path, place.host_directory):
            raise BadInput(
                f"The backup directory {request.path} is inside the volume {name} ({place.host_directory}).",
                next_step="Set path to a directory outside of all volumes.",
            )
    retain = {volume.name: _retain(volume) for volume in volumes if volume.reclaim_policy != RETAIN}
    pods = pods_by_claim(pod for pod in observed.pods if not is_terminal(pod))
    return Plan(
        request=request,
        cluster=SavedCluster.from_nodes(request.cluster, observed.kubernetes_version, observed.nodes),
        volumes=volumes,
        places=places,
        in_use_by={
            volume.name: [f"{pod['namespace']}/{pod['name']}" for pod in pods.get(volume.claim, [])]
            for volume in volumes
        },
        retain=retain,
        manifests=_manifests(volumes, retain, observed),
    )


def original_policy(volume: Volume) -> str:
    """The policy before the first backup, which noted it on the volume when it set Retain."""
    return volume.reclaim_policy if volume.reclaim_policy != RETAIN else volume.original_policy or RETAIN


def _retain(volume: Volume) -> Object:
    return {
        "metadata": {"annotations": {ORIGINAL_POLICY: volume.reclaim_policy}},
        "spec": {"persistentVolumeReclaimPolicy": RETAIN},
    }


def _selected(request: Request, observed: Observed) -> tuple[Volume, ...]:
    volumes = request.selection.select(
        read_volumes(observed.volumes, observed.claims), f"The cluster {request.cluster}"
    )
    if observed.labelled is not None:
        labelled = {namespaced_name(claim) for claim in observed.labelled}
        volumes = tuple(v for v in volumes if v.claim_phase and v.claim in labelled)
    if not volumes and not (request.selection.selects_all and not request.labels):
        raise BadInput(
            f"No volume of the cluster {request.cluster} matches all of names, namespaces, storage_classes and "
            "label_selectors.",
            next_step="List volumes and their claims: kubectl get persistentvolumeclaims -A --show-labels",
        )
    return volumes


def _manifests(volumes: Sequence[Volume], retain: Mapping[str, Object], observed: Observed) -> dict[str, list[Object]]:
    by_name = {pv["metadata"]["name"]: pv for pv in observed.volumes}
    claims = {v.claim for v in volumes if v.claim_phase}
    return {
        "Namespace": _named(observed.namespaces, {v.claim.partition("/")[0] for v in volumes if v.claim}),
        "StorageClass": _named(observed.storage_classes, {v.storage_class for v in volumes}),
        "PersistentVolume": [saved_volume(merged(by_name[v.name], retain.get(v.name, {}))) for v in volumes],
        "PersistentVolumeClaim": [saved_claim(o) for o in _sorted(observed.claims) if namespaced_name(o) in claims],
        WORKLOADS: saved_workloads(observed.workloads, claims),
        CLUSTER: [observed.cluster] if observed.cluster else [],
    }


def _named(objects: Iterable[Object], names: set[str]) -> list[Object]:
    return [saved_object(item) for item in _sorted(objects) if item["metadata"]["name"] in names]


def _sorted(objects: Iterable[Object]) -> list[Object]:
    return sorted(objects, key=lambda o: (o["metadata"].get("namespace", ""), o["metadata"]["name"]))
