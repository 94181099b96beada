# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a directory of the host is mounted in the nodes, and whether it still is the same directory there."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Conflict, Unreachable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, is_below, kubernetes_nodes


@dataclass(frozen=True)
class DirectoryLocation:
    """A directory of the host, its path in the nodes, the nodes that mount it, and the engine that runs them."""

    host_directory: str
    node_directory: str
    nodes: tuple[str, ...]
    engine: str = "docker"


@dataclass(frozen=True)
class DirectoryState:
    """A directory in a node. writable: whether its file system is; mounts: mount points of the whole node."""

    writable: bool = True
    mounts: tuple[str, ...] = ()


def find_location(
    directory: str, nodes: Sequence[Node], needed: Collection[str], *, read_only: bool, engine: str
) -> DirectoryLocation:
    """The path of the directory that all needed nodes have in common; the shortest of several.

    directory and the mounts' host paths have no symbolic links. Raises Unreachable for a node that does not run, and
    BadInput if there is no such path, or only read-only mounts although read_only is not requested.
    """
    nodes = kubernetes_nodes(nodes)
    stopped = [f"{node.name} is {node.state}" for node in nodes if node.state != "running"]
    if stopped:
        raise Unreachable(
            f"The local data cannot be checked in all nodes: {', '.join(stopped)}.",
            next_step="Start the nodes: kindlab.volumes.kind_cluster with state=present.",
        )
    mounted = {node.name: mounted_at(directory, node) for node in nodes}
    usable = {name: {path for path, ro in found.items() if read_only or not ro} for name, found in mounted.items()}
    common = set.intersection(*(usable.get(name, set()) for name in needed)) if needed else set()
    if not common:
        raise _not_mounted(directory, mounted, needed, read_only, engine)
    path = min(common, key=lambda path: (len(path), path))
    return DirectoryLocation(directory, path, tuple(sorted(name for name in usable if path in usable[name])), engine)


def mounted_at(directory: str, node: Node) -> dict[str, bool]:
    """The paths of the directory in a node -> whether they are mounted read-only."""
    found = {}
    for mount in node.mounts:
        if mount.kind == "bind" and mount.host_path and is_below(directory, mount.host_path):
            path = posixpath.join(mount.node_path, posixpath.relpath(directory, mount.host_path))
            # Another mount may hide it.
            if node.host_directory(path) == directory:
                found[posixpath.normpath(path)] = mount.read_only
    return found


def check_same_directory(
    location: DirectoryLocation, nodes: Sequence[Node], inside: Mapping[str, DirectoryState], *, read_only: bool
) -> tuple[str, ...]:
    """Warnings. Raises Conflict for nodes with another directory, BadInput if none is writable as requested.

    nodes: compared with this host; a node's mount keeps the directory that existed when the node started.
    """
    engine, path = location.engine, location.node_directory
    mounts_of = {node.name: mount for node in nodes if node.name in inside and (mount := node.mount_of(path))}
    others = {name: fault for name, mount in mounts_of.items() if (fault := mount.fault_of(path))}
    if others:
        name, fault = next(iter(others.items()))
        raise Conflict(
            f"{location.host_directory} is not the same directory as {path} in {', '.join(others)}: {fault.mismatch}.",
            tried=f"{engine} exec {name} ls -la {path}",
            next_step=f"{fault.remedy}.",
        )
    if not read_only and not all(found.writable for found in inside.values()):
        raise BadInput(
            f"{location.host_directory} is not writable in the nodes: its file system is mounted read-only.",
            tried=f"{engine} exec {location.nodes[0]} test -w {path}",
            next_step="Set read_only=true, or mount the file system read-write on the host.",
        )
    mounts = {mount for found in inside.values() for mount in found.mounts}
    below = sorted(mount for mount in mounts if mount != path and is_below(mount, path))
    if below and read_only:
        return (f"Pods see an empty directory instead of the file systems mounted at {', '.join(below)}.",)
    return ()


def _not_mounted(
    directory: str, mounted: Mapping[str, Mapping[str, bool]], needed: Collection[str], read_only: bool, engine: str
) -> BadInput:
    paths = {name: mounted.get(name, {}) for name in needed}
    missing = [name for name, found in paths.items() if not found]
    frozen = [name for name, found in paths.items() if found and all(found.values())]
    existing = "; ".join(f"{name} has it at {', '.join(sorted(found))}" for name, found in mounted.items() if found)
    mount = f"{{host_path: {directory}, node_path: /mnt/local-data}}"
    step = f"kind cannot add a mount: recreate the cluster, with kindlab.volumes.kind_cluster and mounts: [{mount}]"
    if len(missing) == len(paths):
        message = f"{directory} is not mounted in any node that runs pods ({', '.join(missing) or 'there is none'})"
        message += f"; {existing}." if existing else "."
    elif missing:
        message = f"{directory} is not mounted in all nodes that run pods: not in {', '.join(missing)}; {existing}."
    elif frozen and not read_only:
        message = f"{directory} is mounted read-only in {', '.join(frozen)}, and read_only is false."
        step = "Set read_only=true, or recreate the cluster without read_only in its mount."
    else:
        message = f"{directory} is not mounted at the same path in all nodes: {existing}."
    return BadInput(
        message,
        tried=f"{engine} inspect {' '.join(paths)}",
        next_step=step,
        details=[{"node": name, "mounts": dict(found)} for name, found in paths.items()],
    )
