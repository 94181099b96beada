# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Waves: the order in which objects are created, so that none blocks or outruns another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.pods import claims_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.workloads import template

from .model import Key, key_of

DEFINITIONS = "definitions"
NAMESPACES = "namespaces"
CLASSES = "classes"
ACCOUNTS = "accounts"
CONFIGURATION = "configuration"
LIMITS = "limits"
SERVICES = "services"
WORKLOADS = "workloads"
OTHERS = "others"
SCALERS = "scalers"
GATES = "gates"
AGGREGATED = "aggregated"

BEFORE_VOLUMES = (DEFINITIONS, NAMESPACES, CLASSES, ACCOUNTS, CONFIGURATION)
# Limits may refuse claims that are older than they are, and give pods their default resources.
AFTER_VOLUMES = (LIMITS, SERVICES, WORKLOADS, OTHERS)
# What starts or stops pods by itself or counts them, what may refuse or change any object, and last what only servers
# know that run in the cluster.
AT_LAST = (SCALERS, GATES, AGGREGATED)
WAVES = (*BEFORE_VOLUMES, *AFTER_VOLUMES, *AT_LAST)

RBAC = "rbac.authorization.k8s.io"
ADMISSION = "admissionregistration.k8s.io"
DEFINITION = ("apiextensions.k8s.io", "CustomResourceDefinition")
APISERVICE = ("apiregistration.k8s.io", "APIService")

# (group, kind) -> wave; all other kinds, also custom ones, are OTHERS.
_WAVES: Mapping[tuple[str, str], str] = {
    DEFINITION: DEFINITIONS,
    ("", "Namespace"): NAMESPACES,
    **dict.fromkeys(
        (
            ("storage.k8s.io", "StorageClass"),
            ("storage.k8s.io", "VolumeAttributesClass"),
            ("storage.k8s.io", "CSIDriver"),
            ("scheduling.k8s.io", "PriorityClass"),
            ("node.k8s.io", "RuntimeClass"),
            ("networking.k8s.io", "IngressClass"),
            ("resource.k8s.io", "DeviceClass"),
        ),
        CLASSES,
    ),
    **dict.fromkeys(
        (
            ("", "ServiceAccount"),
            *((RBAC, kind) for kind in ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")),
        ),
        ACCOUNTS,
    ),
    **dict.fromkeys(
        (("", "ConfigMap"), ("", "Secret"), ("networking.k8s.io", "NetworkPolicy")),
        CONFIGURATION,
    ),
    ("", "LimitRange"): LIMITS,
    **dict.fromkeys((("", "Service"), ("", "Endpoints"), ("discovery.k8s.io", "EndpointSlice")), SERVICES),
    **dict.fromkeys(
        (
            *(("apps", kind) for kind in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")),
            *(("", kind) for kind in ("ReplicationController", "Pod", "PodTemplate")),
            ("batch", "Job"),
        ),
        WORKLOADS,
    ),
    **dict.fromkeys(
        (
            ("autoscaling", "HorizontalPodAutoscaler"),
            ("autoscaling.k8s.io", "VerticalPodAutoscaler"),
            ("keda.sh", "ScaledObject"),
            ("keda.sh", "ScaledJob"),
            ("policy", "PodDisruptionBudget"),
            ("batch", "CronJob"),
            ("", "ResourceQuota"),
        ),
        SCALERS,
    ),
}


def wave_of(item: Mapping[str, Any]) -> str:
    """The wave of an object. A pod that uses a claim comes late: it cannot be at zero until its data is there."""
    key = key_of(item)
    return SCALERS if key[:2] == ("", "Pod") and uses_claims(item) else wave_of_kind(key)


def wave_of_kind(key: Key) -> str:
    """The wave of the objects of a kind."""
    if key.group == ADMISSION or key[:2] == APISERVICE:
        return GATES
    return _WAVES.get((key.group, key.kind), OTHERS)


def aggregated_groups(items: Iterable[Mapping[str, Any]]) -> set[str]:
    """The API groups of which servers in the cluster have the objects, by the APIServices among these."""
    found = (item.get("spec") or {} for item in items if key_of(item)[:2] == APISERVICE)
    return {str(spec.get("group") or "") for spec in found if spec.get("service")}


def uses_claims(item: Mapping[str, Any]) -> bool:
    """True for a pod or a workload whose pods use PersistentVolumeClaims, other than those made for each pod."""
    spec = item.get("spec") or {}
    if item["kind"] == "Pod":
        return bool(claims_of(item, own=False))
    pod = {"metadata": {"name": ""}, "spec": template(item).get("spec") or {}}
    return bool(spec.get("volumeClaimTemplates") or claims_of(pod, own=False))
