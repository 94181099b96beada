# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Node containers: their mounts, ports and names, and the host directories behind the mounts."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

# Labels that kind puts on node containers, and their roles.
CLUSTER_LABEL = "io.x-k8s.kind.cluster"
ROLE_LABEL = "io.x-k8s.kind.role"
CONTROL_PLANE = "control-plane"
WORKER = "worker"
LOAD_BALANCER = "external-load-balancer"


@dataclass(frozen=True)
class Mount:
    """A mount of a node container.

    kind: bind (host_path is a directory or file of the host), volume (managed by the engine) or tmpfs. mismatch: why
    host_path is not what the node has mounted, '' if it is or if they were not compared.
    """

    node_path: str
    host_path: str
    kind: str = "bind"
    read_only: bool = False
    propagation: str = ""
    mismatch: str = ""


@dataclass(frozen=True)
class Port:
    """A port of a node, published on the host."""

    node_port: int
    host_port: int
    listen: str = "0.0.0.0"
    protocol: str = "TCP"


@dataclass(frozen=True)
class Node:
    """A node container as the engine shows it.

    role: control-plane, worker or external-load-balancer; state: as the engine calls it, e.g. running, exited, paused.
    exit_reason: why a container has exited: 'stopped, exit code 137', 'crashed, out of memory'; '' for others. unknown:
    fields that the engine does not show. labels (None if unknown) and takes_pods (False for a taint that keeps ordinary
    pods out) are those of its Node.
    """

    name: str
    cluster: str
    role: str
    state: str = "running"
    image: str = ""
    image_id: str = ""
    mounts: tuple[Mount, ...] = ()
    ports: tuple[Port, ...] = ()
    exit_reason: str = ""
    unknown: tuple[str, ...] = ()
    labels: Mapping[str, str] | None = field(default=None, compare=False)
    takes_pods: bool = field(default=True, compare=False)

    def mount_of(self, node_directory: str) -> Mount | None:
        """The mount that a directory of this node lies in, None for the node's own file system."""
        path = posixpath.normpath(node_directory)
        above = (m for m in self.mounts if is_below(path, m.node_path))
        return max(above, key=lambda m: len(posixpath.normpath(m.node_path)), default=None)

    def host_directory(self, node_directory: str) -> str | None:
        """The host directory behind a directory of this node; None if it is not mounted from the host."""
        path, nearest = posixpath.normpath(node_directory), self.mount_of(node_directory)
        if nearest is None or nearest.kind != "bind":
            return None
        return posixpath.normpath(posixpath.join(nearest.host_path, posixpath.relpath(path, nearest.node_path)))


def kubernetes_nodes(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """The containers that run Kubernetes: all but the load balancer."""
    return tuple(node for node in nodes if node.role != LOAD_BALANCER)


def is_below(path: str, directory: str) -> bool:
    """True if path is the directory or below it (both absolute, '..' resolved by name)."""
    path, directory = posixpath.normpath(path), posixpath.normpath(directory)
    return path == directory or directory == "/" or path.startswith(directory + "/")


def default_kubeconfig(cluster: str) -> str:
    """The kubeconfig file of one cluster; the user's own is not touched."""
    return f"~/.kube/kind-{cluster}.yaml"


def context_name(cluster: str) -> str:
    """The kubeconfig context that kind writes for a cluster."""
    return f"kind-{cluster}"


def node_names(cluster: str, roles: Iterable[str]) -> list[str]:
    """The names that kind gives to nodes of these roles, in order: NAME-worker, NAME-worker2, ..."""
    seen: dict[str, int] = {}
    names = []
    for role in roles:
        seen[role] = seen.get(role, 0) + 1
        names.append(f"{cluster}-{role}{seen[role] if seen[role] > 1 else ''}")
    return names
