# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clusters and nodes as modules return them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from .drift import host_mounts, is_api_server
from .nodes import Node

ABSENT = "absent"
RUNNING = "running"
STOPPED = "stopped"
PARTLY = "partly running"
UNFINISHED = "unfinished"


def state_of(nodes: Sequence[Node], *, unfinished: bool = False) -> str:
    """The state of a whole cluster; unfinished: its creation or removal was interrupted."""
    if not nodes:
        return ABSENT
    if unfinished:
        return UNFINISHED
    running = [node.state == "running" for node in nodes]
    return RUNNING if all(running) else PARTLY if any(running) else STOPPED


def node_view(node: Node) -> dict[str, Any]:
    """One node, without the mounts and ports that kind adds by itself."""
    fields = ("name", "role", "state", "exit_reason", "image")
    mounts = [{name: getattr(m, name) for name in ("host_path", "node_path", "read_only")} for m in host_mounts(node)]
    ports = [asdict(port) for port in node.ports if not is_api_server(node, port)]
    return {**{name: getattr(node, name) for name in fields}, "mounts": mounts, "ports": ports}


def cluster_view(name: str, nodes: Sequence[Node], *, unfinished: bool = False) -> dict[str, Any]:
    """One cluster with its nodes."""
    state = state_of(nodes, unfinished=unfinished)
    return {"name": name, "state": state, "nodes": [node_view(node) for node in nodes]}
