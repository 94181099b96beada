# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kubeadm configuration that kind generates for a node, in the form in which configurations are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import CONTROL_PLANE

from .patches import pruned

Object = dict[str, Any]

# Fields with 'key=value,...' as text -> kept in another order, they mean the same.
_PAIRS = ("feature-gates", "runtime-config", "node-labels")
# v1beta4 of kubeadm's configuration has lists of {name, value} here, older versions have mappings.
_ARGUMENTS = ("extraArgs", "kubeletExtraArgs")
_TOKEN = "abcdef.0123456789abcdef"  # noqa: S105
# Subnets that kind takes if none are given, by IP family.
SUBNETS = {
    "ipv4": ("10.244.0.0/16", "10.96.0.0/16"),
    "ipv6": ("fd00:10:244::/56", "fd00:10:96::/112"),
    "dual": ("10.244.0.0/16,fd00:10:244::/56", "10.96.0.0/16,fd00:10:96::/112"),
}


@dataclass(frozen=True)
class Settings:
    """What kind generates the configuration of one node from.

    endpoint: of the API server within the engine's network; provider_id, node_address: of the node, as they are.
    """

    cluster: str
    role: str
    version: str
    endpoint: str
    provider_id: str
    node_address: str
    api_server_address: str = "127.0.0.1"
    ip_family: str = "ipv4"
    pod_subnet: str = ""
    service_subnet: str = ""
    proxy_mode: str = "iptables"
    feature_gates: Mapping[str, bool] = field(default_factory=dict)
    runtime_config: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_ipv6(self) -> bool:
        """True if nodes have no IPv4 addresses."""
        return self.ip_family == "ipv6"


def generated(settings: Settings) -> dict[str, Object]:
    """Kind of document -> the document, as normalised() shows it (ConfigTemplateBetaV3 and V4)."""
    documents = {
        "ClusterConfiguration": _cluster(settings),
        "InitConfiguration": _init(settings),
        "JoinConfiguration": _join(settings),
        "KubeletConfiguration": _kubelet(settings),
        **({} if settings.proxy_mode == "none" else {"KubeProxyConfiguration": _proxy(settings)}),
    }
    return {kind: pruned(document) for kind, document in documents.items()}


def _cluster(settings: Settings) -> Object:
    gates = {"feature-gates": pairs_text(settings.feature_gates)} if settings.feature_gates else {}
    manager, scheduler = ({"bind-address": "::"}, {"bind-address": "::1"}) if settings.is_ipv6 else ({}, {})
    return {
        "kubernetesVersion": settings.version,
        "clusterName": settings.cluster,
        "controlPlaneEndpoint": settings.endpoint,
        "apiServer": {
            "certSANs": ["localhost", settings.api_server_address],
            "extraArgs": {"runtime-config": pairs_text(settings.runtime_config), **gates},
        },
        "controllerManager": {"extraArgs": {"enable-hostpath-provisioner": "true", **gates, **manager}},
        "scheduler": {"extraArgs": {**gates, **scheduler}},
        "networking": {"podSubnet": settings.pod_subnet, "serviceSubnet": settings.service_subnet},
    }


def _init(settings: Settings) -> Object:
    return {
        "bootstrapTokens": [{"token": _TOKEN}],
        "localAPIEndpoint": _endpoint(settings),
        "nodeRegistration": _registration(settings),
        "skipPhases": ["preflight", *(["addon/kube-proxy"] if settings.proxy_mode == "none" else [])],
    }


def _join(settings: Settings) -> Object:
    joining = {"apiServerEndpoint": settings.endpoint, "token": _TOKEN, "unsafeSkipCAVerification": True}
    return {
        "controlPlane": {"localAPIEndpoint": _endpoint(settings)} if settings.role == CONTROL_PLANE else None,
        "nodeRegistration": _registration(settings),
        "discovery": {"bootstrapToken": joining},
        "skipPhases": ["preflight"],
    }


def _endpoint(settings: Settings) -> Object:
    return {"advertiseAddress": settings.node_address.partition(",")[0], "bindPort": 6443}


def _registration(settings: Settings) -> Object:
    return {
        "criSocket": "unix:///run/containerd/containerd.sock",
        "kubeletExtraArgs": {
            "node-ip": settings.node_address,
            "provider-id": settings.provider_id,
            "node-labels": pairs_text(settings.labels),
        },
    }


def _kubelet(settings: Settings) -> Object:
    return {
        "cgroupDriver": "systemd",
        "cgroupRoot": "/kubelet",
        "failSwapOn": False,
        **({"address": "::", "healthzBindAddress": "::"} if settings.is_ipv6 else {}),
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"nodefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.available": "0%"},
        "featureGates": {**settings.feature_gates},
    }


def _proxy(settings: Settings) -> Object:
    return {
        "mode": settings.proxy_mode,
        "featureGates": {**settings.feature_gates},
        "iptables": {"minSyncPeriod": "1s"},
        "conntrack": {"maxPerCore": 0, **({"tcpBeLiberal": True} if settings.proxy_mode == "nftables" else {})},
    }


def normalised(document: Mapping[str, Any]) -> tuple[Object, list[str]]:
    """(a document of /kind/kubeadm.conf, arguments that it has more than once).

    Without its kind and version, with mappings of arguments, sorted lists in texts, and without empty fields.
    """
    repeated: list[str] = []
    content = {name: value for name, value in document.items() if name not in ("apiVersion", "kind", "metadata")}
    found = pruned(_normalised(content, repeated))
    return dict(found), repeated


def _normalised(value: Any, repeated: list[str]) -> Any:
    if isinstance(value, list):
        return [_normalised(item, repeated) for item in value]
    if not isinstance(value, Mapping):
        return value
    result = {}
    for name, item in value.items():
        if name in _ARGUMENTS and isinstance(item, list):
            names = [str(argument.get("name")) for argument in item if isinstance(argument, Mapping)]
            repeated += sorted({argument for argument in names if names.count(argument) > 1})
            item = {str(a.get("name")): a.get("value") for a in item if isinstance(a, Mapping)}
        if name in _PAIRS and isinstance(item, str):
            item = ",".join(sorted(filter(None, item.split(","))))
        result[str(name)] = _normalised(item, repeated)
    return result


def pairs(text: Any) -> dict[str, str]:
    """'a=b,c=d' as a mapping."""
    return dict(pair.partition("=")[::2] for pair in str(text or "").split(",") if pair)


def pairs_text(values: Mapping[str, Any]) -> str:
    """A mapping as 'a=b,c=d'."""
    texts = {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in values.items()}
    return ",".join(sorted(f"{key}={value}" for key, value in texts.items()))
