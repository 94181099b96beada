# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clean an object of any kind: without what is valid in its cluster only, so that it can be created in another one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.managed.fields import applied_fields
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.pods import is_terminal, phase
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.workloads import (
    JOB_LABELS,
    WORKLOAD_KINDS,
    as_before,
    has_finished,
)

_SERVER_FIELDS = frozenset(
    (
        *("uid", "resourceVersion", "generation", "creationTimestamp", "selfLink"),
        *("deletionTimestamp", "deletionGracePeriodSeconds", "managedFields", "ownerReferences", "finalizers"),
    )
)
# Kubernetes' own finalizers, which it sets again.
_FINALIZERS = frozenset(
    (
        *("foregroundDeletion", "orphan", "kubernetes.io/pv-protection", "kubernetes.io/pvc-protection"),
        "customresourcecleanup.apiextensions.k8s.io",
        "service.kubernetes.io/load-balancer-cleanup",
    )
)
# Annotations in which controllers keep what is true in one cluster, or counts its revisions.
_ANNOTATIONS = frozenset(
    (
        *("control-plane.alpha.kubernetes.io/leader", "endpoints.kubernetes.io/last-change-trigger-time"),
        *("deployment.kubernetes.io/revision", "deprecated.daemonset.template.generation"),
        *("kubernetes.io/service-account.uid", "batch.kubernetes.io/job-tracking"),
    )
)
_REPLICA_SETS = ("apps", "ReplicaSet")
# What the API server and the scheduler set in a pod's spec, or what is refused when it is created.
_POD_FIELDS = frozenset(("nodeName", "priority", "preemptionPolicy", "overhead", "ephemeralContainers"))
_TOKEN_VOLUME = "kube-api-access-"  # noqa: S105
TOKEN = "kubernetes.io/service-account-token"  # noqa: S105


def cleaned(item: Mapping[str, Any], owners: Collection[str] = (), *, keep_status: bool = False) -> Object:
    """An object with apiVersion and kind, as it is saved.

    owners: uids of objects that are saved too; its references to them are kept, without the uid. keep_status: its
    status is no part of its own that controllers write. Jobs and pods that are done keep that much of it.
    managedFields are kept where a manager applies from its server side, so that it finds what is its own.
    """
    kind = kind_of(item)
    metadata = {k: v for k, v in item["metadata"].items() if k not in _SERVER_FIELDS}
    dropped = _ANNOTATIONS if kind != _REPLICA_SETS else _ANNOTATIONS - {"deployment.kubernetes.io/revision"}
    kept = {
        "annotations": {k: v for k, v in (metadata.get("annotations") or {}).items() if k not in dropped},
        "finalizers": [name for name in item["metadata"].get("finalizers") or () if name not in _FINALIZERS],
        "managedFields": applied_fields(item),
        "ownerReferences": [
            {k: v for k, v in reference.items() if k != "uid"}
            for reference in item["metadata"].get("ownerReferences") or ()
            if reference.get("uid") in owners
        ],
    }
    metadata = {k: v for k, v in {**metadata, **kept}.items() if v or k not in (*kept, "labels")}
    saved = {**item, "metadata": metadata}
    if not keep_status:
        saved.pop("status", None)
    if kind[1] in WORKLOAD_KINDS and kind[0] in ("", "apps", "batch"):
        saved = as_before(saved, item)
    return _CLEANERS.get(kind, _as_it_is)(saved, item)


def kind_of(item: Mapping[str, Any]) -> tuple[str, str]:
    """(API group, kind)."""
    group, slash, _version = item["apiVersion"].partition("/")
    return group if slash else "", item["kind"]


def _as_it_is(saved: Object, _item: Mapping[str, Any]) -> Object:
    return saved


def _namespace(saved: Object, _item: Mapping[str, Any]) -> Object:
    """Its finalizer is in its spec, which has nothing else."""
    return {k: v for k, v in saved.items() if k != "spec"}


def _job(saved: Object, item: Mapping[str, Any]) -> Object:
    if not item["spec"].get("manualSelector"):
        template = item["spec"]["template"]
        spec = {k: v for k, v in saved["spec"].items() if k != "selector"}
        spec["template"] = {**template, "metadata": _without_labels(template.get("metadata") or {}, JOB_LABELS)}
        saved = {**saved, "metadata": _without_labels(saved["metadata"], JOB_LABELS), "spec": spec}
    if has_finished(item):
        ends = [
            c for c in item["status"]["conditions"] if c["type"] in ("Complete", "Failed") and c["status"] == "True"
        ]
        saved["status"] = {"conditions": [{"type": c["type"], "status": "True"} for c in ends]}
    return saved


def _without_labels(metadata: Mapping[str, Any], names: Collection[str]) -> Object:
    labels = {k: v for k, v in (metadata.get("labels") or {}).items() if k not in names}
    return {**{k: v for k, v in metadata.items() if k != "labels"}, **({"labels": labels} if labels else {})}


def _pod(saved: Object, item: Mapping[str, Any]) -> Object:
    """Without the token that is mounted into every pod, and without its node unless people chose it."""
    dropped = _POD_FIELDS - {"nodeName"} if _has_chosen_node(item) else _POD_FIELDS
    spec = {k: v for k, v in saved["spec"].items() if k not in dropped}
    tokens = {
        v["name"] for v in spec.get("volumes") or () if v["name"].startswith(_TOKEN_VOLUME) and v.get("projected")
    }
    volumes = [volume for volume in spec.pop("volumes", None) or () if volume["name"] not in tokens]
    for field in ("initContainers", "containers"):
        if spec.get(field):
            spec[field] = [_without_mounts(container, tokens) for container in spec[field]]
    saved = {**saved, "spec": {**spec, **({"volumes": volumes} if volumes else {})}}
    if is_terminal(item):
        saved["status"] = {"phase": phase(item)}
    return saved


def _has_chosen_node(pod: Mapping[str, Any]) -> bool:
    """True if somebody created it with its node: the scheduler, which binds it, manages no fields."""
    entries = pod["metadata"].get("managedFields") or ()
    return any(
        "f:nodeName" in ((entry.get("fieldsV1") or {}).get("f:spec") or {})
        for entry in entries
        if not entry.get("subresource")
    )


def _without_mounts(container: Object, volumes: Collection[str]) -> Object:
    mounts = [mount for mount in container.get("volumeMounts") or () if mount["name"] not in volumes]
    kept = {k: v for k, v in container.items() if k != "volumeMounts"}
    return {**kept, **({"volumeMounts": mounts} if mounts else {})}


def _secret(saved: Object, item: Mapping[str, Any]) -> Object:
    """A token of a ServiceAccount is filled in by its controller."""
    return {k: v for k, v in saved.items() if k != "data"} if item.get("type") == TOKEN else saved


def _cluster_role(saved: Object, item: Mapping[str, Any]) -> Object:
    """The rules of an aggregated one are filled in by its controller."""
    return {k: v for k, v in saved.items() if k != "rules"} if item.get("aggregationRule") else saved


_CLEANERS: Mapping[tuple[str, str], Callable[[Object, Mapping[str, Any]], Object]] = {
    ("", "Namespace"): _namespace,
    ("", "Pod"): _pod,
    ("", "Secret"): _secret,
    ("batch", "Job"): _job,
    ("rbac.authorization.k8s.io", "ClusterRole"): _cluster_role,
}
