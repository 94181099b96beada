# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Node containers: their mounts, ports and names, and the host directories behind the mounts."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

# Labels that kind puts on node containers, and their roles.
CLUSTER_LABEL = "io.x-k8s.kind.cluster"
ROLE_LABEL = "io.x-k8s.kind.role"
CONTROL_PLANE = "control-plane"
WORKER = "worker"
LOAD_BALANCER = "external-load-balancer"


@dataclass(frozen=True)
class Submount:
    """A file system that only the node or only the host has mounted below a mount, or that does not answer.

    remedy: what to do about it. on_host: the host has one there. answers: False for one that does not.
    """

    node_path: str
    mismatch: str
    remedy: str = ""
    on_host: bool = True
    answers: bool = True


@dataclass(frozen=True)
class Mount:
    """A mount of a node container.

    kind: bind (host_path is a directory or file of the host), volume (managed by the engine) or tmpfs. mismatch: why
    host_path is not what the node has mounted, '' if it is or if they were not compared; remedy: what to do about that;
    submounts: the same of places below it. answers: False if its file system does not. kind_fields: of a requested one,
    those of kind that no option sets.
    """

    node_path: str
    host_path: str
    kind: str = "bind"
    read_only: bool = False
    propagation: str = ""
    mismatch: str = ""
    remedy: str = ""
    submounts: tuple[Submount, ...] = ()
    answers: bool = True
    kind_fields: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def fault_of(self, node_directory: str) -> Mount | Submount | None:
        """The mount because of which a directory of the node is not the host's: this one, or one below it.

        None if the directory is the host's, or that is not known.
        """
        if self.mismatch:
            return self
        path = posixpath.normpath(node_directory)
        hidden = (
            below
            for below in self.submounts
            # The host cannot read what the node has below a file system of the host's own.
            if is_below(path, below.node_path) or (below.on_host and is_below(below.node_path, path))
        )
        return next(hidden, None)


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
    fields that the engine does not show. container: its id, '' if unknown. labels (None if unknown) and takes_pods
    (False for a taint that keeps ordinary pods out) are those of its Node.
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
    container: str = field(default="", compare=False)
    labels: Mapping[str, str] | None = field(default=None, compare=False)
    takes_pods: bool = field(default=True, compare=False)

    def mount_of(self, node_directory: str) -> Mount | None:
        """The mount that a directory of this node lies in, None for the node's own file system."""
        return self._nearest(posixpath.normpath(node_directory))[1]

    def host_directory(self, node_directory: str) -> str | None:
        """The host directory behind a directory of this node; None if it is not mounted from the host."""
        path = posixpath.normpath(node_directory)
        point, nearest = self._nearest(path)
        if nearest is None or nearest.kind != "bind":
            return None
        return posixpath.normpath(posixpath.join(nearest.host_path, path[len(point) :].lstrip("/")))

    def _nearest(self, path: str) -> tuple[str, Mount | None]:
        """The mount that a normalized path lies in, and its mount point without the slash at the end."""
        for point, mount in self._points:
            if path == point or path.startswith(f"{point}/"):
                return point, mount
        return "", None

    @cached_property
    def _points(self) -> list[tuple[str, Mount]]:
        """The mounts with their normalized points, the longest first: thousands of volumes are looked up in them."""
        points = ((posixpath.normpath(mount.node_path).rstrip("/"), mount) for mount in self.mounts)
        return sorted(points, key=lambda pair: -len(pair[0]))

    def paths_of(self, host_directory: str) -> tuple[str, ...]:
        """Where this node has a directory of the host mounted, or what lies below it."""
        found = []
        for mount in self.mounts:
            if mount.kind != "bind" or not mount.host_path:
                continue
            if is_below(host_directory, mount.host_path):
                path = posixpath.join(mount.node_path, posixpath.relpath(host_directory, mount.host_path))
                # Another mount may hide it.
                if self.host_directory(path) == posixpath.normpath(host_directory):
                    found.append(posixpath.normpath(path))
            elif is_below(mount.host_path, host_directory):
                found.append(mount.node_path)
        return tuple(found)


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
