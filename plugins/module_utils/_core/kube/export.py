# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Objects as a backup stores them: without what the API server and controllers set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .objects import Object
from .volumes import BIND_COMPLETED, BOUND_BY_CONTROLLER

# What the API server or its controllers write into an object: true of that object in that cluster only.
# ownerReferences name their owner by uid: with them the garbage collector would delete a restored claim at once.
_SERVER_FIELDS = (
    "uid",
    "resourceVersion",
    "managedFields",
    "finalizers",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "generateName",
    "ownerReferences",
    "selfLink",
)

# Notes of the binding controller, the scheduler and kubectl; they would be lies in another cluster.
_STATE_ANNOTATIONS = (
    "kubectl.kubernetes.io/last-applied-configuration",
    BIND_COMPLETED,
    BOUND_BY_CONTROLLER,
    "volume.kubernetes.io/selected-node",
    "volume.kubernetes.io/storage-provisioner",
    "volume.beta.kubernetes.io/storage-provisioner",
)


def saved_volume(pv: Mapping[str, Any]) -> Object:
    """A PersistentVolume as a backup keeps it: its claim by namespace and name, nothing of the old cluster's state.

    storageClassName is always written: without it the default class would be filled in at the next creation.
    """
    saved = saved_object({"apiVersion": "v1", "kind": "PersistentVolume", **pv})
    spec = saved["spec"] = {**saved["spec"], "storageClassName": saved["spec"].get("storageClassName", "")}
    if spec.get("claimRef"):
        ref = spec["claimRef"]
        kept = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": ref["namespace"], "name": ref["name"]}
        spec["claimRef"] = kept
    return saved


def saved_claim(claim: Mapping[str, Any]) -> Object:
    """A PersistentVolumeClaim as a backup keeps it: with its volumeName, nothing of the old cluster's state."""
    saved = saved_object({"apiVersion": "v1", "kind": "PersistentVolumeClaim", **claim})
    saved["spec"] = {**saved["spec"], "storageClassName": saved["spec"].get("storageClassName", "")}
    return saved


def saved_object(item: Mapping[str, Any]) -> Object:
    """Any object as a backup keeps it: without what the API server and its controllers wrote into it."""
    metadata = {k: v for k, v in item["metadata"].items() if k not in _SERVER_FIELDS}
    annotations = {k: v for k, v in (metadata.pop("annotations", None) or {}).items() if k not in _STATE_ANNOTATIONS}
    if annotations:
        metadata["annotations"] = annotations
    saved = {"apiVersion": item.get("apiVersion", "v1"), "kind": item["kind"], "metadata": metadata}
    left_out = (*saved, "status", *(["spec"] if item["kind"] == "Namespace" else []))
    return {**saved, **{k: v for k, v in item.items() if k not in left_out}}
