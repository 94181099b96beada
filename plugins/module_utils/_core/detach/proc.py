# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A node's processes with what they have mounted and opened: from the text of one look into it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import unescaped

# A file or directory: the device of its file system, and the path in that.
Place = tuple[str, str]

# The links of a process that lead to what it uses.
KINDS = ("cwd", "root", "exe", "fd", "map_files")
# In the names of kubelet's cgroups; its systemd driver writes '_' for '-', and static pods have a hash as uid.
_POD = re.compile(r"pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})")
_HEADER = re.compile(r"==> ([0-9]+)/mountinfo <==")


@dataclass(frozen=True)
class Mount:
    """A line of mountinfo. parent: id of the mount that holds the mount point; place: what is mounted there."""

    id: str
    parent: str
    point: str
    place: Place


@dataclass(frozen=True)
class Process:
    """A process in a node. namespace: that of its mounts."""

    pid: int
    name: str
    pod_uid: str
    namespace: str


@dataclass(frozen=True)
class Look:
    """A node at one moment.

    home: the namespace of the node's own mounts. real: path -> the same with its links followed. mounts: by
    namespace, in the kernel's order. links: process, kind, and the path as that process sees it.
    """

    node: str
    home: str
    real: Mapping[str, str]
    processes: tuple[Process, ...]
    mounts: Mapping[str, tuple[Mount, ...]]
    links: tuple[tuple[Process, str, str], ...]

    @property
    def unread(self) -> set[str]:
        """Namespaces whose mounts are not known: the process that was to show them ended before it did."""
        return ({process.namespace for process in self.processes} | {self.home}) - set(self.mounts)


def read_look(node: str, text: str, paths: Sequence[str]) -> Look:
    """What the script of _edge/node_holders.py printed for these paths. Raises CommandFailed where a part is missing.

    Its fields: its own pid, the real paths, '', the mounts, pairs of link and target, '', names of processes, 'end'.
    """
    fields = text.split("\0")
    start = len(paths) + 3
    pairs = fields[start:-4]
    marks = [*fields[start - 2 : start - 1], *fields[-4:-3], *fields[-2:]]
    if len(fields) < start + 4 or marks != ["", "", "end", ""] or len(pairs) % 2:
        raise unknown(node)
    links = [(*key.partition("/")[::2], target) for key, target in zip(pairs[::2], pairs[1::2], strict=True)]
    namespaces = {pid: target for pid, kind, target in links if kind == "ns/mnt"}
    # Threads of the kernel run no program; and who has no name in the end is gone, as are the look's own programs.
    programs = {pid for pid, kind, _target in links if kind == "exe"}
    names, pods = _names(fields[-3])
    processes = {
        pid: Process(int(pid), name, pods.get(pid, ""), namespaces[pid])
        for pid, name in names.items()
        if pid in programs and pid in namespaces
    }
    own = processes.pop(fields[0], None)
    if own is None:
        raise unknown(node)
    return Look(
        node,
        own.namespace,
        dict(zip(paths, fields[1 : start - 2], strict=True)),
        tuple(sorted(processes.values(), key=lambda process: process.pid)),
        _mounts(fields[start - 1], namespaces, {pid: target for pid, kind, target in links if kind == "root"}),
        tuple((processes[pid], kind, target) for pid, kind, target in links if pid in processes and kind in KINDS),
    )


def _mounts(text: str, namespaces: Mapping[str, str], roots: Mapping[str, str]) -> dict[str, tuple[Mount, ...]]:
    """Namespace -> its mounts, from files of /proc, each below a line with its name. Keys of the others: pid."""
    found: dict[str, dict[str, Mount]] = {}
    table: dict[str, Mount] = {}
    root = ""
    for line in text.split("\n"):
        if header := _HEADER.fullmatch(line):
            pid = header[1]
            # A process in a chroot is shown what lies below, and as if that were the root.
            root = roots.get(pid, "").rstrip("/")
            table = found.setdefault(namespaces[pid], {}) if pid in namespaces and pid in roots else {}
        elif line:
            mount_id, parent, device, inside, point, _options = line.split(" ", 5)
            place = (device, unescaped(inside).removesuffix("//deleted") or "/")
            table[mount_id] = Mount(mount_id, parent, f"{root}{unescaped(point)}".rstrip("/") or "/", place)
    return {namespace: tuple(mounts.values()) for namespace, mounts in found.items()}


def _names(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """pid -> name, and pid -> uid of the pod; from lines 'PID/comm:NAME' and 'PID/cgroup:CGROUP'."""
    names: dict[str, str] = {}
    pods = {}
    for line in text.split("\n"):
        file, _colon, value = line.partition(":")
        pid, _slash, kind = file.partition("/")
        if kind == "comm":
            names[pid] = f"{names[pid]}\n{value}" if pid in names else value
        elif uids := _POD.findall(value):
            pods[pid] = uids[-1].replace("_", "-")
    return names, pods


def unknown(node: str) -> CommandFailed:
    """The error where a look does not show everything: that nothing was seen proves nothing then."""
    return CommandFailed(
        f"Who holds the directories of volumes in node {node} is not known: what it showed of its processes and "
        "their mounts is not all there.",
        next_step="Run this again when fewer processes come and go in the node.",
    )
