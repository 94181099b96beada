# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""API resources by kind: their paths, and keys of their objects."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object

# (namespace, name); namespace is '' for a cluster-scoped object.
Key = tuple[str, str]

_ADMISSION = "/apis/admissionregistration.k8s.io/v1"

# kind -> (path of its API group and version, plural, namespaced)
RESOURCES: dict[str, tuple[str, str, bool]] = {
    "Namespace": ("/api/v1", "namespaces", False),
    "Node": ("/api/v1", "nodes", False),
    "PersistentVolume": ("/api/v1", "persistentvolumes", False),
    "PersistentVolumeClaim": ("/api/v1", "persistentvolumeclaims", True),
    "Pod": ("/api/v1", "pods", True),
    "LimitRange": ("/api/v1", "limitranges", True),
    "ResourceQuota": ("/api/v1", "resourcequotas", True),
    "ConfigMap": ("/api/v1", "configmaps", True),
    "ServiceAccount": ("/api/v1", "serviceaccounts", True),
    "Event": ("/api/v1", "events", True),
    "Service": ("/api/v1", "services", True),
    "Secret": ("/api/v1", "secrets", True),
    "ReplicationController": ("/api/v1", "replicationcontrollers", True),
    "Deployment": ("/apis/apps/v1", "deployments", True),
    "ReplicaSet": ("/apis/apps/v1", "replicasets", True),
    "StatefulSet": ("/apis/apps/v1", "statefulsets", True),
    "DaemonSet": ("/apis/apps/v1", "daemonsets", True),
    "CronJob": ("/apis/batch/v1", "cronjobs", True),
    "Job": ("/apis/batch/v1", "jobs", True),
    "PodDisruptionBudget": ("/apis/policy/v1", "poddisruptionbudgets", True),
    "Lease": ("/apis/coordination.k8s.io/v1", "leases", True),
    "StorageClass": ("/apis/storage.k8s.io/v1", "storageclasses", False),
    "VolumeAttachment": ("/apis/storage.k8s.io/v1", "volumeattachments", False),
    "ValidatingAdmissionPolicy": (_ADMISSION, "validatingadmissionpolicies", False),
    "ValidatingAdmissionPolicyBinding": (_ADMISSION, "validatingadmissionpolicybindings", False),
    "MutatingWebhookConfiguration": (_ADMISSION, "mutatingwebhookconfigurations", False),
    "ValidatingWebhookConfiguration": (_ADMISSION, "validatingwebhookconfigurations", False),
    "CustomResourceDefinition": ("/apis/apiextensions.k8s.io/v1", "customresourcedefinitions", False),
    "Role": ("/apis/rbac.authorization.k8s.io/v1", "roles", True),
    "RoleBinding": ("/apis/rbac.authorization.k8s.io/v1", "rolebindings", True),
    "ClusterRole": ("/apis/rbac.authorization.k8s.io/v1", "clusterroles", False),
    "ClusterRoleBinding": ("/apis/rbac.authorization.k8s.io/v1", "clusterrolebindings", False),
}


def key_of(item: Object) -> Key:
    """The key of an object."""
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]


def key_text(key: Key) -> str:
    """'namespace/name', 'name' for a cluster-scoped object."""
    return "/".join(filter(None, key))


def describe_command(kind: str, key: Key) -> str:
    """The kubectl command that describes an object."""
    namespace, name = key
    return f"kubectl {f'-n {namespace} ' if namespace else ''}describe {kind.lower()} {name}"


def namespace_of(item: Object) -> str:
    """The namespace that an object is written to, '' for a cluster-scoped one."""
    if not RESOURCES[item["kind"]][2]:
        return ""
    return str(item["metadata"].get("namespace", "default"))


def path_of(kind: str, namespace: str = "", name: str = "") -> str:
    """The path of one object, or of all objects of a kind (in a namespace)."""
    prefix, plural, _namespaced = RESOURCES[kind]
    return "/".join(filter(None, [prefix, f"namespaces/{namespace}" if namespace else "", plural, name]))
