# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of kind_cluster that create a cluster like one that others created, and what they do not say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import LOAD_BALANCER, Node, Port
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed

from .changed import changed_since
from .containerd import containerd_patch
from .containers import api_server, container_doubts, entrance, in_order, missing_names, node_options
from .kubeadm import SUBNETS
from .model import ClusterState, Found, NodeFiles
from .node_patches import Configuration, configuration, split_rate

_LOOPBACK = {"ipv4": "127.0.0.1", "dual": "127.0.0.1", "ipv6": "::1"}


def found_options(
    cluster: str,
    nodes: Sequence[Node],
    files: Mapping[str, NodeFiles],
    state: ClusterState,
    ephemeral: tuple[int, int],
) -> Found:
    """From the containers, their files, and what a control plane shows.

    files: by node, of those that could be read. ephemeral: the ports of this host that programs get by chance.
    """
    ordered = in_order(cluster, nodes)
    if problem := _problem(cluster, nodes, ordered, files, state):
        return Found(problem=problem)
    door = entrance(nodes)
    published = api_server(door) if door else None
    endpoint = f"{door.name if door else ordered[0].name}:6443"
    address = published.listen if published and published.listen else "127.0.0.1"
    made = configuration(cluster, ordered, files, endpoint, address)
    rate, patches = split_rate(made.kubeadm_patches)
    containerd, containerd_doubts = _containerd(ordered, files)
    port, port_doubts = _api_server_port(published, ephemeral)
    plugin, plugin_doubts = _network_plugin(state)
    options = {
        "nodes": [_node(node, made) for node in ordered],
        "networking": {**_networking(made, files[ordered[0].name], address), **port, **plugin},
        "feature_gates": dict(made.feature_gates),
        "runtime_config": dict(made.runtime_config),
        "kubeadm_patches": patches,
        "controller_manager_qps": rate,
        "containerd_patches": [containerd] if containerd else [],
    }
    balanced = any(node.role == LOAD_BALANCER for node in nodes)
    doubts = (
        *container_doubts(nodes),
        *([] if published or not balanced else ["the load balancer does not publish the API server"]),
        *made.doubts,
        *containerd_doubts,
        *port_doubts,
        *plugin_doubts,
        *_registries(ordered, files),
        *changed_since(ordered, files, state),
    )
    return Found({name: value for name, value in options.items() if value}, tuple(dict.fromkeys(doubts)))


def _problem(
    cluster: str, nodes: Sequence[Node], ordered: Sequence[Node], files: Mapping[str, NodeFiles], state: ClusterState
) -> str:
    """Why the options cannot be known, '' if they can."""
    if missing := missing_names(cluster, nodes, state.nodes):
        return f"the container of {listed(missing)} is gone, and nobody recorded its mounts and ports"
    if not ordered:
        return "its nodes have other names than kind gives"
    unread = [node.name for node in ordered if node.name not in files or not files[node.name].kubeadm]
    return f"the configuration in {listed(unread)} cannot be read (/kind/kubeadm.conf)" if unread else ""


def _node(node: Node, made: Configuration) -> dict[str, Any]:
    labels, patches = made.labels[node.name], made.patches.get(node.name)
    return {
        **node_options(node),
        **({"labels": dict(labels)} if labels else {}),
        **({"patches": list(patches)} if patches is not None else {}),
    }


def taken_over(found: Found, requested: Mapping[str, Any]) -> Found:
    """The options of a cluster of others with what was requested of it since; what is not mentioned stays as it is.

    requested: the recorded options, which no container showed when they were recorded.
    """
    if not found.options:
        return Found(requested, (*found.doubts, *filter(None, [found.problem])))
    if len(found.options["nodes"]) != len(requested["nodes"]):
        return Found(requested, (*found.doubts, "what its nodes have: their number is not the recorded one"))
    nodes = [
        {**own, **{option: node[option] for option in ("labels", "patches", "kind_fields") if option in node}}
        for own, node in zip(found.options["nodes"], requested["nodes"])
    ]
    rest = {option: value for option, value in requested.items() if option != "nodes"}
    changed = sorted(option for option, value in rest.items() if found.options.get(option) != value)
    changed += ["labels, patches or fields of nodes"] if nodes != found.options["nodes"] else []
    doubts = [f"{listed(changed)}: it was requested later than it was created"] if changed else []
    return Found({**found.options, **rest, "nodes": nodes}, (*found.doubts, *doubts))


def _networking(made: Configuration, files: NodeFiles, address: str) -> dict[str, Any]:
    """Network settings other than kind's defaults."""
    pods, services = SUBNETS[made.ip_family]
    found = {
        "ip_family": (made.ip_family, "ipv4"),
        "api_server_address": (address, _LOOPBACK[made.ip_family]),
        "pod_subnet": (made.pod_subnet, pods),
        "service_subnet": (made.service_subnet, services),
        "kube_proxy_mode": (made.proxy_mode, "iptables"),
        "dns_search": (None if files.dns_search is None else list(files.dns_search), None),
    }
    return {name: value for name, (value, default) in found.items() if value != default}


def _api_server_port(published: Port | None, ephemeral: tuple[int, int]) -> tuple[dict[str, Any], list[str]]:
    """The setting, and what cannot be known of it."""
    if published is None:
        return {}, []
    port = published.host_port
    if not ephemeral[0] <= port <= ephemeral[1]:
        return {"api_server_port": port or -1}, []
    doubt = f"whether port {port} of the API server was requested: kind will choose another one"
    return {}, [f"{doubt} (networking.api_server_port={port} keeps it)"]


def _network_plugin(state: ClusterState) -> tuple[dict[str, Any], list[str]]:
    """The setting, and what cannot be known of it."""
    if state.has_default_cni:
        return {}, []
    if state.has_default_cni is None:
        return {}, ["whether kind's network plugin was left out: the API server did not answer"]
    doubt = "whether kind's network plugin was left out or was removed later: it is left out"
    return {"disable_default_cni": True}, [f"{doubt} (networking.disable_default_cni)"]


def _containerd(nodes: Sequence[Node], files: Mapping[str, NodeFiles]) -> tuple[str, list[str]]:
    """The patch of containerd's configuration that all nodes have, and what it does not say."""
    found: dict[str, str] = {}
    doubts = []
    for node in nodes:
        own = files[node.name]
        if own.containerd is None or own.stock_containerd is None:
            doubts.append(f"{node.name}: whether containerd's configuration was patched: it cannot be read")
            continue
        found[node.name], removed = containerd_patch(own.stock_containerd, own.containerd)
        doubts += [f"{node.name}: containerd's configuration lacks {name}, which its image has" for name in removed]
    if len({*found.values()}) > 1:
        doubts.append(f"containerd's configuration differs between nodes; that of {nodes[0].name} is taken for all")
    return found.get(nodes[0].name, ""), doubts


def _registries(nodes: Sequence[Node], files: Mapping[str, NodeFiles]) -> list[str]:
    names = sorted({name for node in nodes for name in files[node.name].registries})
    return [f"files in nodes that configure registries are not created again: {listed(names)}"] if names else []
