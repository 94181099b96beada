"""Saved objects: one of each kind that matters for the order and the references of a restore."""

from __future__ import annotations

from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def saved(kind: str, name: str, namespace: str = "shop", version: str = "v1", **parts: Any) -> Object:
    """An object as a backup has it. parts: its fields; those called metadata are added to its name."""
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **parts.pop("metadata", {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **parts}


def namespace(name: str = "shop", **metadata: Any) -> Object:
    labels = {"kubernetes.io/metadata.name": name, **metadata.pop("labels", {})}
    return saved("Namespace", name, "", metadata={"labels": labels, **metadata})


def service(name: str = "web", address: str = "10.96.0.50", port: int = 30080, **metadata: Any) -> Object:
    ports = [{"port": 80, "protocol": "TCP", "targetPort": 80, "nodePort": port}]
    spec = {
        "clusterIP": address,
        "clusterIPs": [address],
        "type": "NodePort",
        "ports": ports,
        "sessionAffinity": "None",
    }
    return saved("Service", name, spec=spec, metadata=metadata)


def deployment(name: str = "web", replicas: int = 3, claim: str = "", **metadata: Any) -> Object:
    pod: Object = {"containers": [{"name": "web", "image": "web:1"}]}
    if claim:
        pod["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]
    spec = {"replicas": replicas, "revisionHistoryLimit": 10, "template": {"metadata": {}, "spec": pod}}
    return saved("Deployment", name, version="apps/v1", spec=spec, metadata=metadata)


def definition(kind: str = "Widget", group: str = "example.org", version: str = "v1") -> Object:
    plural = f"{kind.lower()}s"
    spec = {
        "group": group,
        "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
        "scope": "Namespaced",
        "versions": [{"name": version, "served": True, "storage": True}],
        "conversion": {"strategy": "None"},
    }
    return saved("CustomResourceDefinition", f"{plural}.{group}", "", "apiextensions.k8s.io/v1", spec=spec)


def webhook(name: str = "shop-admission", of: str = "shop") -> Object:
    service = {"namespace": of, "name": "admission", "path": "/validate", "port": 443}
    hook = {"name": "validate.shop.example.org", "clientConfig": {"service": service}, "failurePolicy": "Fail"}
    version = "admissionregistration.k8s.io/v1"
    return saved("ValidatingWebhookConfiguration", name, "", version, webhooks=[hook])


def applied(*managers: str, replicas: bool = True) -> list[Object]:
    """managedFields of those who apply from the server side."""
    fields = {"f:spec": {"f:replicas": {}} if replicas else {"f:template": {}}}
    return [
        {"manager": name, "operation": "Apply", "apiVersion": "apps/v1", "fieldsType": "FieldsV1", "fieldsV1": fields}
        for name in managers
    ]


def application() -> list[Object]:
    """An application: what people put into a namespace, and what belongs to it outside of it."""
    rbac = "rbac.authorization.k8s.io"
    role = {"apiGroup": rbac, "kind": "Role", "name": "reader"}
    night = {"schedule": "0 1 * * *", "jobTemplate": {"spec": {"template": {"spec": {}}}}}
    subject = {"kind": "ServiceAccount", "name": "web", "namespace": "shop"}
    return [
        webhook(),
        saved("ResourceQuota", "quota", spec={"hard": {"pods": "10"}}),
        saved(
            "Widget", "one", version="example.org/v1", spec={"size": 3}, metadata={"finalizers": ["example.org/held"]}
        ),
        saved("HorizontalPodAutoscaler", "web", version="autoscaling/v2", spec={"maxReplicas": 5}),
        saved("CronJob", "night", version="batch/v1", spec={**night, "suspend": False}),
        deployment(),
        service(),
        saved("Secret", "key", data={"key": "c2VjcmV0"}, type="Opaque"),
        saved("ConfigMap", "settings", data={"url": "http://web.shop.svc"}),
        saved("RoleBinding", "web", version=f"{rbac}/v1", roleRef=role, subjects=[subject]),
        saved("Role", "reader", version=f"{rbac}/v1", rules=[]),
        saved("ServiceAccount", "web"),
        namespace(),
        definition(),
    ]
