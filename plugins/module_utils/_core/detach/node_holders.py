# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who holds directories in a node: its processes, by mounts, open files and the like."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .proc import (
    Look,
    Mount,
    Place,
    Process,
    unknown,
)

_WORDS = {"cwd": "is in", "root": "has its root in", "exe": "runs", "fd": "has open", "map_files": "has mapped"}
_POD_DIRECTORY = re.compile(r"/var/lib/kubelet/pods/([^/]+)/")


@dataclass(frozen=True)
class Holder:
    """A process that holds a directory. pod_uid: '' for none; what: e.g. 'has mounted /data', 'is in /data'."""

    node: str
    pid: int
    process: str
    pod_uid: str
    what: str

    def as_dict(self) -> dict[str, Any]:
        """The holder as a module returns it."""
        return asdict(self)


def holders(look: Look, directories: Mapping[str, str], own_mounts: Iterable[str]) -> dict[str, list[Holder]]:
    """Volume's name -> who holds its directory (a path in the node), or something at or below it.

    own_mounts: the paths where the engine has mounted something into the node. A pod's container is there once for
    each of its mounts, and any other process once. Raises CommandFailed where the look does not know all mounts.
    """
    if look.unread:
        raise unknown(look.node)
    found: dict[str, set[Holder]] = {name: set() for name in directories}
    views = _views(look, directories)
    mounted = set()
    for process, mount in _foreign_mounts(look, {look.real[path] for path in own_mounts}):
        uid = process.pod_uid or (_pod_of(mount.point) if process.namespace == look.home else "")
        for name in views[process.namespace].held(mount.point):
            mounted.add((process.namespace, process.pod_uid, name))
            found[name].add(_holder(look.node, process, uid, f"has mounted {mount.point}"))
    told = set()
    for process, kind, path in look.links:
        view = views[process.namespace]
        for name in view.held(path) | view.held(path.removesuffix(" (deleted)")):
            by_mount = process.pod_uid and (process.namespace, process.pod_uid, name) in mounted
            if not by_mount and (process, name) not in told:
                told.add((process, name))
                found[name].add(_holder(look.node, process, process.pod_uid, f"{_WORDS[kind]} {path}"))
    return {name: sorted(those, key=lambda holder: (holder.pid, holder.what)) for name, those in found.items()}


class _View:
    """The volumes that paths lead to in one mount namespace."""

    def __init__(self, mounts: Iterable[Mount], volumes: Mapping[Place, Sequence[str]]) -> None:
        self.volumes = volumes
        self.points: dict[str, list[Place]] = {}
        self.known: dict[str, frozenset[str]] = {}
        for mount in mounts:
            self.points.setdefault(mount.point, []).append(mount.place)

    def held(self, path: str) -> frozenset[str]:
        """The volumes that a path is at or below, in any mount above it: a process may be in one that is covered."""
        if path not in self.known:
            places = (_below(place, path, point) for point in _above(path) for place in self.points.get(point, ()))
            uppers = ((device, upper) for device, inside in places for upper in _above(inside))
            self.known[path] = frozenset(name for upper in uppers for name in self.volumes.get(upper, ()))
        return self.known[path]


def _views(look: Look, directories: Mapping[str, str]) -> dict[str, _View]:
    home = look.mounts[look.home]
    ids = {mount.id for mount in home}
    children = {
        (mount.parent if mount.parent in ids and mount.parent != mount.id else "", mount.point): mount for mount in home
    }
    volumes: dict[Place, list[str]] = {}
    for name, directory in directories.items():
        volumes.setdefault(_place(children, look.real[directory], look.node), []).append(name)
    # Where all processes of a namespace are in a chroot, what lies outside is not told: most likely it is the node's.
    return {
        namespace: _View(mounts if _root(mounts) else (*mounts, *home), volumes)
        for namespace, mounts in look.mounts.items()
    }


def _place(children: Mapping[tuple[str, str], Mount], path: str, node: str) -> Place:
    """What a path of the node leads to. children: (id of the mount that is covered, mount point) -> mount."""
    here = None
    for point in reversed(list(_above(path))):
        while covering := children.get((here.id if here else "", point)):
            here = covering
    if here is None:
        raise unknown(node)
    return _below(here.place, path, here.point)


def _foreign_mounts(look: Look, own_points: set[str]) -> Iterator[tuple[Process, Mount]]:
    """Mounts that are neither the engine's nor copies of the node's, each with the first process that has it."""
    home = look.mounts[look.home]
    # One mount at each of the engine's points is its own: what else is mounted there is not.
    own = {mount.point: mount.place for mount in home if mount.point in own_points}
    copies = {(mount.point, mount.place) for mount in home}
    first = {process.namespace: process for process in reversed(look.processes)}
    for namespace, process in first.items():
        mounts = look.mounts[namespace]
        known = set(own.items()) if namespace == look.home else set()
        # Services of the node have its root and copies of its mounts. A container may have mounted a volume where the
        # node has it, but on a root of its own.
        if namespace != look.home and _root(mounts) == _root(home):
            known = copies
        yield from ((process, mount) for mount in mounts if (mount.point, mount.place) not in known)


def _root(mounts: Iterable[Mount]) -> list[Place]:
    return [mount.place for mount in mounts if mount.point == "/"][-1:]


def _above(path: str) -> Iterator[str]:
    """The path itself and all that lies above it, the nearest first."""
    while path != "/":
        yield path
        path = path.rpartition("/")[0] or "/"
    yield path


def _below(place: Place, path: str, point: str) -> Place:
    """What a path leads to where the place is mounted at a point above it."""
    device, root = place
    return device, f"{root.rstrip('/')}/{path[len(point) :].lstrip('/')}".rstrip("/") or "/"


def _pod_of(point: str) -> str:
    found = _POD_DIRECTORY.match(point)
    return found[1] if found else ""


def _holder(node: str, process: Process, pod_uid: str, what: str) -> Holder:
    return Holder(node, process.pid, _printable(process.name), pod_uid, _printable(what))


def _printable(text: str) -> str:
    """Names are bytes: what can't be shown on one line becomes an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
