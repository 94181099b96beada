# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What was changed in a cluster after its creation by kind, which no option of kind_cluster creates again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed

from .kubeadm import normalised
from .model import ClusterState, NodeFiles
from .patches import merge_patch, pruned

# Component -> its section in ClusterConfiguration, and the flags that kubeadm sets by itself.
_COMPONENTS = {
    "kube-apiserver": (
        "apiServer",
        (
            *("advertise-address", "allow-privileged", "authorization-mode", "client-ca-file"),
            *("enable-admission-plugins", "enable-bootstrap-token-auth", "etcd-cafile", "etcd-certfile"),
            *("etcd-keyfile", "etcd-servers", "kubelet-client-certificate", "kubelet-client-key"),
            *("kubelet-preferred-address-types", "proxy-client-cert-file", "proxy-client-key-file"),
            *("requestheader-allowed-names", "requestheader-client-ca-file", "requestheader-extra-headers-prefix"),
            *("requestheader-group-headers", "requestheader-username-headers", "secure-port"),
            *("service-account-issuer", "service-account-key-file", "service-account-signing-key-file"),
            *("service-cluster-ip-range", "tls-cert-file", "tls-private-key-file"),
        ),
    ),
    "kube-controller-manager": (
        "controllerManager",
        (
            *("allocate-node-cidrs", "authentication-kubeconfig", "authorization-kubeconfig", "bind-address"),
            *("client-ca-file", "cluster-cidr", "cluster-name", "cluster-signing-cert-file"),
            *("cluster-signing-key-file", "controllers", "kubeconfig", "leader-elect"),
            *("requestheader-client-ca-file", "root-ca-file", "service-account-private-key-file"),
            *("service-cluster-ip-range", "use-service-account-credentials"),
        ),
    ),
    "kube-scheduler": (
        "scheduler",
        ("authentication-kubeconfig", "authorization-kubeconfig", "bind-address", "kubeconfig", "leader-elect"),
    ),
}
# Newer versions of kubeadm write it for each node.
_OF_NODE = "containerRuntimeEndpoint"
_STRICT = ("kubernetesVersion", "controlPlaneEndpoint", "networking", "apiServer", "controllerManager", "scheduler")


def changed_since(nodes: Sequence[Node], files: Mapping[str, NodeFiles], state: ClusterState) -> Iterator[str]:
    """A sentence for each place that differs from what the cluster was created with."""
    documents = files[nodes[0].name].kubeadm
    created = normalised(documents.get("ClusterConfiguration") or {})[0]
    yield from _configuration(created, state.kubeadm)
    for component, (section, own) in _COMPONENTS.items():
        wanted = (created.get(section) or {}).get("extraArgs") or {}
        yield from _flags(component, wanted, state.flags.get(component), own)
    for node in nodes:
        yield from _kubelet(node.name, files[node.name].kubelet, state.kubelet)


def _configuration(created: Mapping[str, Any], current: Mapping[str, Any]) -> Iterator[str]:
    now = normalised(current)[0]
    before = {field: created[field] for field in _STRICT if field in created}
    # kubeadm adds defaults, so that only what was there before is compared.
    patch = merge_patch(before, now) if now else {}
    names = sorted(field for field in patch if field in before and not _is_addition(before[field], patch[field]))
    if names:
        yield f"kube-system/kubeadm-config was changed after the creation: {listed(names)}"


def _is_addition(before: Any, patch: Any) -> bool:
    """True if a patch only adds fields."""
    if not isinstance(patch, Mapping) or not isinstance(before, Mapping):
        return False
    return all(field not in before or _is_addition(before[field], value) for field, value in patch.items())


def _flags(
    component: str, wanted: Mapping[str, Any], command: Sequence[str] | None, own: Sequence[str]
) -> Iterator[str]:
    if not command:
        return
    flags = {flag.lstrip("-").partition("=")[0]: flag.partition("=")[2] for flag in command if flag.startswith("--")}
    flags = {name: ",".join(sorted(value.split(","))) for name, value in flags.items()}
    expected = {name: ",".join(sorted(str(value).split(","))) for name, value in wanted.items()}
    changed = sorted(name for name, value in expected.items() if value and flags.get(name) != value)
    added = sorted(flags.keys() - expected.keys() - {*own})
    if changed or added:
        names = listed([f"--{name}" for name in (*changed, *added)])
        yield f"{component} was changed after the creation: {names} in /etc/kubernetes/manifests/{component}.yaml"


def _kubelet(node: str, own: Mapping[str, Any], shared: Mapping[str, Any]) -> Iterator[str]:
    if not own or not shared:
        return
    names = sorted({*merge_patch(pruned(shared), pruned(own))} - {_OF_NODE})
    if names:
        yield f"{node}: the kubelet's configuration differs from that of the cluster: {listed(names)}"
