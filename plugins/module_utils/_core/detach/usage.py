# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What uses volumes: pods, provisioners' helper pods, VolumeAttachments, and processes in nodes."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, kubernetes_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import pods
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.registry import helper_directories
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count, listed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import volume_places

# States of a container without processes.
NO_PROCESS = ("exited", "dead", "created")
_ATTACHED = " (VolumeAttachment)"


@dataclass(frozen=True)
class VolumeUser:
    """One reason why a volume is in use.

    pod: 'namespace/name', or the uid of a pod that the API server does not know; '' for none. pid: in the node, 0 for
    none.
    """

    why: str
    node: str = ""
    pod: str = ""
    process: str = ""
    pid: int = 0

    def text(self) -> str:
        """The reason as a part of a sentence."""
        of_pod = f" of pod {self.pod}" if self.pod and self.process else ""
        return f"{self.process} (pid {self.pid}){of_pod} on {self.node} {self.why}" if self.process else self.why

    def as_dict(self) -> Object:
        """The reason in the module's result."""
        return {**asdict(self), "text": self.text()}


def in_use_text(users: Mapping[str, Sequence[VolumeUser]]) -> str:
    """What is waited for until volumes are unused. users: of each volume, by its name."""
    used = [f"{name} ({found[0].text()})" for name, found in users.items() if found]
    return f"{count(len(used), 'volume')} in use: {listed(used, 3)}" if used else "volumes to be unused"


def users_by_api(
    volumes: Sequence[Volume], all_pods: Sequence[Object], attachments: Iterable[Object]
) -> dict[str, list[VolumeUser]]:
    """Volume's name -> the pods that use it or its directory, and its VolumeAttachments."""
    attached: dict[str, list[str]] = {}
    for item in attachments:
        name = (item["spec"].get("source") or {}).get("persistentVolumeName", "")
        attached.setdefault(name, []).append(item["spec"].get("nodeName", ""))
    active = [pod for pod in all_pods if not pods.is_terminal(pod)]
    by_claim: dict[str, list[Object]] = {}
    for volume in volumes:
        if volume.claim_phase:
            by_claim[volume.claim] = []
    for pod in active:
        for claim in pods.claims_used(pod):
            if claim in by_claim:
                by_claim[claim].append(pod)
    direct = _direct_users(volumes, active)
    found = {}
    for volume in volumes:
        # Without a phase, the claim of that name has another volume, or is gone.
        users = [_pod_user(pod, "it") for pod in (by_claim[volume.claim] if volume.claim_phase else ())]
        users += direct.get(volume.name, ())
        users += [VolumeUser(f"it is attached to {node}{_ATTACHED}", node) for node in attached.get(volume.name, ())]
        found[volume.name] = users
    return found


def _direct_users(volumes: Iterable[Volume], all_pods: Iterable[Object]) -> dict[str, list[VolumeUser]]:
    """Volume's name -> the pods that use its directory, or one below it, without a claim."""
    by_directory: dict[str, list[str]] = {}
    for volume in volumes:
        by_directory.setdefault(volume.node_directory, []).append(volume.name)
    found: dict[str, list[VolumeUser]] = {}
    for pod in all_pods:
        for path in filter(lambda path: path.startswith("/"), directories_without_claim(pod)):
            for name in (name for place in above(path) for name in by_directory.get(place, ())):
                found.setdefault(name, []).append(_pod_user(pod, path))
    return found


def with_pod_names(users: Iterable[VolumeUser], names: Mapping[str, str]) -> list[VolumeUser]:
    """Users whose pods are known by uid, with the pods' names. names: uid -> 'namespace/name'."""
    return [replace(user, pod=names.get(user.pod, user.pod)) for user in users]


def users_without(gone: set[str], users: Mapping[str, Sequence[VolumeUser]]) -> dict[str, list[VolumeUser]]:
    """The users once these pods ('namespace/name') are gone; VolumeAttachments of their nodes go with them."""
    found = {}
    for name, those in users.items():
        nodes = {user.node for user in those if user.pod in gone}
        left = [user for user in those if user.pod not in gone]
        found[name] = [user for user in left if not (user.why.endswith(_ATTACHED) and user.node in nodes)]
    return found


def users_without_claims(
    claims: Collection[str], all_pods: Iterable[Object], users: Mapping[str, Sequence[VolumeUser]]
) -> dict[str, list[VolumeUser]]:
    """The users once the pods of these claims are gone."""
    return users_without({namespaced_name(pod) for pod in all_pods if {*claims} & {*pods.claims_used(pod)}}, users)


def directories_by_node(
    volumes: Iterable[Volume], nodes: Sequence[Node], sharing: Sequence[Node] = ()
) -> dict[str, dict[str, str]]:
    """Node -> volume's name -> its directory there; also in nodes that share its host directory.

    sharing: nodes of other clusters.
    """
    nodes = kubernetes_nodes(nodes)
    found: dict[str, dict[str, str]] = {node.name: {} for node in nodes}
    for volume in volumes:
        places = volume_places(volume, nodes)
        on_host = {place.host_directory for place in places} - {""}
        own = {place.node for place in places}
        for node in nodes if places else ():
            if node.name in own or node.host_directory(volume.node_directory) in on_host:
                found[node.name][volume.name] = volume.node_directory
        for path in on_host:
            for name, directories in mounted_in(sharing, {volume.name: path}).items():
                found.setdefault(name, {}).update(directories)
    return found


def mounted_in(nodes: Iterable[Node], host_directories: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Node -> name -> where the node has that host directory, or something below it."""
    shown = {
        node.name: {name: paths[0] for name, path in host_directories.items() if (paths := node.paths_of(path))}
        for node in kubernetes_nodes(nodes)
    }
    return {node: directories for node, directories in shown.items() if directories}


def why_unreadable(node: Node) -> str:
    """Why the processes of a node cannot be read, '' if they can."""
    if node.state in ("running", *NO_PROCESS):
        return ""
    return f"node {node.name} is {node.state}: its processes cannot be read"


def _pod_user(pod: Object, what: str) -> VolumeUser:
    terminating = " and is terminating" if pods.is_terminating(pod) else ""
    return VolumeUser(
        f"pod {namespaced_name(pod)} uses {what}{terminating}", pod["spec"].get("nodeName", ""), namespaced_name(pod)
    )


def directories_without_claim(pod: Object) -> set[str]:
    """The node directories that a pod uses without a claim; the hostPath of a helper pod is the directory above."""
    mounted = {v["hostPath"]["path"] for v in pod["spec"].get("volumes") or () if v.get("hostPath")}
    return mounted | helper_directories(pod)


def above(path: str) -> Iterable[str]:
    """The path and its parents."""
    path = posixpath.normpath(path)
    yield path
    while path not in ("/", "//"):
        path = posixpath.dirname(path)
        yield path
