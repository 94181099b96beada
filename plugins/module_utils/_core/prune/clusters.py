# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which clusters have searched directories: by the paths of their mounts, and by device and inode."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.usage import VolumeUser
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.look import Look, Mounted
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.drift import host_mounts
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, is_below
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.sharing import Elsewhere

from .model import Kept
from .related import Related

Id = tuple[int, int]
_START = "Start that cluster, or delete it if nobody needs it, and run this again."
_DELETE = "Delete the cluster of that node first, if nobody needs it."
_STOP = "Stop what uses it, and run this again."


def mounting(nodes: Iterable[Node], directories: Iterable[str]) -> tuple[Node, ...]:
    """All nodes, in any state, of the clusters that have one of these host directories, or one above or below it.

    Read-only mounts count, too: what is read is needed.
    """
    nodes, directories = tuple(nodes), tuple(directories)
    clusters = {
        node.cluster
        for node in nodes
        for mount in host_mounts(node)
        if any(is_below(mount.host_path, path) or is_below(path, mount.host_path) for path in directories)
    }
    return tuple(node for node in nodes if node.cluster in clusters)


def with_mounts(nodes: Iterable[Node]) -> list[Node]:
    """Those that have directories of the host."""
    return [node for node in nodes if host_mounts(node)]


def mounted_under_other_names(
    nodes: Iterable[Node], looks: Mapping[str, Look], host: Look, ids: Mapping[Id, Collection[str]]
) -> Iterator[tuple[str, str, str]]:
    """Directories that a node has mounted although its mounts have other paths, as Related takes them.

    A directory that was moved after the node had started stays mounted, and bind mounts of the host are further paths
    of one directory. looks: at the nodes, by name; ids: device and inode -> the paths of each directory that is
    searched, and of those above.
    """
    for node in nodes:
        look = looks.get(node.name)
        stats = look.stats if look and look.boot and look.boot == host.boot else {}
        for mount in host_mounts(node):
            known, inside = host.real.get(mount.host_path, mount.host_path), stats.get(mount.node_path)
            paths = {*aliases(known, host.mounts), *(ids.get(inside, ()) if inside else ())} - {known}
            who = f"node {node.name} of cluster {node.cluster}, which has it mounted as {mount.host_path}"
            yield from ((path, "", who) for path in sorted(paths))


def aliases(path: str, mounts: Mapping[str, Mounted]) -> Iterator[str]:
    """The other paths of a directory of the host, or of one in it, by bind mounts. mounts: of the host, by point."""
    point = max((point for point in mounts if is_below(path, point)), key=len, default="")
    if not point:
        return
    device, root, _filesystem = mounts[point]
    inside = posixpath.normpath(posixpath.join(root, posixpath.relpath(path, point)))
    for other, mounted in mounts.items():
        if other == point or mounted.device != device:
            continue
        if is_below(inside, mounted.root):
            yield posixpath.normpath(posixpath.join(other, posixpath.relpath(inside, mounted.root)))
            continue
        # What is mounted on itself has no other path.
        itself = posixpath.join(path, posixpath.relpath(mounted.root, inside))
        if is_below(mounted.root, inside) and other != itself:
            yield other


def mounted_by(nodes: Iterable[Node], engine: str) -> Iterator[tuple[str, str, str]]:
    """The host directories that nodes have mounted, as Related takes them. engine: its name."""
    for node in nodes:
        who = f"node {node.name} of cluster {node.cluster} of {engine}"
        yield from ((mount.host_path, "", who) for mount in host_mounts(node))


def inside(nodes: Iterable[Node]) -> Iterator[tuple[str, str, str]]:
    """Where the engine has the data inside nodes, as Related takes it."""
    for node in nodes:
        own = (mount for mount in node.mounts if mount.kind == "volume" and mount.host_path)
        who = f"node {node.name} of cluster {node.cluster}, which has it as"
        yield from ((mount.host_path, "", f"{who} {mount.node_path}") for mount in own)


def above_mounts(nodes: Iterable[Node]) -> dict[str, str]:
    """Host directory -> the node that has it, or something in it, mounted: moved, it would still be mounted there."""
    return {
        str(path): node.name
        for node in nodes
        for mount in host_mounts(node)
        for path in (PurePosixPath(mount.host_path), *PurePosixPath(mount.host_path).parents)
    }


def kept_by(
    path: str, elsewhere: Elsewhere, theirs: Related, mounted: Mapping[str, str], users: Sequence[VolumeUser]
) -> Kept | None:
    """Why a host directory stays. elsewhere: volumes of other clusters; theirs: the same for lookups.

    mounted: as above_mounts returns it; users: its pods and processes.
    """
    if why := theirs.why(path):
        return Kept(why)
    if path in mounted:
        return Kept(f"{mounted[path]} has it, or something in it, mounted as a whole", _DELETE)
    if unknown := elsewhere.why_unknown(path):
        return Kept(unknown, _START)
    return Kept(users[0].text(), _STOP) if users else None
