# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Manifests of local data: a volume and a claim per namespace."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import HOSTNAME

from .location import DirectoryLocation
from .request import Request, volume_name

LABEL = "kindlab.volumes/local-data"
READ_ONLY, READ_WRITE = "read-only", "read-write"
# Not enforced for a directory of the host, but required by Kubernetes.
CAPACITY = {"storage": "1Gi"}


def claim_manifest(request: Request, namespace: str) -> Object:
    """The claim of one namespace, for its own volume only."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": request.name, "namespace": namespace, "labels": {LABEL: _mode(request)}},
        "spec": {
            "storageClassName": "",
            "accessModes": _access_modes(request),
            "resources": {"requests": CAPACITY},
            "volumeName": volume_name(namespace, request.name),
        },
    }


def volume_manifest(request: Request, location: DirectoryLocation, namespace: str) -> Object:
    """The volume of one namespace, without a storage class, on the nodes that have the directory.

    A read-write one is a hostPath, because kubelet changes the group of all files in a local volume to a pod's fsGroup.
    """
    source: Object = {"hostPath": {"path": location.node_directory, "type": "Directory"}}
    if request.read_only:
        source = {"local": {"path": location.node_directory}, "mountOptions": ["ro"]}
    node = {"key": HOSTNAME, "operator": "In", "values": list(location.nodes)}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": volume_name(namespace, request.name), "labels": {LABEL: _mode(request)}},
        "spec": {
            "accessModes": _access_modes(request),
            "capacity": CAPACITY,
            "persistentVolumeReclaimPolicy": "Retain",
            "volumeMode": "Filesystem",
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [node]}]}},
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": namespace,
                "name": request.name,
            },
            **source,
        },
    }


def _mode(request: Request) -> str:
    return READ_ONLY if request.read_only else READ_WRITE


def _access_modes(request: Request) -> list[str]:
    return ["ReadOnlyMany" if request.read_only else "ReadWriteMany"]
