# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What node containers show of a cluster's options: roles, images, mounts, ports and the address of the API server."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.drift import API_SERVER_PORT, host_mounts
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.mounts_and_ports import KIND_PATHS, PROPAGATION
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import (
    CONTROL_PLANE,
    LOAD_BALANCER,
    Mount,
    Node,
    Port,
    kubernetes_nodes,
    node_names,
)

_ANY = ("", "0.0.0.0", "::")
_PROPAGATION = {engine: kind for kind, engine in PROPAGATION.items() if kind != "None"}


def in_order(cluster: str, nodes: Iterable[Node]) -> tuple[Node, ...]:
    """The nodes of Kubernetes in the order in which kind names them; () if kind gave them other names."""
    found = {node.name: node for node in kubernetes_nodes(nodes)}
    roles = sorted(node.role for node in found.values())
    names = node_names(cluster, roles)
    return tuple(found[name] for name in names) if set(names) == set(found) else ()


def missing_names(cluster: str, nodes: Iterable[Node], names: Iterable[str]) -> list[str]:
    """The nodes that a cluster had and that have no container. names: of its Nodes."""
    found = [node.name for node in kubernetes_nodes(nodes)]
    wanted = {*names}
    for name in found:
        role, number = _parts(cluster, name)
        wanted |= {*node_names(cluster, [role] * number)} if role else set()
    return sorted(wanted - {*found})


def _parts(cluster: str, name: str) -> tuple[str, int]:
    match = re.fullmatch(rf"{re.escape(cluster)}-(control-plane|worker)(\d{{0,3}})", name)
    return (match[1], int(match[2] or 1)) if match else ("", 0)


def node_options(node: Node) -> dict[str, Any]:
    """Options of one node, as far as its container shows them."""
    mounts = [_mount(mount) for mount in host_mounts(node)]
    ports = [_port(port) for port in published(node)]
    return {
        "role": node.role,
        **({"image": node.image} if node.image else {}),
        **({"mounts": mounts} if mounts else {}),
        **({"ports": ports} if ports else {}),
    }


def published(node: Node) -> list[Port]:
    """Its ports without that of the API server, which kind publishes last."""
    own = api_server(node)
    return [port for port in node.ports if port is not own]


def api_server(node: Node) -> Port | None:
    """The published port of the API server, or of the load balancer in front of several."""
    if node.role not in (CONTROL_PLANE, LOAD_BALANCER):
        return None
    ports = [port for port in node.ports if (port.node_port, port.protocol) == (API_SERVER_PORT, "TCP")]
    return ports[-1] if ports else None


def entrance(nodes: Sequence[Node]) -> Node | None:
    """The container that publishes the API server: the load balancer, or the only control plane."""
    planes = [node for node in nodes if node.role == CONTROL_PLANE]
    return next((node for node in nodes if node.role == LOAD_BALANCER), planes[0] if len(planes) == 1 else None)


def container_doubts(nodes: Iterable[Node]) -> list[str]:
    """What containers have that no option of kind_cluster creates, or that the engine does not show."""
    found = []
    for node in kubernetes_nodes(nodes):
        found += [f"{node.name}: the engine does not show its {field}" for field in node.unknown]
        for mount in node.mounts:
            if mount.kind == "volume" and mount.node_path not in KIND_PATHS:
                found.append(f"{node.name}: {mount.node_path} is a volume of the engine, which is not created again")
            elif mount.kind == "bind" and mount.propagation.lstrip("r") not in ("", "private", "slave", "shared"):
                found.append(f"{node.name}: the propagation of mount {mount.node_path} is {mount.propagation}")
        entries = [port for port in node.ports if (port.node_port, port.protocol) == (API_SERVER_PORT, "TCP")]
        if node.role == CONTROL_PLANE and len(entries) > 1:
            found.append(
                f"{node.name}: port {API_SERVER_PORT} is published {len(entries)} times; the last time counts as kind's"
            )
    return found


def _mount(mount: Mount) -> dict[str, Any]:
    propagation = _PROPAGATION.get(f"r{mount.propagation.lstrip('r')}")
    return {
        # Docker Desktop shows the host's paths below /host_mnt.
        "host_path": mount.host_path.removeprefix("/host_mnt"),
        "node_path": mount.node_path,
        "read_only": mount.read_only,
        # A missing directory would hide that its data is missing.
        "create": False,
        **({"propagation": propagation} if propagation else {}),
    }


def _port(port: Port) -> dict[str, Any]:
    listen = {} if port.listen in _ANY else {"listen": port.listen}
    return {"node_port": port.node_port, "host_port": port.host_port, **listen, "protocol": port.protocol}
