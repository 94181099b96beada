"""Resource types of an API server in memory, and the discovery documents that describe them."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Resource

VERBS = frozenset(("create", "delete", "get", "list", "patch", "update", "watch"))
WITHOUT_STATUS = {
    *("ConfigMap", "Secret", "ServiceAccount", "Event", "Lease", "Endpoints", "EndpointSlice", "LimitRange"),
    *("StorageClass", "PriorityClass", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "IngressClass"),
    *("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "ValidatingAdmissionPolicyBinding"),
}


def kind(api_version: str, kind: str, plural: str, *, namespaced: bool = True, status: bool | None = None) -> Resource:
    """A resource type that can be read and written."""
    group, _slash, version = api_version.rpartition("/")
    has_status = kind not in WITHOUT_STATUS if status is None else status
    return Resource(group, version, kind, plural, namespaced, VERBS, has_status)


CORE = (
    kind("v1", "Endpoints", "endpoints"),
    kind("v1", "LimitRange", "limitranges"),
    kind("v1", "ResourceQuota", "resourcequotas"),
    kind("networking.k8s.io/v1", "Ingress", "ingresses"),
    kind("networking.k8s.io/v1", "IngressClass", "ingressclasses", namespaced=False),
    kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
    kind("discovery.k8s.io/v1", "EndpointSlice", "endpointslices"),
    kind("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    kind("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", namespaced=False),
    kind("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", namespaced=False),
    kind("apiregistration.k8s.io/v1", "APIService", "apiservices", namespaced=False),
    kind(
        "admissionregistration.k8s.io/v1",
        "ValidatingWebhookConfiguration",
        "validatingwebhookconfigurations",
        namespaced=False,
    ),
    kind(
        "admissionregistration.k8s.io/v1",
        "MutatingWebhookConfiguration",
        "mutatingwebhookconfigurations",
        namespaced=False,
    ),
    kind("flowcontrol.apiserver.k8s.io/v1", "FlowSchema", "flowschemas", namespaced=False),
)


def documents(types: Iterable[Resource]) -> dict[str, Object]:
    """Path -> the aggregated discovery document."""
    groups: dict[str, dict[str, list[Object]]] = {}
    for one in types:
        groups.setdefault(one.group, {}).setdefault(one.version, []).append(_described(one))
    found: dict[str, Object] = {}
    for path in ("/api", "/apis"):
        items = [
            {
                "metadata": {"name": group, "creationTimestamp": None},
                "versions": [{"version": v, "freshness": "Current", "resources": rows} for v, rows in versions.items()],
            }
            for group, versions in groups.items()
            if bool(group) is (path == "/apis")
        ]
        found[path] = {
            "kind": "APIGroupDiscoveryList",
            "apiVersion": "apidiscovery.k8s.io/v2",
            "metadata": {},
            "items": items,
        }
    return found


def _described(one: Resource) -> Object:
    part = {"subresource": "status", "responseKind": {"group": one.group, "version": one.version, "kind": one.kind}}
    return {
        "resource": one.plural,
        "responseKind": {"group": one.group, "version": one.version, "kind": one.kind},
        "scope": "Namespaced" if one.namespaced else "Cluster",
        "singularResource": one.kind.lower(),
        "verbs": sorted(one.verbs),
        **({"subresources": [{**part, "verbs": ["get", "patch", "update"]}]} if one.status else {}),
    }
