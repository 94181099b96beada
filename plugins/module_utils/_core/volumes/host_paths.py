# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Directories of nodes that people's workloads write to without a PersistentVolume: they end with the nodes."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, is_below, kubernetes_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import pods, workloads
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import node_directory
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.state import is_labelled
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed

READ = ("PersistentVolume", "Pod", *workloads.WORKLOAD_KINDS)
_OF_THE_CLUSTER = ("kube-system", "local-path-storage")
# What belongs to a node itself: its programs, sockets, logs and the state of its kubelet and container runtime.
_OF_NODES = (
    *("/bin", "/boot", "/dev", "/etc", "/kind", "/lib", "/lib64", "/proc", "/run", "/sbin", "/sys", "/usr"),
    *("/opt/cni", "/var/cache", "/var/lib/cni", "/var/lib/containerd", "/var/lib/docker", "/var/lib/kubelet"),
    *("/var/log", "/var/run"),
)
_ABOVE = ("/", "/opt", "/var", "/var/lib")
_DIRECTORIES = (None, "", "Directory", "DirectoryOrCreate")


@dataclass(frozen=True)
class Written:
    """A directory that workloads write to, inside nodes. users: 'Kind namespace/name'; nodes: where it has data.

    is_state: all of them are DaemonSets, whose agents keep a state of each node rather than data.
    """

    path: str
    users: tuple[str, ...]
    nodes: tuple[str, ...]
    is_state: bool = False

    @property
    def why(self) -> str:
        """What happens to it, as a part of a sentence."""
        where = f"is not mounted from the host on {', '.join(self.nodes)} and is deleted with the node"
        return f"{listed(self.users, 3)} {'writes' if len(self.users) == 1 else 'write'} to it, it {where}"

    def refusal(self, engine: str) -> Refusal:
        """Why the nodes must not be deleted. engine: its name."""
        copy = shlex.join([engine, "cp", f"{self.nodes[0]}:{self.path}", "."])
        return Refusal(self.path, self.why, f"Copy what is needed: {copy} Then set accept_loss=['{self.path}'].")

    def warning(self) -> str:
        """The same about the state of agents, with which nodes can be deleted."""
        return f"{self.path}: {self.why}."


def users_of(objects: Iterable[Object]) -> dict[str, list[Object]]:
    """Directory -> the workloads, and pods without one, that write to it. objects: those of the kinds in READ."""
    objects = tuple(objects)
    volumes = {node_directory(item) for item in objects if item["kind"] == "PersistentVolume"} - {""}
    found: dict[str, list[Object]] = {}
    for item in filter(_is_of_people, objects):
        for path in _written(item["spec"] if item["kind"] == "Pod" else workloads.template(item).get("spec") or {}):
            if not any(is_below(path, volume) or is_below(volume, path) for volume in volumes):
                found.setdefault(path, []).append(item)
    return found


def inside(paths: Iterable[str], nodes: Iterable[Node]) -> list[tuple[str, str]]:
    """(directory, node) where a directory lies in the node's own file system, which lasts as long as the node."""
    return [
        (path, node.name)
        for path in paths
        for node in kubernetes_nodes(nodes)
        if node.host_directory(path) is None and getattr(node.mount_of(path), "kind", "") != "tmpfs"
    ]


def written(
    users: Mapping[str, Sequence[Object]], filled: Iterable[tuple[str, str]], accepted: Collection[str]
) -> tuple[Written, ...]:
    """filled: where directories have data, see inside(). accepted: directories that may be lost."""
    found: dict[str, list[str]] = {}
    for path, node in filled:
        found.setdefault(path, []).append(node)
    return tuple(
        Written(
            path,
            tuple(f"{item['kind']} {namespaced_name(item)}" for item in users[path]),
            tuple(nodes),
            all(item["kind"] == workloads.DAEMON for item in users[path]),
        )
        for path, nodes in found.items()
        if path not in accepted
    )


def _is_of_people(item: Object) -> bool:
    """True for a workload, or a pod, that no controller of Kubernetes makes, and that does not come with a cluster."""
    reference = pods.controller(item)
    made = reference is not None and pods.is_builtin(reference)
    if item["kind"] == "PersistentVolume" or made or item["metadata"]["namespace"] in _OF_THE_CLUSTER:
        return False
    ended = item["kind"] == "Pod" and (pods.is_mirror(item) or pods.is_terminal(item))
    return not (ended or is_labelled(item))


def _written(spec: Object) -> Iterator[str]:
    """The directories that a pod mounts from its node, and may write to, without those that belong to the node."""
    containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    mounts = [mount for container in containers for mount in container.get("volumeMounts") or ()]
    writable = {mount["name"] for mount in mounts if not mount.get("readOnly")}
    for volume in spec.get("volumes") or ():
        source = volume.get("hostPath") or {}
        if source and volume["name"] in writable and source.get("type") in _DIRECTORIES:
            path = posixpath.normpath(f"/{source['path'].lstrip('/')}")
            if path not in _ABOVE and not any(is_below(path, own) for own in _OF_NODES):
                yield path
