# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The manifests of a generation: their files, and a check of the fields that a restore reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
_METADATA = {"name!": str, "namespace": str, "annotations": {"*": str}}
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


def is_saved(kind: str, item: Mapping[str, Any]) -> bool:
    """True for an object of that kind as a backup stores it; of unknown kinds, for any with a name."""
    if kind in _SPECS and item.get("kind") != kind:
        return False
    return fits(item, {"kind!": str, "metadata!": _METADATA, **_SPECS.get(kind, {})})
