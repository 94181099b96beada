# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings and patches that make kind generate the kubeadm configuration that the nodes of a cluster have."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node

from .kubeadm import SUBNETS, Settings, generated, normalised, pairs
from .model import NodeFiles
from .patches import merge_patch

Object = Mapping[str, Any]
_INIT, _JOIN, _CLUSTER = "InitConfiguration", "JoinConfiguration", "ClusterConfiguration"
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
    doubts: list[str] = []
    documents: dict[str, dict[str, dict[str, Any]]] = {}
    for node in nodes:
        documents[node.name] = {}
        for kind, document in files[node.name].kubeadm.items():
            documents[node.name][kind], repeated = normalised(document)
            doubts += [f"{node.name}: {kind} has the argument {name} more than once" for name in repeated]
    shared = documents[nodes[0].name]
    gates, runtime = _gates(documents.values()), pairs(_arguments(shared, "apiServer").get("runtime-config"))
    networks = shared.get(_CLUSTER, {}).get("networking") or {}
    family = _family(documents[nodes[0].name], files[nodes[0].name])
    mode = str(shared[_PROXY].get("mode", "")) if _PROXY in shared else "none"
    labels = {name: _labels(own) for name, own in documents.items()}
    pods, services = SUBNETS[family]
    pods, services = str(networks.get("podSubnet", pods)), str(networks.get("serviceSubnet", services))
    differences: dict[str, dict[str, dict[str, Any]]] = {}
    for node in nodes:
        own = documents[node.name]
        base = generated(
            Settings(
                cluster,
                node.role,
                files[node.name].version,
                endpoint,
                _provider_id(own, cluster, node.name),
                _address(own, files[node.name]),
                address,
                family,
                pods,
                services,
                mode,
                gates,
                runtime,
                labels[node.name],
            )
        )
        differences[node.name] = _differences(base, own)
        doubts += _inexpressible(node.name, base, own)
    common, single = _grouped(differences)
    return Configuration(
        family, pods, services, mode, gates, runtime, labels, common, single, tuple(dict.fromkeys(doubts))
    )


def split_rate(patches: Iterable[Object]) -> tuple[int | None, list[Object]]:
    """(the requests per second of the controller manager that patches set as controller_manager_qps does, the rest)."""
    rate, rest = None, []
    for patch in patches:
        arguments = dict((patch.get("controllerManager") or {}).get("extraArgs") or {})
        qps, burst = (str(arguments.get(name, "")) for name in _RATE)
        if patch["kind"] == _CLUSTER and qps.isdigit() and burst == str(2 * int(qps)):
            rate = int(qps)
            left = {name: value for name, value in arguments.items() if name not in _RATE}
            patch = {name: value for name, value in patch.items() if name != "controllerManager"}
            if left:
                patch = {**patch, "controllerManager": {"extraArgs": left}}
        if patch.keys() != {"kind"}:
            rest.append(patch)
    return rate, rest


def _arguments(documents: Mapping[str, Any], component: str) -> Mapping[str, Any]:
    return ((documents.get(_CLUSTER) or {}).get(component) or {}).get("extraArgs") or {}


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


def _differences(base: Mapping[str, Object], actual: Mapping[str, Object]) -> dict[str, dict[str, Any]]:
    """Kind of document -> the merge patch from what kind generates to what there is, without empty ones."""
    found = {kind: merge_patch(base[kind], document) for kind, document in actual.items() if kind in base}
    return {kind: patch for kind, patch in found.items() if patch}


def _inexpressible(node: str, base: Mapping[str, Object], actual: Mapping[str, Object]) -> Iterable[str]:
    """What kind does not make of any patch: it only adds documents of its own, and names of certificates."""
    for kind in sorted(actual.keys() - base.keys()):
        yield f"{node}: /kind/kubeadm.conf has a document {kind}, which no option adds"
    for kind in sorted(base.keys() - actual.keys()):
        yield f"{node}: /kind/kubeadm.conf has no {kind}, which kind writes"
    names = [((side.get(_CLUSTER) or {}).get("apiServer") or {}).get("certSANs") or [] for side in (base, actual)]
    missing = sorted({*map(str, names[0])} - {*map(str, names[1])})
    if missing and _CLUSTER in actual:
        yield f"{node}: the certificate of the API server is not for {', '.join(missing)}, but will be"


def _grouped(
    differences: Mapping[str, Mapping[str, Mapping[str, Any]]],
) -> tuple[list[Object], dict[str, list[Object]]]:
    """(patches that all nodes have, those of single nodes). Each is without an apiVersion: it fits any version."""
    kinds = dict.fromkeys(kind for own in differences.values() for kind in own)
    common: list[Object] = []
    single: dict[str, list[Object]] = {}
    for kind in kinds:
        found = [own.get(kind) for own in differences.values()]
        if all(patch == found[0] for patch in found):
            common.append({"kind": kind, **(found[0] or {})})
            continue
        for name, own in differences.items():
            if kind in own:
                single.setdefault(name, []).append({"kind": kind, **own[kind]})
    return common, single
