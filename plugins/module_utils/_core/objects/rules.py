# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which objects nobody made: what controllers make again, what a cluster brings, and what other steps restore."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.record import RECORD, RECORD_NAMESPACE
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.pods import controller, is_mirror
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.registry import PROVISIONERS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.state import is_labelled

from . import baseline
from .model import Key, key_of

RBAC = "rbac.authorization.k8s.io"
FLOW_CONTROL = "flowcontrol.apiserver.k8s.io"
# Kinds, by API group, that only controllers, kubelets and servers write.
_MADE_AGAIN = {
    "": {"Event", "ComponentStatus", "Binding"},
    "events.k8s.io": {"Event"},
    "coordination.k8s.io": {"Lease", "LeaseCandidate"},
    "storage.k8s.io": {"CSINode", "CSIStorageCapacity", "VolumeAttachment"},
    "certificates.k8s.io": {"CertificateSigningRequest", "PodCertificateRequest"},
    "networking.k8s.io": {"IPAddress"},
    "resource.k8s.io": {"ResourceSlice"},
    "apps": {"ControllerRevision"},
    "internal.apiserver.k8s.io": {"StorageVersion"},
}
# Kinds that other parts of a backup hold -> why they are not among the objects.
ELSEWHERE = {
    ("", "PersistentVolume"): "volume_backup saves volumes",
    ("", "PersistentVolumeClaim"): "volume_backup saves claims with their volumes",
    ("", "Node"): "a backup of volumes has the labels, taints and cordons of nodes",
}
OUTDATED_PODS = "pods of an earlier revision will have its current template"
PROVISIONED = "storage_provisioner installs it"
_LOCAL_PATH = PROVISIONERS["local_path"]

# Namespaces that each cluster has, and that of kind's provisioner.
SYSTEM_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
KIND_NAMESPACE = _LOCAL_PATH.namespace
_NETWORKS = ("kindnet", "podnet")
# What kind itself adds to a cluster, by kubectl, so that its managers say nothing.
_KINDS_OWN = {
    # The second is the network of the node image that this collection builds.
    *(Key("apps", "DaemonSet", "kube-system", network) for network in _NETWORKS),
    *(Key("", "ServiceAccount", "kube-system", network) for network in _NETWORKS),
    *(Key(RBAC, "ClusterRole", "", network) for network in _NETWORKS),
    *(Key(RBAC, "ClusterRoleBinding", "", network) for network in _NETWORKS),
    Key("", "Namespace", "", KIND_NAMESPACE),
    Key("", "ServiceAccount", KIND_NAMESPACE, "local-path-provisioner-service-account"),
    Key(RBAC, "Role", KIND_NAMESPACE, "local-path-provisioner-role"),
    Key(RBAC, "RoleBinding", KIND_NAMESPACE, "local-path-provisioner-bind"),
    Key(RBAC, "ClusterRole", "", "local-path-provisioner-role"),
    Key(RBAC, "ClusterRoleBinding", "", "local-path-provisioner-bind"),
    Key("apps", "Deployment", KIND_NAMESPACE, _LOCAL_PATH.deployment),
    Key("", "ConfigMap", KIND_NAMESPACE, _LOCAL_PATH.config_map),
    Key("storage.k8s.io", "StorageClass", "", "standard"),
}
# Who writes what a cluster needs to run. People's objects are written by others first.
_BOOTSTRAP = frozenset(("kubeadm", "kube-apiserver"))
_CONTROL_PLANE = frozenset((*_BOOTSTRAP, "kube-controller-manager", "kube-scheduler", "kubelet"))
_AGGREGATION = "clusterrole-aggregation-controller"
# By what kind adds its own.
_KUBECTL = frozenset(("kubectl", "kubectl-create", "kubectl-client-side-apply"))

# Parts of a cluster that belong to its version -> why people's changes of them do not come back.
_VERSION = "people changed it, but it belongs to the version of Kubernetes, and kubeadm writes it"
NOT_CARRIED = {
    Key("apps", "DaemonSet", "kube-system", "kube-proxy"): _VERSION,
    Key("", "ConfigMap", "kube-system", "kube-proxy"): _VERSION,
    Key("", "ConfigMap", "kube-system", "kubeadm-config"): _VERSION,
    Key("", "ConfigMap", "kube-system", "kubelet-config"): _VERSION,
    Key("", "ConfigMap", KIND_NAMESPACE, _LOCAL_PATH.config_map): "a backup of volumes has the provisioner's settings",
}
# The certificates and tokens of one cluster, and what its servers note.
_IDENTITY = {
    ("kube-system", "extension-apiserver-authentication"),
    ("kube-system", "kube-apiserver-legacy-service-account-token-tracking"),
    ("kube-public", "cluster-info"),
    (RECORD_NAMESPACE, RECORD),
}


def is_read(group: str, kind: str) -> bool:
    """False for kinds of which no object is ever saved."""
    return kind not in _MADE_AGAIN.get(group, ())


def is_made_again(item: Mapping[str, Any], selecting: set[tuple[str, str]]) -> bool:
    """True for what exists only because controllers or servers write it, whoever owns it.

    selecting: (namespace, name) of the Services whose endpoints are found by labels.
    """
    group, kind, namespace, name = key_of(item)
    metadata = item["metadata"]
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    if kind in _MADE_AGAIN.get(group, ()):
        return True
    if (group, kind) == ("discovery.k8s.io", "EndpointSlice"):
        return str(labels.get("endpointslice.kubernetes.io/managed-by", "")).endswith("controller.k8s.io")
    if (group, kind) == ("apiregistration.k8s.io", "APIService"):
        return "kube-aggregator.kubernetes.io/automanaged" in labels or not (item.get("spec") or {}).get("service")
    if group:
        return False
    if kind == "Endpoints":
        leads = "control-plane.alpha.kubernetes.io/leader" in annotations
        managed = "endpoints.kubernetes.io/managed-by" in labels
        return leads or managed or (namespace, name) in {*selecting, ("default", "kubernetes")}
    if kind == "Pod":
        return is_mirror(item)
    if kind == "Secret":
        return item.get("type") == "bootstrap.kubernetes.io/token"
    if kind != "ConfigMap":
        return False
    recorded = namespace == baseline.NAMESPACE and baseline.is_record(name)
    return name == "kube-root-ca.crt" or recorded or (namespace, name) in _IDENTITY


def is_brought(item: Mapping[str, Any], *, by_name: bool) -> bool:
    """True for what Kubernetes and kubeadm put into every cluster, as far as labels and managers show.

    by_name: also for what is called like what kind adds, for a cluster without a baseline.
    """
    key = key_of(item)
    is_system = (key.group, key.kind) == ("", "Namespace") and key.name in SYSTEM_NAMESPACES
    if is_system or (by_name and key in _KINDS_OWN):
        return True
    if (item["metadata"].get("labels") or {}).get("kubernetes.io/bootstrapping") == "rbac-defaults":
        return True
    writers = managers(item)
    # What workloads of people have made there, and nobody makes again, is theirs.
    in_system = key.namespace in SYSTEM_NAMESPACES and controller(item) is None
    return bool(writers & _BOOTSTRAP) or (bool(writers) and writers <= _CONTROL_PLANE and in_system)


def bound_accounts(items: Iterable[Mapping[str, Any]]) -> set[Key]:
    """The ServiceAccounts that bindings of the cluster's own name. Nothing of them shows who made them."""
    return {
        Key("", "ServiceAccount", subject.get("namespace", ""), subject.get("name", ""))
        for item in items
        if key_of(item).group == RBAC and item["kind"].endswith("Binding") and is_brought(item, by_name=False)
        for subject in item.get("subjects") or ()
        if subject.get("kind") == "ServiceAccount"
    }


def own_managers(key: Key) -> frozenset[str]:
    """Who writes an object that the cluster brought, apart from people."""
    return _CONTROL_PLANE | {_AGGREGATION} | (_KUBECTL if key in _KINDS_OWN else frozenset())


def is_kinds_own(key: Key) -> bool:
    """True for what is called like what kind adds to a cluster."""
    return key in _KINDS_OWN


def managers(item: Mapping[str, Any]) -> set[str]:
    """Who wrote it, apart from its status and other subresources."""
    fields = item["metadata"].get("managedFields") or ()
    return {entry.get("manager", "") for entry in fields if not entry.get("subresource")}


def is_maintained(item: Mapping[str, Any]) -> bool:
    """True for priorities and flows of requests that the API server itself keeps as its version has them."""
    annotations = item["metadata"].get("annotations") or {}
    return key_of(item).group == FLOW_CONTROL and annotations.get("apf.kubernetes.io/autoupdate-spec") == "true"


def has_outdated_pods(item: Mapping[str, Any]) -> bool:
    """True for a StatefulSet or DaemonSet that keeps pods of an earlier revision (a partition, OnDelete, a rollout)."""
    status = item.get("status") or {}
    group, kind = key_of(item)[:2]
    if (group, kind) == ("apps", "StatefulSet"):
        return bool(status.get("currentRevision", "") != status.get("updateRevision", ""))
    scheduled = status.get("currentNumberScheduled", 0)
    return (group, kind) == ("apps", "DaemonSet") and status.get("updatedNumberScheduled", 0) < scheduled


def is_provisioned(item: Mapping[str, Any]) -> bool:
    """True for what storage_provisioner has installed."""
    return is_labelled(dict(item))


def default_account(key: Key) -> Object | None:
    """A namespace's default ServiceAccount as its controller makes it, None for any other object."""
    if (key.group, key.kind, key.name) != ("", "ServiceAccount", "default"):
        return None
    return {"apiVersion": "v1", "kind": key.kind, "metadata": {"name": key.name, "namespace": key.namespace}}
