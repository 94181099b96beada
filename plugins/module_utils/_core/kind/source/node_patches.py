# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings and patches that make kind generate the kubeadm configuration that the nodes of a cluster have."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node

from .differing import CLUSTER, differences_of, grouped, inexpressible
from .kubeadm import SUBNETS, Settings, generated, normalised, pairs
from .model import NodeFiles

Object = Mapping[str, Any]
_INIT, _JOIN = "InitConfiguration", "JoinConfiguration"
_PROXY = "KubeProxyConfiguration"
_GATES = ("apiServer", "controllerManager", "scheduler")
_RATE = ("kube-api-qps", "kube-api-burst")


@dataclass(frozen=True)
class Configuration:
    """What the nodes' kubeadm configuration says. labels, patches: by node; kubeadm_patches: of all nodes."""

    ip_family: str = "ipv4"
    pod_subnet: str = ""
    service_subnet: str = ""
    proxy_mode: str = "iptables"
    feature_gates: Mapping[str, bool] = field(default_factory=dict)
    runtime_config: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    kubeadm_patches: Sequence[Object] = ()
    patches: Mapping[str, Sequence[Object]] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()


def configuration(
    cluster: str, nodes: Sequence[Node], files: Mapping[str, NodeFiles], endpoint: str, address: str
) -> Configuration:
    """From the files of all nodes. endpoint: of the API server in the engine's network; address: that it listens on.

    Whatever differs from what kind generates becomes a patch, so that the same comes out again.
    """
    documents, doubts = _documents(nodes, files)
    first = nodes[0].name
    same = _same_for_all(cluster, documents, files[first], first, endpoint, address)
    differences: dict[str, dict[str, dict[str, Any]]] = {}
    for node in nodes:
        own = documents[node.name]
        settings = replace(
            same,
            role=node.role,
            version=files[node.name].version,
            provider_id=_provider_id(own, cluster, node.name),
            node_address=_address(own, files[node.name]),
            labels=_labels(own),
        )
        base = generated(settings)
        differences[node.name] = differences_of(base, own)
        doubts += inexpressible(node.name, base, own)
    common, single = grouped(differences)
    return Configuration(
        same.ip_family,
        same.pod_subnet,
        same.service_subnet,
        same.proxy_mode,
        same.feature_gates,
        same.runtime_config,
        {name: _labels(own) for name, own in documents.items()},
        common,
        single,
        tuple(dict.fromkeys(doubts)),
    )


def _documents(
    nodes: Sequence[Node], files: Mapping[str, NodeFiles]
) -> tuple[dict[str, dict[str, dict[str, Any]]], list[str]]:
    """(node -> kind of document -> the document, what they do not say)."""
    doubts: list[str] = []
    documents: dict[str, dict[str, dict[str, Any]]] = {}
    for node in nodes:
        documents[node.name] = {}
        for kind, document in files[node.name].kubeadm.items():
            documents[node.name][kind], repeated = normalised(document)
            doubts += [f"{node.name}: {kind} has the argument {name} more than once" for name in repeated]
    return documents, doubts


def _same_for_all(
    cluster: str,
    documents: Mapping[str, Mapping[str, dict[str, Any]]],
    files: NodeFiles,
    first: str,
    endpoint: str,
    address: str,
) -> Settings:
    """What kind generates the configuration of all nodes from, as that of the first one says. files: of that one."""
    shared = documents[first]
    networks = shared.get(CLUSTER, {}).get("networking") or {}
    family = _family(shared, files)
    pods, services = SUBNETS[family]
    return Settings(
        cluster,
        role="",
        version="",
        endpoint=endpoint,
        provider_id="",
        node_address="",
        api_server_address=address,
        ip_family=family,
        pod_subnet=str(networks.get("podSubnet", pods)),
        service_subnet=str(networks.get("serviceSubnet", services)),
        proxy_mode=str(shared[_PROXY].get("mode", "")) if _PROXY in shared else "none",
        feature_gates=_gates(documents.values()),
        runtime_config=pairs(_arguments(shared, "apiServer").get("runtime-config")),
    )


def split_rate(patches: Iterable[Object]) -> tuple[int | None, list[Object]]:
    """(the requests per second of the controller manager that patches set as controller_manager_qps does, the rest)."""
    rate, rest = None, []
    for patch in patches:
        arguments = dict((patch.get("controllerManager") or {}).get("extraArgs") or {})
        qps, burst = (str(arguments.get(name, "")) for name in _RATE)
        if patch["kind"] == CLUSTER and qps.isdigit() and burst == str(2 * int(qps)):
            rate = int(qps)
            left = {name: value for name, value in arguments.items() if name not in _RATE}
            patch = {name: value for name, value in patch.items() if name != "controllerManager"}
            if left:
                patch = {**patch, "controllerManager": {"extraArgs": left}}
        if patch.keys() != {"kind"}:
            rest.append(patch)
    return rate, rest


def _arguments(documents: Mapping[str, Any], component: str) -> Mapping[str, Any]:
    return ((documents.get(CLUSTER) or {}).get(component) or {}).get("extraArgs") or {}


def _gates(nodes: Iterable[Mapping[str, Any]]) -> dict[str, bool]:
    """The feature gates that every component of every node has: what only some have is a patch."""
    found: list[set[tuple[str, str]]] = []
    for documents in nodes:
        found += [{*pairs(_arguments(documents, component).get("feature-gates")).items()} for component in _GATES]
        for kind in ("KubeletConfiguration", _PROXY):
            if kind in documents:
                own = documents[kind].get("featureGates") or {}
                found.append({(name, str(value).lower()) for name, value in own.items()})
    common = set.intersection(*found) if found else set()
    return {name: value == "true" for name, value in sorted(common) if value in ("true", "false")}


def _labels(documents: Mapping[str, Any]) -> dict[str, str]:
    """The labels that a node gets whichever way it becomes part of the cluster."""
    init, join = ({*pairs(_kubelet(documents, kind).get("node-labels")).items()} for kind in (_INIT, _JOIN))
    return dict(sorted(init & join))


def _kubelet(documents: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    return ((documents.get(kind) or {}).get("nodeRegistration") or {}).get("kubeletExtraArgs") or {}


def _provider_id(documents: Mapping[str, Any], cluster: str, node: str) -> str:
    found = str(_kubelet(documents, _INIT).get("provider-id", ""))
    own = rf"kind://[a-z]+/{re.escape(cluster)}/{re.escape(node)}"
    return found if re.fullmatch(own, found) else f"kind://docker/{cluster}/{node}"


def _address(documents: Mapping[str, Any], files: NodeFiles) -> str:
    """The node's addresses as kind wrote them; those that are not the node's own were set by a patch."""
    for kind in (_INIT, _JOIN):
        found = str(_kubelet(documents, kind).get("node-ip", ""))
        if found and all(_is_own(address, files.addresses) for address in found.split(",")):
            return found
    return ",".join(files.addresses[:1])


def _is_own(address: str, own: Sequence[str]) -> bool:
    try:
        return (address in own or not own) and not ipaddress.ip_address(address).is_unspecified
    except ValueError:
        return False


def _family(documents: Mapping[str, Any], files: NodeFiles) -> str:
    address = _address(documents, files)
    return "dual" if "," in address else "ipv6" if ":" in address else "ipv4"
