# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan a backup: the volumes, where their data is, their manifests, and the reclaim policies to change first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import why_unbindable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, merged, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.pods import is_terminal, pods_by_claim
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import (
    ORIGINAL_POLICY,
    RETAINED_UNTIL,
    Volume,
    is_ephemeral,
    read_volumes,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.stored.collected import Collected
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.ephemeral import ephemeral_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place

from .catalog import SavedCluster
from .manifests import WORKLOADS, collect
from .places import Look, check_readable, data_places, elsewhere, refuse_ephemeral, restored_for
from .request import Request

RETAIN = "Retain"


@dataclass(frozen=True)
class Observed:
    """The cluster, read once. labelled: the claims with the requested labels, None if none were requested.

    workloads: of all kinds. cluster: its manifest (cluster.describe_cluster). unused: the volumes that never had a
    claim, and whose directory does not exist. objects: of all kinds, None if they were not requested. is_live: False
    for what a backup says of a cluster that is down.
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
    unused: Collection[str] = ()
    objects: Collected | None = None
    is_live: bool = True


@dataclass(frozen=True)
class Plan:
    """What to save. By volume's name:

    places: where its data is read, the node '' if that is on the host; elsewhere: where data is that is not read, for
    people; in_use_by: pods that use it, as 'namespace/name'; retain: the patch that sets the policy Retain for good,
    for those that have another one, or this one for a time.
    waiting: claims without a volume ('namespace/name' -> phase); unbindable: why no volume is created for one.
    manifests: kind -> the objects as they are stored, with the policy that they have then. living: all volumes of the
    cluster, () if its API server is down. objects: None if they are not saved. restoring: a workload that an
    interrupted restore of the volume stopped.
    """

    request: Request
    cluster: SavedCluster
    volumes: tuple[Volume, ...]
    places: Mapping[str, Place]
    elsewhere: Mapping[str, str]
    in_use_by: Mapping[str, list[str]]
    retain: Mapping[str, Object]
    waiting: Mapping[str, str]
    manifests: Mapping[str, list[Object]]
    living: tuple[Volume, ...] = ()
    objects: Collected | None = None
    unbindable: Mapping[str, str] = field(default_factory=dict)
    restoring: Mapping[str, str] = field(default_factory=dict)

    @property
    def host_directories(self) -> dict[str, str]:
        """Volume's name -> the directory, for those whose data is on the host."""
        return {name: place.host_directory for name, place in self.places.items() if not place.node}

    @property
    def in_nodes(self) -> dict[str, Place]:
        """The places of those whose data is inside a node."""
        return {name: place for name, place in self.places.items() if place.node}

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to save."""
        saved = (self.volumes, self.waiting, self.manifests[WORKLOADS], self.objects, self.request.loaded_images)
        return not any(saved)

    def check(self, looks: Mapping[str, Look], through: Mapping[str, Place]) -> None:
        """Raise Declined for volumes whose data cannot be read. By volume's name: looks, and places it is read in."""
        volumes = [volume for volume in self.volumes if volume.name in self.places]
        places = {**self.places, **through}
        check_readable(volumes, places, looks, self.restoring, archives=self.request.archives)


def plan(request: Request, observed: Observed) -> Plan:
    """Raises BadInput if no volume matches the request, Declined for volumes whose data cannot be saved."""
    pvs = {pv["metadata"]["name"]: pv for pv in observed.volumes}
    living = read_volumes(observed.volumes, observed.claims)
    volumes, waiting = _selected(request, observed, living)
    outside = {volume.name: text for volume in volumes if (text := elsewhere(volume, pvs[volume.name]))}
    read = [volume for volume in volumes if volume.name not in outside and volume.name not in observed.unused]
    places = data_places(read, observed.nodes, archives=request.archives)
    classes = {item["metadata"]["name"] for item in observed.storage_classes}
    retain = {volume.name: patch for volume in volumes if (patch := _retain(volume))}
    return Plan(
        request=request,
        cluster=SavedCluster.from_nodes(request.cluster, observed.kubernetes_version, observed.nodes),
        volumes=volumes,
        places=places,
        elsewhere=outside,
        in_use_by=_users(request, volumes, observed.pods),
        retain=retain,
        waiting=waiting,
        unbindable={
            name: why
            for claim in observed.claims
            if (name := namespaced_name(claim)) in waiting and (why := why_unbindable(claim, classes))
        },
        manifests=collect(
            volumes,
            waiting,
            [merged(pvs[volume.name], retain.get(volume.name, {})) for volume in volumes],
            observed.claims,
            {"Namespace": observed.namespaces, "StorageClass": observed.storage_classes},
            observed.workloads,
            [observed.cluster] if observed.cluster else [],
            ephemeral=request.selects_all,
        ),
        living=living if observed.is_live else (),
        objects=observed.objects,
        restoring=restored_for(volumes, observed.workloads),
    )


def original_policy(volume: Volume) -> str:
    """The policy before the first backup, which noted it on the volume when it set Retain."""
    return volume.reclaim_policy if volume.reclaim_policy != RETAIN else volume.original_policy or RETAIN


def _users(request: Request, volumes: Iterable[Volume], pods: Iterable[Object]) -> dict[str, list[str]]:
    """Volume's name -> the pods that use it, as 'namespace/name'."""
    using = pods_by_claim(pod for pod in pods if not is_terminal(pod))
    return {
        volume.name: [
            f"{pod['namespace']}/{pod['name']}"
            for pod in using.get(volume.claim, [])
            if volume.claim_phase and volume.name not in request.assume_unused
        ]
        for volume in volumes
    }


def _retain(volume: Volume) -> Object:
    """{} if its policy is Retain for good."""
    policy, until = volume.reclaim_policy, volume.retained_until
    if policy == RETAIN and not until:
        return {}
    annotations: Object = {RETAINED_UNTIL: None} if until else {}
    if policy == RETAIN:
        return {"metadata": {"annotations": annotations}}
    return {
        "metadata": {"annotations": {**annotations, ORIGINAL_POLICY: policy}},
        "spec": {"persistentVolumeReclaimPolicy": RETAIN},
    }


def _selected(
    request: Request, observed: Observed, living: Sequence[Volume]
) -> tuple[tuple[Volume, ...], dict[str, str]]:
    """The selected volumes, and the selected claims without a volume with their phase.

    Volumes of generic ephemeral volumes end with their pods: they are left as they are.
    """
    claims = [claim for claim in observed.claims if not is_ephemeral(claim)]
    found, alone = request.selection.select_with_claims(living, claims, f"The cluster {request.cluster}")
    if observed.labelled is not None:
        labelled = {namespaced_name(claim) for claim in observed.labelled}
        found = tuple(volume for volume in found if volume.claim_phase and volume.claim in labelled)
        alone = {name: claim for name, claim in alone.items() if name in labelled}
    ephemeral = ephemeral_volumes(found, observed.workloads)
    refuse_ephemeral(v for v in found if v.name in ephemeral and request.selection.names & {v.name, v.claim})
    volumes = tuple(volume for volume in found if volume.name not in ephemeral)
    if not (volumes or alone) and not request.selects_all:
        raise request.matches_nothing()
    return volumes, {name: (claim.get("status") or {}).get("phase", "") for name, claim in alone.items()}
