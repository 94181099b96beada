# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Manifests that all provisioners share: namespace, RBAC, and the Deployment's outline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object

RBAC = "rbac.authorization.k8s.io"
CONTROL_PLANE = {"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"}
POD_NAMESPACE = {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}


@dataclass(frozen=True)
class Rbac:
    """A ServiceAccount, the name of its roles and that of their bindings, and the rules of Role and ClusterRole."""

    account: str
    role: str
    binding: str
    namespace_rules: tuple[Object, ...]
    cluster_rules: tuple[Object, ...]


def rule(group: str, resources: str, verbs: str, **more: list[str]) -> Object:
    """A rule of a role; resources and verbs are separated by spaces."""
    return {"apiGroups": [group], "resources": resources.split(), "verbs": verbs.split(), **more}


def objects(namespace: str, rbac: Rbac, *own: Object) -> tuple[Object, ...]:
    """All objects in the order of their creation. own: the others, without their namespace."""
    inside = {"namespace": namespace}
    subjects = [{"kind": "ServiceAccount", "name": rbac.account, **inside}]
    version = f"{RBAC}/v1"
    parts: list[tuple[str, str, Object, Object]] = [
        ("v1", "Namespace", {"name": namespace}, {}),
        ("v1", "ServiceAccount", {"name": rbac.account, **inside}, {}),
        (version, "Role", {"name": rbac.role, **inside}, {"rules": list(rbac.namespace_rules)}),
        (version, "ClusterRole", {"name": rbac.role}, {"rules": list(rbac.cluster_rules)}),
    ]
    for kind, scope in (("Role", inside), ("ClusterRole", {})):
        reference = {"apiGroup": RBAC, "kind": kind, "name": rbac.role}
        parts.append(
            (version, f"{kind}Binding", {"name": rbac.binding, **scope}, {"roleRef": reference, "subjects": subjects})
        )
    found = [{"apiVersion": api, "kind": kind, "metadata": meta, **rest} for api, kind, meta, rest in parts]
    return (*found, *({**item, "metadata": {**item["metadata"], **inside}} for item in own))


def deployment_manifest(
    name: str, account: str, container: Object, pod: Object, *, replicas: int, **template: Any
) -> Object:
    """A Deployment of one container on Linux nodes, control planes included. template: further metadata of its pods."""
    labels = {"app": name}
    container = {
        "name": name,
        "imagePullPolicy": "IfNotPresent",
        # The pod's state then shows the end of a failing program's log.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        **container,
    }
    spec = {
        "serviceAccountName": account,
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [CONTROL_PLANE],
        "containers": [container],
        **pod,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            # The program has no probe: one that exits at once must not count as available.
            "minReadySeconds": 1,
            # Two configurations must never run side by side.
            "strategy": {"type": "Recreate", "rollingUpdate": None},
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels, **template}, "spec": spec},
        },
    }
