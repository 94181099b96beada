# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What holds volumes, in the words of people: pods, provisioners' helpers, attachments, and processes in nodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, is_below, kubernetes_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import pods
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import volume_places

from .node_holders import Holder

# States of a container in which none of its processes runs.
NO_PROCESS = ("exited", "dead", "created")
SHOWN = 10
_ATTACHED = " (VolumeAttachment)"


@dataclass(frozen=True)
class Held:
    """One reason why a volume is not free. pod: 'namespace/name', '' for none; pid: in the node, 0 for none."""

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
        """The reason as a module returns it."""
        return {**asdict(self), "text": self.text()}


def by_api(
    volumes: Sequence[Volume], everybody: Sequence[Object], attachments: Iterable[Object]
) -> dict[str, list[Held]]:
    """Volume's name -> what the API server knows to hold it: pods that use it or its directory, attachments."""
    attached: dict[str, list[str]] = {}
    for item in attachments:
        name = (item["spec"].get("source") or {}).get("persistentVolumeName", "")
        attached.setdefault(name, []).append(item["spec"].get("nodeName", ""))
    living = [pod for pod in everybody if not pods.is_terminal(pod)]
    by_claim: dict[str, list[Object]] = {}
    for volume in volumes:
        if volume.claim_phase:
            by_claim[volume.claim] = []
    for pod in living:
        for claim in pods.claims_used(pod):
            if claim in by_claim:
                by_claim[claim].append(pod)
    direct = [(pod, paths) for pod in living if (paths := _directories(pod))]
    found = {}
    for volume in volumes:
        # A claim of that name that has another volume is none of this one.
        users = by_claim[volume.claim] if volume.claim_phase else ()
        held = [_by_pod(pod, "uses it") for pod in users]
        held += [_by_pod(pod, f"has {path}") for pod, paths in direct for path in paths if _is_of(path, volume)]
        held += [Held(f"it is attached to {node}{_ATTACHED}", node) for node in attached.get(volume.name, ())]
        found[volume.name] = held
    return found


def by_node(holders: Iterable[Holder], names: Mapping[str, str]) -> list[Held]:
    """What a look into a node found. names: uid of a pod -> 'namespace/name'."""
    return [Held(h.what, h.node, names.get(h.pod_uid, h.pod_uid), h.process, h.pid) for h in holders]


def left_without(gone: set[str], held: Mapping[str, Sequence[Held]]) -> dict[str, list[Held]]:
    """What would hold volumes when these pods ('namespace/name') are gone: what attaches one for them goes as well."""
    found = {}
    for name, reasons in held.items():
        nodes = {one.node for one in reasons if one.pod in gone}
        left = [one for one in reasons if one.pod not in gone]
        found[name] = [one for one in left if not (one.why.endswith(_ATTACHED) and one.node in nodes)]
    return found


def directories(volumes: Iterable[Volume], nodes: Sequence[Node]) -> dict[str, dict[str, str]]:
    """Node -> volume's name -> its directory there; also in nodes that only share its directory of the host."""
    nodes = kubernetes_nodes(nodes)
    found: dict[str, dict[str, str]] = {node.name: {} for node in nodes}
    for volume in volumes:
        places = volume_places(volume, nodes)
        on_host = {place.host_directory for place in places} - {""}
        own = {place.node for place in places}
        for node in nodes if places else ():
            if node.name in own or node.host_directory(volume.node_directory) in on_host:
                found[node.name][volume.name] = volume.node_directory
    return found


def unseen(node: Node) -> str:
    """Why nothing can be known of the processes in a node, '' where it can."""
    if node.state in ("running", *NO_PROCESS):
        return ""
    return f"{node.name} is {node.state}: what its processes hold can't be seen"


def summary(held: Mapping[str, Sequence[Held]], claims: Mapping[str, str]) -> str:
    """All volumes that are held, in a part of a sentence. claims: by volume's name."""
    lines = [
        f"{name}{f' of {claims[name]}' if claims.get(name) else ''}: {', '.join(one.text() for one in reasons[:3])}"
        f"{f' and {len(reasons) - 3} more' if len(reasons) > 3 else ''}"
        for name, reasons in held.items()
        if reasons
    ]
    return "; ".join(lines[:SHOWN]) + (f"; and {len(lines) - SHOWN} more" if len(lines) > SHOWN else "")


def _by_pod(pod: Object, what: str) -> Held:
    ending = ", and is ending" if pods.is_terminating(pod) else ""
    return Held(f"pod {namespaced_name(pod)} {what}{ending}", pod["spec"].get("nodeName", ""), namespaced_name(pod))


def _directories(pod: Object) -> set[str]:
    """The directories of nodes that a pod has without a claim: hostPath, and what a provisioner's helper works on.

    local-path-provisioner tells its helper by VOL_DIR; the hostPath of such a pod is the directory above.
    """
    spec = pod["spec"]
    found = {v["hostPath"]["path"] for v in spec.get("volumes") or () if v.get("hostPath")}
    for container in [*(spec.get("initContainers") or ()), *spec["containers"]]:
        found |= {e.get("value", "") for e in container.get("env") or () if e["name"] == "VOL_DIR"}
    return found - {""}


def _is_of(path: str, volume: Volume) -> bool:
    return bool(volume.node_directory) and path.startswith("/") and is_below(path, volume.node_directory)
