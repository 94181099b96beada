# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compare the host directories of mounts with what nodes have mounted: the same directory, or why it is another."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.engines import ENGINES
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.drift import host_mounts
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node, Submount, is_below

from .look import Look, Mounted

_SILENT = "the file system of {} on the host does not answer"
_UNMOUNT = "Check the server of that file system, or unmount it: sudo umount --force --lazy {}"
# File systems that are on a disk of the kernel that mounts them; others may share directories of another machine, as
# those of Docker Desktop, podman machine and the like do with this host.
_OF_THIS_KERNEL = frozenset(
    ("bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "jfs", "overlay", "reiserfs", "tmpfs", "xfs", "zfs")
)


def bind_paths(nodes: Iterable[Node]) -> list[str]:
    """The host paths of all mounts."""
    return list(dict.fromkeys(m.host_path for node in nodes for m in node.mounts if m.kind == "bind" and m.host_path))


def resolved(nodes: Iterable[Node], host: Look) -> tuple[Node, ...]:
    """The nodes with the host paths of their mounts as on this host, without symbolic links."""
    return tuple(
        replace(node, mounts=tuple(replace(m, host_path=host.real.get(m.host_path, m.host_path)) for m in node.mounts))
        for node in nodes
    )


def compared(nodes: Iterable[Node], looks: Mapping[str, Look], host: Look, engine: str) -> tuple[Node, ...]:
    """The nodes, resolved, with why the host path of a mount is not what the node has mounted.

    looks: of running nodes, by name; a node that starts mounts what the host has then. engine: its name.
    """

    def compare(node: Node) -> Node:
        look = looks.get(node.name)
        mounts = [_compared(m, node.name, look, host, engine) for m in node.mounts] if look else node.mounts
        return replace(node, mounts=tuple(_answering(mount, host) for mount in mounts))

    return resolved(map(compare, nodes), host)


def _answering(mount: Mount, host: Look) -> Mount:
    """The mount with the file systems of the host that do not answer: what lies in them would be waited for."""
    path = host.real.get(mount.host_path, mount.host_path)
    if mount.kind != "bind" or not path:
        return mount
    silent = sorted(host.silent)
    if above := next((point for point in silent if is_below(path, point)), ""):
        return replace(mount, mismatch=_SILENT.format(above), remedy=_UNMOUNT.format(above), answers=False)
    below = [point for point in silent if is_below(point, path)]
    if not below:
        return mount
    places = (posixpath.join(mount.node_path, posixpath.relpath(point, path)) for point in below)
    found = (
        Submount(place, _SILENT.format(point), _UNMOUNT.format(point), answers=False)
        for place, point in zip(places, below)
    )
    return replace(mount, submounts=(*found, *mount.submounts))


def _compared(mount: Mount, node: str, look: Look, host: Look, engine: str) -> Mount:
    if mount.kind != "bind" or not mount.host_path:
        return mount
    if look.error:
        return replace(mount, mismatch=f"{node} cannot be compared with the host: {look.error}", remedy="")
    if not look.boot:
        return mount
    path, point = host.real.get(mount.host_path, mount.host_path), look.real.get(mount.node_path, mount.node_path)
    inside, outside = look.stats.get(mount.node_path), host.stats.get(mount.host_path, ())
    mounted = look.mounts.get(point)
    if look.boot != host.boot:
        if outside is None or (mounted and mounted.filesystem in _OF_THIS_KERNEL):
            why = f"{path} of this host is not what {node} has at {mount.node_path}: {engine} runs on another host"
            return replace(mount, mismatch=why, remedy=f"Run this on the host of {engine}: {ENGINES[engine].where}")
        return mount
    remedy = f"Move the original directory back, or restart the node to use that of the host: {engine} restart {node}"
    if outside != () and inside != outside:
        own = f" ({host.path_of(mounted)})" if mounted else ""
        why = (
            f"{path} does not exist on this host, but {node} has it mounted at {mount.node_path}{own}: it was moved or "
            "deleted after the node had started"
            if outside is None
            else f"{path} on the host is not the directory that {node} has mounted at {mount.node_path}{own}: it was "
            "replaced, or a file system was mounted on it, after the node had started"
        )
        return replace(mount, mismatch=why, remedy=remedy)
    differing = _differing(mount, node, point, path, look, host)
    return replace(mount, submounts=tuple(replace(below, remedy=remedy) for below in differing))


def _differing(mount: Mount, node: str, point: str, path: str, look: Look, host: Look) -> Iterator[Submount]:
    """File systems mounted below the mount on one side only, or different ones."""
    there, here = _below(point, look.mounts), _below(path, host.mounts)
    for relative in sorted({*there, *here}):
        inside, outside = there.get(relative), here.get(relative)
        if (inside and inside[:2]) == (outside and outside[:2]):
            continue
        on_host, in_node = posixpath.join(path, relative), posixpath.join(mount.node_path, relative)
        if outside is None:
            why = f"{in_node} in {node} has a file system mounted that {on_host} on the host has not"
        elif inside is None:
            why = f"{on_host} on the host has a file system mounted that {in_node} in {node} has not"
        else:
            why = f"{on_host} on the host has another file system mounted than {in_node} in {node}"
        yield Submount(in_node, why, on_host=outside is not None)


def _below(point: str, mounts: Mapping[str, Mounted]) -> dict[str, Mounted]:
    prefix = f"{point.rstrip('/')}/"
    return {path[len(prefix) :]: mounted for path, mounted in mounts.items() if path.startswith(prefix) and path != "/"}


def sharing(own: Iterable[Node], others: Iterable[Node]) -> tuple[Node, ...]:
    """All nodes of other clusters that can write to a host directory of own, its parents or its subdirectories."""
    directories = {m.host_path for node in own for m in host_mounts(node)}
    others = tuple(others)
    clusters = {
        node.cluster
        for node in others
        for m in host_mounts(node)
        if not m.read_only and any(is_below(m.host_path, d) or is_below(d, m.host_path) for d in directories)
    }
    return tuple(node for node in others if node.cluster in clusters)
