# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a backup saves: the volumes chosen from a cluster, where their data lies, and what changes before it is read."""

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
    select_volumes,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.workloads import saved_workloads
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.checks import check_names
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place

from .catalog import SavedCluster
from .draft import RETAIN, saved_cluster
from .places import data_places


@dataclass(frozen=True)
class Observed:
    """The cluster, read once. labelled: the claims that the label selector chose, None without a selector.

    owners: all that makes pods, of the kinds of owner.KINDS. cluster: as backup_cluster describes it.
    """

    nodes: Sequence[Node]
    volumes: Sequence[Object]
    claims: Sequence[Object]
    storage_classes: Sequence[Object]
    namespaces: Sequence[Object]
    pods: Sequence[Object]
    labelled: Sequence[Object] | None = None
    kubernetes_version: str = ""
    owners: Sequence[Object] = ()
    cluster: Object | None = None


@dataclass(frozen=True)
class Request:
    """The part of a backup's options that says which volumes, of which cluster, and to where.

    archives: their data is saved too.
    """

    cluster: str
    path: str
    names: Sequence[str] = ()
    namespaces: Sequence[str] = ()
    storage_classes: Sequence[str] = ()
    label_selector: str = ""
    archives: bool = False


@dataclass(frozen=True)
class Plan:
    """What is to be saved.

    places, in_use: by volume's name; places: where its data is, the node '' where that is on the host; in_use: the
    pods that use it, as 'namespace/name'.
    retain: volume's name -> the patch that makes its policy Retain, for those that have another one.
    objects: kind -> the manifests as they are stored, with the policy as it is then.
    """

    cluster: SavedCluster
    volumes: tuple[Volume, ...]
    places: Mapping[str, Place]
    in_use: Mapping[str, list[str]]
    retain: Mapping[str, Object]
    objects: Mapping[str, list[Object]]

    @property
    def host_directories(self) -> dict[str, str]:
        """Volume's name -> the directory, for those whose data is on the host."""
        return {name: place.host_directory for name, place in self.places.items() if not place.node}

    @property
    def in_nodes(self) -> dict[str, Place]:
        """The places of those whose data is inside a node."""
        return {name: place for name, place in self.places.items() if place.node}


def plan(request: Request, observed: Observed) -> Plan:
    """Raises BadInput where nothing fits what is asked for, Declined for volumes whose data can't be read."""
    volumes = _chosen(request, observed)
    places = data_places(volumes, observed.nodes, archives=request.archives)
    for name, place in places.items():
        if place.host_directory and is_below(request.path, place.host_directory):
            raise BadInput(
                f"The backup directory {request.path} lies in the volume {name} ({place.host_directory}).",
                next_step="Name a path outside of all volumes.",
            )
    retain = {volume.name: _retain(volume) for volume in volumes if volume.reclaim_policy != RETAIN}
    pods = pods_by_claim(pod for pod in observed.pods if not is_terminal(pod))
    return Plan(
        cluster=saved_cluster(request.cluster, observed.kubernetes_version, observed.nodes),
        volumes=volumes,
        places=places,
        in_use={
            volume.name: [f"{pod['namespace']}/{pod['name']}" for pod in pods.get(volume.claim, [])]
            for volume in volumes
        },
        retain=retain,
        objects=_objects(volumes, retain, observed),
    )


def _retain(volume: Volume) -> Object:
    return {
        "metadata": {"annotations": {ORIGINAL_POLICY: volume.reclaim_policy}},
        "spec": {"persistentVolumeReclaimPolicy": RETAIN},
    }


def _chosen(request: Request, observed: Observed) -> tuple[Volume, ...]:
    volumes = read_volumes(observed.volumes, observed.claims)
    check_names(request.cluster, volumes, request.names)
    chosen = select_volumes(
        volumes, names=request.names, namespaces=request.namespaces, storage_classes=request.storage_classes
    )
    if observed.labelled is not None:
        labelled = {namespaced_name(claim) for claim in observed.labelled}
        chosen = tuple(v for v in chosen if v.claim_phase and v.claim in labelled)
    selective = request.names or request.namespaces or request.storage_classes or request.label_selector
    if not chosen and selective:
        raise BadInput(
            f"No volume of the cluster {request.cluster} fits names, namespaces, storage_classes and label_selector "
            f"together.",
            next_step="kindlab.volumes.volume_info shows the volumes that there are.",
        )
    return chosen


def _objects(volumes: Sequence[Volume], retain: Mapping[str, Object], observed: Observed) -> dict[str, list[Object]]:
    by_name = {pv["metadata"]["name"]: pv for pv in observed.volumes}
    claims = {v.claim for v in volumes if v.claim_phase}
    classes = {v.storage_class for v in volumes}
    spaces = {v.claim.partition("/")[0] for v in volumes if v.claim}
    return {
        "Namespace": [saved_object(o) for o in _sorted(observed.namespaces) if o["metadata"]["name"] in spaces],
        "StorageClass": [
            saved_object(o) for o in _sorted(observed.storage_classes) if o["metadata"]["name"] in classes
        ],
        "PersistentVolume": [saved_volume(merged(by_name[v.name], retain.get(v.name, {}))) for v in volumes],
        "PersistentVolumeClaim": [saved_claim(o) for o in _sorted(observed.claims) if namespaced_name(o) in claims],
        "Workload": saved_workloads(observed.owners, claims),
        "Cluster": [observed.cluster] if observed.cluster else [],
    }


def _sorted(objects: Iterable[Object]) -> list[Object]:
    return sorted(objects, key=lambda o: (o["metadata"].get("namespace", ""), o["metadata"]["name"]))
