# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the host's directory is inside the nodes, and whether what they see there is that directory."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Conflict, Unreachable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, is_below, kubernetes_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.scheduling import KEEPING_OUT

# Taints that come and go with a node's condition: it runs pods before and after.
_PASSING = "node.kubernetes.io/"


@dataclass(frozen=True)
class Place:
    """A directory of the host, where it is inside the nodes, and the nodes that have it there."""

    host_directory: str
    node_directory: str
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class Looked:
    """What a look at a directory shows: device and inode, the boot of the kernel that numbers them ('' where that is
    not known), whether its file system can be written to, and where further file systems are mounted.
    """

    device: int
    inode: int
    boot: str = ""
    writable: bool = True
    mounts: tuple[str, ...] = ()

    def same_as(self, other: Looked) -> bool:
        """False where these are two directories; of another kernel, as that of a virtual machine, nothing is known."""
        if not self.boot or self.boot != other.boot:
            return True
        return (self.device, self.inode) == (other.device, other.inode)


def serving_nodes(kubernetes_nodes: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The nodes where pods run that tolerate nothing."""
    return tuple(
        sorted(
            node["metadata"]["name"]
            for node in kubernetes_nodes
            if not any(
                taint["effect"] in KEEPING_OUT and not taint["key"].startswith(_PASSING)
                for taint in (node.get("spec") or {}).get("taints") or ()
            )
        )
    )


def find_place(directory: str, nodes: Sequence[Node], serving: Collection[str], *, read_only: bool) -> Place:
    """Where the directory is in all nodes that run pods. directory: resolved, as the mounts' host paths are.

    Raises Unreachable for a node that is stopped, BadInput where it is not at one place in all of them, or is mounted
    read-only where it is to be written to.
    """
    nodes = kubernetes_nodes(nodes)
    stopped = [f"{node.name} is {node.state}" for node in nodes if node.state != "running"]
    if stopped:
        raise Unreachable(
            f"The local data can't be looked at in all nodes: {', '.join(stopped)}.",
            next_step="kindlab.volumes.kind_cluster with state=present starts the nodes of a cluster.",
        )
    seen = {node.name: seen_at(directory, node) for node in nodes}
    usable = {name: {d for d, ro in found.items() if read_only or not ro} for name, found in seen.items()}
    common = set.intersection(*(usable.get(name, set()) for name in serving)) if serving else set()
    if not common:
        raise _not_usable(directory, seen, serving, read_only)
    chosen = min(common, key=lambda path: (len(path), path))
    return Place(directory, chosen, tuple(sorted(name for name in usable if chosen in usable[name])))


def seen_at(directory: str, node: Node) -> dict[str, bool]:
    """The directories inside a node that are this one of the host -> whether they are mounted read-only."""
    found = {}
    for mount in node.mounts:
        if mount.kind == "bind" and mount.host_path and is_below(directory, mount.host_path):
            inside = posixpath.join(mount.node_path, posixpath.relpath(directory, mount.host_path))
            # Another mount may lie over it.
            if node.host_directory(inside) == directory:
                found[posixpath.normpath(inside)] = mount.read_only
    return found


def check_same(place: Place, host: Looked, inside: Mapping[str, Looked], *, read_only: bool) -> tuple[str, ...]:
    """Warnings. Raises Conflict where a node sees another directory than the host, BadInput where none can write.

    A node's mount holds the directory that was there when the node started.
    """
    others = [name for name, look in inside.items() if not host.same_as(look)]
    if others:
        raise Conflict(
            f"{place.host_directory} is another directory than {place.node_directory} in {', '.join(others)}: it was "
            "replaced, or a file system was mounted there, since the nodes started.",
            tried=f"docker exec {others[0]} ls -la {place.node_directory}",
            next_step=f"Start the nodes anew (docker restart {' '.join(others)}), or create the cluster anew.",
        )
    if not read_only and not all(look.writable for look in inside.values()):
        raise BadInput(
            f"{place.host_directory} can't be written to by anybody in the nodes, and read-write was asked for.",
            tried=f"docker exec {place.nodes[0]} test -w {place.node_directory}",
            next_step="Use read_only: true, or mount the file system read-write on the host.",
        )
    below = sorted({path for look in inside.values() for path in look.mounts if _strictly_below(path, place)})
    if below and read_only:
        return (f"Pods see an empty directory where another file system is mounted: {', '.join(below)}",)
    return ()


def _strictly_below(path: str, place: Place) -> bool:
    return path != place.node_directory and is_below(path, place.node_directory)


def _not_usable(
    directory: str, all_seen: Mapping[str, Mapping[str, bool]], serving: Collection[str], read_only: bool
) -> BadInput:
    seen = {name: all_seen.get(name, {}) for name in serving}
    lacking = [name for name, found in seen.items() if not found]
    frozen = [name for name, found in seen.items() if found and all(found.values())]
    there = "; ".join(f"{name} has it at {', '.join(sorted(found))}" for name, found in all_seen.items() if found)
    mount = f"{{host_path: {directory}, node_path: /mnt/local-data}}"
    step = f"kind can't add a mount: create the cluster anew, with kindlab.volumes.kind_cluster and mounts: [{mount}]"
    if len(lacking) == len(seen):
        message = f"{directory} is mounted in no node that runs pods ({', '.join(lacking) or 'there is none'})"
        message += f"; {there}." if there else "."
    elif lacking:
        message = f"{directory} is not mounted in all nodes that run pods: not in {', '.join(lacking)}; {there}."
    elif frozen and not read_only:
        message = f"{directory} is mounted read-only in {', '.join(frozen)}, and read-write was asked for."
        step = "Use read_only: true, or create the cluster anew without read_only in its mount."
    else:
        message = f"{directory} is mounted at no place that all nodes share: {there}."
    return BadInput(
        message,
        tried=f"docker inspect {' '.join(seen)}",
        next_step=step,
        details=[{"node": name, "mounts": dict(found)} for name, found in seen.items()],
    )
