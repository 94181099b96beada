# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Readiness of objects by kind, and which storage class is the default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

DEFAULT_ANNOTATIONS = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)


def has_condition(item: Mapping[str, Any], condition: str) -> bool:
    """True if the object's status has the condition with status True."""
    conditions = _status(item).get("conditions") or ()
    return any(c["type"] == condition and c["status"] == "True" for c in conditions)


def why_node_not_ready(node: Mapping[str, Any]) -> str:
    """Why a node is not ready, as its Ready condition says, '' if it is, or has no such condition."""
    for condition in _status(node).get("conditions") or ():
        if condition.get("type") == "Ready" and condition.get("status") != "True":
            reason = ": ".join(filter(None, (condition.get("reason", ""), condition.get("message", "").rstrip("."))))
            return f"NotReady ({reason})" if reason else "NotReady"
    return ""


def is_default_class(storage_class: Mapping[str, Any]) -> bool:
    """True for a storage class that claims without one get; Kubernetes still honours the beta annotation."""
    annotations = storage_class["metadata"].get("annotations") or {}
    return any(annotations.get(name) == "true" for name in DEFAULT_ANNOTATIONS)


def is_ready(item: Mapping[str, Any]) -> bool:
    """True if an object is ready as its kind defines it; always for a kind without an entry, e.g. a Job or CronJob."""
    ready = READY.get(item["kind"])
    return ready is None or ready(item)


def rollout_complete(deployment: Mapping[str, Any]) -> bool:
    """True if a Deployment is ready and no pod of an older template is left; `kubectl rollout status` waits for it.

    Stricter than is_ready: after a change, is_ready may still be true because of the old pods.
    """
    status = _status(deployment)
    counts = [status.get(field, 0) for field in ("replicas", "updatedReplicas", "availableReplicas")]
    return (
        "deletionTimestamp" not in deployment["metadata"]
        and _is_observed(deployment)
        and counts == [deployment["spec"].get("replicas", 1)] * 3
    )


def namespace_obstacle(name: str, namespace: Mapping[str, Any] | None, *, create: bool) -> tuple[str, str]:
    """Why nothing can be created in a namespace (None if missing), and the next step; ('', '') if it can.

    create: whether a missing one may be created.
    """
    if namespace is None and not create:
        return (
            f"the namespace {name} does not exist",
            f"Create it (kubectl create namespace {name}), or set create_namespaces=true.",
        )
    if namespace is not None and _status(namespace).get("phase") == "Terminating":
        return f"the namespace {name} is being deleted", f"Wait: kubectl wait --for=delete namespace/{name}"
    return "", ""


def _pod(item: Mapping[str, Any]) -> bool:
    return has_condition(item, "Ready") or _status(item).get("phase") in ("Succeeded", "Failed")


def _replicas(item: Mapping[str, Any]) -> bool:
    replicas = item["spec"].get("replicas")
    return _is_observed(item) and bool(_status(item).get("readyReplicas", 0) >= (1 if replicas is None else replicas))


def _daemon_set(item: Mapping[str, Any]) -> bool:
    status = _status(item)
    return _is_observed(item) and bool(status.get("numberReady", 0) >= status.get("desiredNumberScheduled", 0))


# kind -> whether an object of it is ready.
READY: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "Node": lambda node: has_condition(node, "Ready"),
    "Pod": _pod,
    "Deployment": _replicas,
    "StatefulSet": _replicas,
    "ReplicaSet": _replicas,
    "ReplicationController": _replicas,
    "DaemonSet": _daemon_set,
    "CustomResourceDefinition": lambda definition: has_condition(definition, "Established"),
}


def _is_observed(item: Mapping[str, Any]) -> bool:
    """True if the status describes the current spec."""
    return bool(_status(item).get("observedGeneration", 0) >= item["metadata"].get("generation", 0))


def _status(item: Mapping[str, Any]) -> Mapping[str, Any]:
    return item.get("status") or {}
