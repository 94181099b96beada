# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The manifests of a generation: their files, what is stored in them, and a check of what a restore reads."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.export import (
    saved_claim,
    saved_object,
    saved_volume,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.workloads import saved_workloads
from ansible_collections.kindlab.volumes.plugins.module_utils._core.shape.fits import fits

# The workloads that use the volumes, of several kinds.
WORKLOADS = "Workload"
CLUSTER = "Cluster"
# Kind -> path in the generation.
MANIFESTS = {
    "Namespace": "manifests/namespaces.yaml",
    "StorageClass": "manifests/storageclasses.yaml",
    "PersistentVolume": "manifests/persistentvolumes.yaml",
    "PersistentVolumeClaim": "manifests/persistentvolumeclaims.yaml",
    WORKLOADS: "manifests/workloads.yaml",
    CLUSTER: "manifests/cluster.yaml",
}

# Schemas: see shape.fits.
_METADATA = {"name!": str, "namespace": str, "annotations": {"*": str}, "managedFields": [{"manager!": str}]}
_REQUIREMENT = {"key": str, "operator": str, "values": [str]}
_TERM = {"matchFields": [_REQUIREMENT], "matchExpressions": [_REQUIREMENT]}
_SPECS: Mapping[str, Mapping[str, Any]] = {
    "Namespace": {},
    "StorageClass": {},
    "PersistentVolume": {
        "spec!": {
            "accessModes": [str],
            "capacity": {"*": str},
            "claimRef": {"namespace!": str, "name!": str, "*": str},
            "hostPath": {"path!": str},
            "local": {"path!": str},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [_TERM]}},
            "persistentVolumeReclaimPolicy": str,
            "storageClassName": str,
        }
    },
    "PersistentVolumeClaim": {"spec!": {"accessModes": [str], "storageClassName": str, "volumeName": str}},
}


def collect(
    volumes: Iterable[Volume],
    waiting: Collection[str],
    pvs: Iterable[Object],
    claims: Iterable[Object],
    named: Mapping[str, Iterable[Object]],
    workloads: Iterable[Object],
    cluster: list[Object],
    *,
    ephemeral: bool = False,
) -> dict[str, list[Object]]:
    """Kind -> the objects as they are stored: what the volumes (pvs) and the claims that wait for one need.

    named: namespaces and storage classes by kind, of which those that are used are stored. ephemeral: also workloads
    that use only generic ephemeral volumes.
    """
    volumes = tuple(volumes)
    names = {volume.claim for volume in volumes if volume.claim_phase} | set(waiting)
    stored = [claim for claim in _sorted(claims) if namespaced_name(claim) in names]
    classes = {v.storage_class for v in volumes} | {claim["spec"].get("storageClassName") for claim in stored}
    # A detachment of all volumes stops those with ephemeral volumes, too.
    kept = saved_workloads(workloads, names, ephemeral=ephemeral)
    named_in = (*names, *(volume.claim for volume in volumes), *map(namespaced_name, kept))
    used = {"Namespace": {name.partition("/")[0] for name in named_in if name}, "StorageClass": classes}
    return {
        **{
            kind: [saved_object(item) for item in _sorted(items) if item["metadata"]["name"] in used[kind]]
            for kind, items in named.items()
        },
        "PersistentVolume": [saved_volume(pv) for pv in pvs],
        "PersistentVolumeClaim": [saved_claim(claim) for claim in stored],
        WORKLOADS: kept,
        CLUSTER: cluster,
    }


def _sorted(objects: Iterable[Object]) -> list[Object]:
    return sorted(objects, key=lambda o: (o["metadata"].get("namespace", ""), o["metadata"]["name"]))


def is_saved(kind: str, item: Mapping[str, Any]) -> bool:
    """True for an object of that kind as a backup stores it; of unknown kinds, for any with a name."""
    if kind in _SPECS and item.get("kind") != kind:
        return False
    return fits(item, {"kind!": str, "metadata!": _METADATA, **_SPECS.get(kind, {})})
