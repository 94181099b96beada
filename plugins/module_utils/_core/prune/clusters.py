# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which clusters have searched directories: by the paths of their mounts, and by device and inode."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.usage import VolumeUser
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.look import Look
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.drift import host_mounts
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, is_below
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.sharing import Elsewhere

from .model import Kept

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


def mounted_under_other_names(
    nodes: Iterable[Node], looks: Mapping[str, Look], host: Look, ids: Mapping[Id, str]
) -> Iterator[tuple[str, str, str]]:
    """Directories that a running node has mounted although its mounts have other paths, as Related takes them.

    A directory that was moved after the node had started stays mounted. looks: at the nodes, by name; ids: device and
    inode -> the path of each directory that is searched, and of those above.
    """
    for node in nodes:
        look = looks.get(node.name)
        if look is None or not look.boot or look.boot != host.boot:
            continue
        for mount in host_mounts(node):
            inside = look.stats.get(mount.node_path)
            path = ids.get(inside) if inside else None
            if path and path != host.real.get(mount.host_path, mount.host_path):
                who = f"node {node.name} of cluster {node.cluster}, which has it mounted as {mount.host_path}"
                yield path, "", who


def mounted_by(nodes: Iterable[Node], engine: str) -> Iterator[tuple[str, str, str]]:
    """The host directories that nodes have mounted, as Related takes them. engine: its name."""
    for node in nodes:
        who = f"node {node.name} of cluster {node.cluster} of {engine}"
        yield from ((mount.host_path, "", who) for mount in host_mounts(node))


def above_mounts(nodes: Iterable[Node]) -> dict[str, str]:
    """Host directory -> the node that has it, or something in it, mounted: moved, it would still be mounted there."""
    return {
        str(path): node.name
        for node in nodes
        for mount in host_mounts(node)
        for path in (PurePosixPath(mount.host_path), *PurePosixPath(mount.host_path).parents)
    }


def kept_by(path: str, elsewhere: Elsewhere, mounted: Mapping[str, str], users: Sequence[VolumeUser]) -> Kept | None:
    """Why a host directory stays. elsewhere: volumes of other clusters; users: its pods and processes.

    mounted: as above_mounts returns it.
    """
    if path in mounted:
        return Kept(f"{mounted[path]} has it, or something in it, mounted as a whole", _DELETE)
    if unknown := elsewhere.why_unknown(path):
        return Kept(unknown, _START)
    return Kept(users[0].text(), _STOP) if users else None
