# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Export objects for a backup: without the fields that the API server and controllers set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.managed.fields import applied_fields

from .objects import Object
from .volumes import BIND_COMPLETED, BOUND_BY_CONTROLLER

# Fields of the API server and controllers, which are valid in their cluster only. ownerReferences have a uid: with
# them the garbage collector would delete a restored claim at once.
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

# Annotations of the volume binder and the scheduler, which would be wrong in another cluster.
_STATE_ANNOTATIONS = (
    BIND_COMPLETED,
    BOUND_BY_CONTROLLER,
    "volume.kubernetes.io/selected-node",
    "volume.kubernetes.io/storage-provisioner",
    "volume.beta.kubernetes.io/storage-provisioner",
)


def saved_volume(pv: Mapping[str, Any]) -> Object:
    """A PersistentVolume for a backup, with its claim by namespace and name.

    storageClassName is always set: otherwise the next cluster would fill in its default class.
    """
    saved = _with_appliers({"apiVersion": "v1", "kind": "PersistentVolume", **pv})
    spec = saved["spec"] = {**saved["spec"], "storageClassName": saved["spec"].get("storageClassName", "")}
    if spec.get("claimRef"):
        name = {field: spec["claimRef"].get(field, "") for field in ("namespace", "name")}
        spec["claimRef"] = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **name}
    return saved


def saved_claim(claim: Mapping[str, Any]) -> Object:
    """A PersistentVolumeClaim for a backup, with its volumeName."""
    saved = _with_appliers({"apiVersion": "v1", "kind": "PersistentVolumeClaim", **claim})
    saved["spec"] = {**saved["spec"], "storageClassName": saved["spec"].get("storageClassName", "")}
    return saved


def _with_appliers(item: Mapping[str, Any]) -> Object:
    """The object with those who apply it from the server side: they find their fields again."""
    saved, fields = saved_object(item), applied_fields(item)
    return {**saved, "metadata": {**saved["metadata"], **({"managedFields": fields} if fields else {})}}


def saved_object(item: Mapping[str, Any]) -> Object:
    """Any object for a backup."""
    metadata = {k: v for k, v in item["metadata"].items() if k not in _SERVER_FIELDS}
    annotations = {k: v for k, v in (metadata.pop("annotations", None) or {}).items() if k not in _STATE_ANNOTATIONS}
    if annotations:
        metadata["annotations"] = annotations
    saved = {"apiVersion": item.get("apiVersion", "v1"), "kind": item["kind"], "metadata": metadata}
    left_out = (*saved, "status", *(["spec"] if item["kind"] == "Namespace" else []))
    return {**saved, **{k: v for k, v in item.items() if k not in left_out}}
