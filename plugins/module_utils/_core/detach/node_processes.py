# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find the processes of a node that use directories: by mounts, open files, working directories and the like."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from .proc import LINKS, DevicePath, Mount, Process, ProcessSnapshot, incomplete
from .usage import VolumeUser

_POD_DIRECTORY = re.compile(r"/var/lib/kubelet/pods/([^/]+)/")


def directory_users(
    snapshot: ProcessSnapshot, directories: Mapping[str, str], own_mounts: Iterable[str]
) -> dict[str, list[VolumeUser]]:
    """Volume's name -> the processes that use its directory (a path in the node), or something below it.

    own_mounts: the paths where the engine has mounted something into the node. The pod of a user is its uid. A pod's
    container is listed once for each of its mounts, any other process once. Raises CommandFailed if the snapshot lacks
    mounts.
    """
    if snapshot.unread:
        raise incomplete(snapshot.node)
    found: dict[str, set[VolumeUser]] = {name: set() for name in directories}
    views = _views(snapshot, directories)
    mounted = set()
    for process, mount in _foreign_mounts(snapshot, {snapshot.real[path] for path in own_mounts}):
        kubelet = _POD_DIRECTORY.match(mount.point) if process.namespace == snapshot.home else None
        uid = process.pod_uid or (kubelet[1] if kubelet else "")
        for name in views[process.namespace].volumes_at(mount.point):
            mounted.add((process.namespace, process.pod_uid, name))
            found[name].add(_user(snapshot.node, process, uid, f"has mounted {mount.point}"))
    listed = set()
    for process, kind, path in snapshot.links:
        view = views[process.namespace]
        for name in view.volumes_at(path) | view.volumes_at(path.removesuffix(" (deleted)")):
            by_mount = process.pod_uid and (process.namespace, process.pod_uid, name) in mounted
            if not by_mount and (process, name) not in listed:
                listed.add((process, name))
                found[name].add(_user(snapshot.node, process, process.pod_uid, f"{LINKS[kind]} {path}"))
    return {name: sorted(users, key=lambda user: (user.pid, user.why)) for name, users in found.items()}


class _View:
    """The volumes that paths lead to in one mount namespace."""

    def __init__(self, mounts: Iterable[Mount], volumes: Mapping[DevicePath, Sequence[str]]) -> None:
        self.volumes = volumes
        self.points: dict[str, list[DevicePath]] = {}
        self.known: dict[str, frozenset[str]] = {}
        for mount in mounts:
            self.points.setdefault(mount.point, []).append(mount.source)

    def volumes_at(self, path: str) -> frozenset[str]:
        """The volumes that contain a path, in any mount above it: a process may be in one that is covered."""
        if path not in self.known:
            places = (_below(source, path, point) for point in _above(path) for source in self.points.get(point, ()))
            uppers = ((device, upper) for device, inside in places for upper in _above(inside))
            self.known[path] = frozenset(name for upper in uppers for name in self.volumes.get(upper, ()))
        return self.known[path]


def _views(snapshot: ProcessSnapshot, directories: Mapping[str, str]) -> dict[str, _View]:
    tables, home = snapshot.mounts, snapshot.mounts[snapshot.home]
    ids = {mount.id for mount in home}
    children = {
        (mount.parent if mount.parent in ids and mount.parent != mount.id else "", mount.point): mount for mount in home
    }
    volumes: dict[DevicePath, list[str]] = {}
    for name, directory in directories.items():
        volumes.setdefault(_resolved(children, snapshot.real[directory], snapshot.node), []).append(name)
    # If all processes of a namespace are in a chroot, the mounts outside of it are not shown: most likely the node's.
    return {
        namespace: _View(mounts if _root(mounts) else (*mounts, *home), volumes) for namespace, mounts in tables.items()
    }


def _resolved(children: Mapping[tuple[str, str], Mount], path: str, node: str) -> DevicePath:
    """What a path of the node leads to. children: (id of the covered mount, mount point) -> mount."""
    here = None
    for point in reversed(list(_above(path))):
        while covering := children.get((here.id if here else "", point)):
            here = covering
    if here is None:
        raise incomplete(node)
    return _below(here.source, path, here.point)


def _foreign_mounts(snapshot: ProcessSnapshot, own_points: set[str]) -> Iterator[tuple[Process, Mount]]:
    """Mounts that are neither the engine's nor copies of the node's, each with the first process of its namespace."""
    home = snapshot.mounts[snapshot.home]
    # One mount at each of the engine's points is its own; any other one there is not.
    own = {mount.point: mount.source for mount in home if mount.point in own_points}
    copies = {(mount.point, mount.source) for mount in home}
    first = {process.namespace: process for process in reversed(snapshot.processes)}
    for namespace, process in first.items():
        mounts = snapshot.mounts[namespace]
        known = set(own.items()) if namespace == snapshot.home else set()
        came: set[str] = set()
        # Services of the node have its root and copies of its mounts. A container may mount a volume at the same path
        # as the node, but on a root of its own.
        if namespace != snapshot.home and _root(mounts) == _root(home):
            known = copies
        elif namespace != snapshot.home:
            came = _came_along(mounts, home)
        foreign = (mount for mount in mounts if (mount.point, mount.source) not in known and mount.id not in came)
        yield from ((process, mount) for mount in foreign)


def _came_along(mounts: Sequence[Mount], home: Iterable[Mount]) -> set[str]:
    """The ids of a container's mounts that came with a directory of the node, in which the node has mounted them.

    A monitoring agent that mounts the root of the node has all mounts of the node, and so uses none of them. What
    kubelet has mounted is there until the agent ends, if mounts are not propagated, although the node has it no more.
    """
    by_id = {mount.id: mount for mount in mounts}
    of_node = {(mount.point, mount.source) for mount in home}
    by_device: dict[str, list[Mount]] = {}
    for mount in home:
        by_device.setdefault(mount.source[0], []).append(mount)
    found = set()
    for mount in mounts:
        parent = by_id.get(mount.parent)
        if parent is None or parent.id == mount.id:
            continue
        inside = mount.point[len(parent.point.rstrip("/")) :]
        for covering in by_device.get(parent.source[0], ()):
            root, below = covering.source[1].rstrip("/"), parent.source[1].rstrip("/")
            if f"{below}/".startswith(f"{root}/"):
                point = f"{covering.point.rstrip('/')}{below[len(root) :]}{inside}"
                if (point, mount.source) in of_node or _POD_DIRECTORY.match(point):
                    found.add(mount.id)
    return found


def _root(mounts: Iterable[Mount]) -> list[DevicePath]:
    return [mount.source for mount in mounts if mount.point == "/"][-1:]


def _above(path: str) -> Iterator[str]:
    """The path and its parents, the nearest first."""
    while path != "/":
        yield path
        path = path.rpartition("/")[0] or "/"
    yield path


def _below(source: DevicePath, path: str, point: str) -> DevicePath:
    """What a path leads to if this is mounted at a point above it."""
    device, root = source
    return device, f"{root.rstrip('/')}/{path[len(point) :].lstrip('/')}".rstrip("/") or "/"


def _user(node: str, process: Process, pod_uid: str, why: str) -> VolumeUser:
    return VolumeUser(_escaped(why), node, pod_uid, _escaped(process.name), process.pid)


def _escaped(text: str) -> str:
    """Names are bytes: a character that cannot be printed becomes an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
