# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clusters in the collection's own words: what modules return, and show as before and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .drift import KINDS_OWN_MOUNTS, is_api_server
from .nodes import Mount, Node, Port

ABSENT = "absent"
RUNNING = "running"
STOPPED = "stopped"
PARTLY = "partly running"
UNFINISHED = "unfinished"


def state_of(nodes: Sequence[Node], *, unfinished: bool = False) -> str:
    """One word for a whole cluster; unfinished: its creation was interrupted."""
    if not nodes:
        return ABSENT
    if unfinished:
        return UNFINISHED
    running = [node.state == "running" for node in nodes]
    return RUNNING if all(running) else PARTLY if any(running) else STOPPED


def node_view(node: Node) -> dict[str, Any]:
    """One node: what is mounted from the host and published there, without what kind adds of its own."""
    return {
        "name": node.name,
        "role": node.role,
        "state": node.state,
        "ended": node.ended,
        "image": node.image,
        "mounts": [_mount(m) for m in node.mounts if m.kind == "bind" and m.node_path not in KINDS_OWN_MOUNTS],
        "ports": [_port(p) for p in node.ports if not is_api_server(node, p)],
    }


def cluster_view(name: str, nodes: Sequence[Node], *, unfinished: bool = False) -> dict[str, Any]:
    """One cluster with its nodes."""
    return {
        "name": name,
        "state": state_of(nodes, unfinished=unfinished),
        "nodes": [node_view(node) for node in nodes],
    }


def _mount(mount: Mount) -> dict[str, Any]:
    return {"host_path": mount.host_path, "node_path": mount.node_path, "read_only": mount.read_only}


def _port(port: Port) -> dict[str, Any]:
    return {
        "node_port": port.node_port,
        "host_port": port.host_port,
        "listen": port.listen,
        "protocol": port.protocol,
    }
