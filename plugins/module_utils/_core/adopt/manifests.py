# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The PersistentVolume and the claim of an adopted directory, as its provisioner would have created them."""

from __future__ import annotations

import posixpath

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import HOSTNAME
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.backends.base import Provisioner

from .rows import Row


def volume_manifest(row: Row, node_directory: str, provisioner: Provisioner | None) -> Object:
    """With type Directory: on a node without it a pod fails instead of starting with an empty one."""
    namespace, _slash, name = row.claim.partition("/")
    annotations = provisioner.annotations(posixpath.basename(node_directory)) if provisioner else {}
    terms = [{"matchExpressions": [{"key": HOSTNAME, "operator": "In", "values": list(row.nodes)}]}]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": row.volume, **({"annotations": annotations} if annotations else {})},
        "spec": {
            "capacity": {"storage": row.capacity},
            "accessModes": list(row.access_modes),
            "volumeMode": "Filesystem",
            "storageClassName": row.storage_class,
            "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": {"path": node_directory, "type": "Directory"},
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": namespace, "name": name},
            **({"nodeAffinity": {"required": {"nodeSelectorTerms": terms}}} if row.nodes else {}),
        },
    }


def claim_manifest(row: Row) -> Object:
    """The claim, without its volume."""
    namespace, _slash, name = row.claim.partition("/")
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {
            "accessModes": list(row.access_modes),
            "volumeMode": "Filesystem",
            "storageClassName": row.storage_class,
            "resources": {"requests": {"storage": row.capacity}},
        },
    }
