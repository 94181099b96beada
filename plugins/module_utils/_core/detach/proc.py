# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parse the processes of a node, with their mounts and open files, from the output of one probe of its /proc."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import unescaped

# A file or directory: the device of its file system, and the path in that.
DevicePath = tuple[str, str]

# The links in /proc/PID that lead to what a process uses, and how it uses that.
LINKS = {"cwd": "is in", "root": "has its root in", "exe": "runs", "fd": "has open", "map_files": "has mapped"}
# In the names of kubelet's cgroups; its systemd driver writes '_' for '-', and static pods have a hash as uid.
_POD = re.compile(r"pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})")
_HEADER = re.compile(r"==> ([0-9]+)/mountinfo <==")


@dataclass(frozen=True)
class Mount:
    """A line of mountinfo. parent: id of the mount that contains the mount point; source: what is mounted there."""

    id: str
    parent: str
    point: str
    source: DevicePath


@dataclass(frozen=True)
class Process:
    """A process in a node. namespace: its mount namespace."""

    pid: int
    name: str
    pod_uid: str
    namespace: str


@dataclass(frozen=True)
class ProcessSnapshot:
    """The processes of a node at one moment.

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
        """Namespaces whose mounts are missing: the process to read them from ended too early."""
        return ({process.namespace for process in self.processes} | {self.home}) - set(self.mounts)


def parse_snapshot(node: str, text: str, paths: Sequence[str]) -> ProcessSnapshot:
    """The output of the script in _edge/detach/node_processes.py for these paths. Raises CommandFailed if incomplete.

    Its fields: its own pid, the real paths, '', the mounts, pairs of link and target, '', names of processes, 'end'.
    """
    fields = text.split("\0")
    start = len(paths) + 3
    pairs = fields[start:-4]
    separators = [*fields[start - 2 : start - 1], *fields[-4:-3], *fields[-2:]]
    if len(fields) < start + 4 or separators != ["", "", "end", ""] or len(pairs) % 2:
        raise incomplete(node)
    links = [(*key.partition("/")[::2], target) for key, target in zip(pairs[::2], pairs[1::2])]
    namespaces = {pid: target for pid, kind, target in links if kind == "ns/mnt"}
    # Kernel threads have no program. A process without a name has ended, as have the probe's own programs.
    programs = {pid for pid, kind, _target in links if kind == "exe"}
    names, pods = _names(fields[-3])
    processes = {
        pid: Process(int(pid), name, pods.get(pid, ""), namespaces[pid])
        for pid, name in names.items()
        if pid in programs and pid in namespaces
    }
    own = processes.pop(fields[0], None)
    if own is None:
        raise incomplete(node)
    return ProcessSnapshot(
        node,
        own.namespace,
        dict(zip(paths, fields[1 : start - 2])),
        tuple(sorted(processes.values(), key=lambda process: process.pid)),
        _mounts(fields[start - 1], namespaces, {pid: target for pid, kind, target in links if kind == "root"}),
        tuple((processes[pid], kind, target) for pid, kind, target in links if pid in processes and kind in LINKS),
    )


def _mounts(text: str, namespaces: Mapping[str, str], roots: Mapping[str, str]) -> dict[str, tuple[Mount, ...]]:
    """Namespace -> its mounts, from mountinfo files, each below a header line. namespaces, roots: by pid."""
    found: dict[str, dict[str, Mount]] = {}
    table: dict[str, Mount] = {}
    root = ""
    for line in text.split("\n"):
        if header := _HEADER.fullmatch(line):
            pid = header[1]
            # mountinfo of a process in a chroot begins at its root.
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


def incomplete(node: str) -> CommandFailed:
    """The error if a snapshot is incomplete: that a process is missing proves nothing then."""
    return CommandFailed(
        f"Could not read all processes of node {node} and their mounts.",
        next_step="Run this again when fewer processes start and end in the node.",
    )
