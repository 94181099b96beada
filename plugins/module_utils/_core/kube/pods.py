# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pods: workload, phase, claims and volumes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .objects import Object, namespaced_name
from .scheduling import affinity_fits
from .volumes import affinity_nodes

MIRROR = "kubernetes.io/config.mirror"
# Kubernetes' own controllers, with their API groups: others have kinds of the same name, e.g. apps.kruise.io.
GROUPS = {
    "ReplicaSet": "apps",
    "StatefulSet": "apps",
    "DaemonSet": "apps",
    "Job": "batch",
    "ReplicationController": "",
    "Deployment": "apps",
    "CronJob": "batch",
}
# Those of them that are looked up; any other controller is assumed to exist.
CONTROLLER_KINDS = ("ReplicaSet", "StatefulSet", "DaemonSet", "Job", "ReplicationController")


@dataclass(frozen=True)
class Workload:
    """What would create a pod again, '' for nothing; a Deployment instead of its ReplicaSet.

    kind: with its API group if it is called like a kind of Kubernetes, and is another one.
    """

    kind: str = ""
    name: str = ""

    def text(self) -> str:
        """'Kind/name'."""
        return f"{self.kind}/{self.name}" if self.kind else ""


@dataclass(frozen=True)
class PodVolume:
    """A volume that a pod uses. nodes: those that can mount it; pinned: its node affinity restricts them."""

    name: str
    claim: str
    nodes: tuple[str, ...] = ()
    pinned: bool = False

    def as_dict(self) -> Object:
        """The volume in a module's result."""
        return {"volume": self.name, "claim": self.claim, "nodes": list(self.nodes)}


def phase(pod: Mapping[str, Any]) -> str:
    """Pending, Running, Succeeded, Failed."""
    return str((pod.get("status") or {}).get("phase", ""))


def is_mirror(pod: Mapping[str, Any]) -> bool:
    """True for the mirror pod of a static pod, which kubelet runs from a file."""
    return MIRROR in (pod["metadata"].get("annotations") or {})


def is_terminal(pod: Mapping[str, Any]) -> bool:
    """True for a pod that has succeeded or failed: its containers will not run again."""
    return phase(pod) in ("Succeeded", "Failed")


def is_terminating(pod: Mapping[str, Any]) -> bool:
    """True for a pod that is being deleted."""
    return bool(pod["metadata"].get("deletionTimestamp"))


def is_exempt_from_budgets(pod: Mapping[str, Any]) -> bool:
    """True for a pod that no disruption budget protects: pending, finished or terminating."""
    return is_terminal(pod) or is_terminating(pod) or phase(pod) == "Pending"


def is_unscheduled(pod: Mapping[str, Any]) -> bool:
    """True for a pending pod without a node."""
    return phase(pod) == "Pending" and not pod["spec"].get("nodeName") and not is_terminating(pod)


def controller(item: Mapping[str, Any]) -> Object | None:
    """The ownerReference of an object's controller, None if it has none."""
    references = item["metadata"].get("ownerReferences") or ()
    return next((reference for reference in references if reference.get("controller")), None)


def controllers(item: Mapping[str, Any], known: Mapping[str, Object]) -> list[Object]:
    """Its controller, the controller of that, and so on, as far as they are known. known: objects by uid.

    Nobody checks ownerReferences: they may lead in a circle.
    """
    found: dict[str, Object] = {}
    while (reference := controller(item)) is not None:
        uid = reference.get("uid", "")
        if uid in found or uid not in known:
            break
        item = found[uid] = known[uid]
    return list(found.values())


def is_builtin(reference: Mapping[str, Any]) -> bool:
    """True if a reference names one of Kubernetes' own controllers, by group and kind."""
    group = str(reference.get("apiVersion", "")).rpartition("/")[0]
    return GROUPS.get(reference.get("kind", "")) == group


def referred(reference: Mapping[str, Any]) -> Workload:
    """What a reference names."""
    kind = reference["kind"]
    if kind in GROUPS and not is_builtin(reference):
        kind = f"{kind}.{reference.get('apiVersion', '').rpartition('/')[0]}"
    return Workload(kind, reference["name"])


def workload_of(pod: Mapping[str, Any], owners: Mapping[str, Object]) -> Workload:
    """The workload of a pod. owners: uid -> object, all of the kinds in CONTROLLER_KINDS."""
    reference = controller(pod)
    if reference is None:
        return Workload()
    owner = owners.get(reference.get("uid", ""))
    if owner is None:
        looked_up = is_builtin(reference) and reference["kind"] in CONTROLLER_KINDS
        return Workload() if looked_up else referred(reference)
    return referred(controller(owner) or reference)


def claims_used(pod: Mapping[str, Any]) -> list[str]:
    """The claims of a pod, each 'namespace/name', including those of its ephemeral volumes."""
    return [f"{pod['metadata']['namespace']}/{name}" for name in claims_of(pod)]


def local_data(pod: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of its volumes whose data is deleted with the pod: emptyDir and generic ephemeral volumes."""
    volumes = pod["spec"].get("volumes") or ()
    return tuple(v["name"] for v in volumes if v.get("emptyDir") is not None or v.get("ephemeral"))


def volumes_of(
    pod: Mapping[str, Any], claims: Mapping[str, Object], volumes: Mapping[str, Object], nodes: Iterable[Object]
) -> tuple[PodVolume, ...]:
    """The persistent volumes that a pod uses, without ephemeral ones: the pod's successor gets new ones.

    claims: by 'namespace/name'; volumes: PersistentVolumes by name.
    """
    nodes = tuple(nodes)
    used = []
    for name in claims_of(pod, own=False):
        claim = claims.get(f"{pod['metadata']['namespace']}/{name}")
        pv = volumes.get(claim["spec"].get("volumeName", "")) if claim else None
        if claim is not None and pv is not None:
            used.append(_volume(pv, namespaced_name(claim), nodes))
    return tuple(used)


def _volume(pv: Object, claim: str, nodes: tuple[Object, ...]) -> PodVolume:
    required = (pv["spec"].get("nodeAffinity") or {}).get("required")
    if required is None:
        return PodVolume(pv["metadata"]["name"], claim)
    fitting = [node["metadata"]["name"] for node in nodes if affinity_fits(required, node)]
    return PodVolume(pv["metadata"]["name"], claim, tuple(sorted(fitting)) or affinity_nodes(pv), True)


def pods_by_claim(pods: Iterable[Object]) -> dict[str, list[Object]]:
    """'namespace/name' of a claim -> the pods that use it, each {namespace, name, node, phase}."""
    using: dict[str, list[Object]] = {}
    for pod in pods:
        row = {
            "namespace": pod["metadata"]["namespace"],
            "name": pod["metadata"]["name"],
            "node": pod["spec"].get("nodeName", ""),
            "phase": phase(pod),
        }
        for claim in claims_used(pod):
            using.setdefault(claim, []).append(row)
    return using


def claims_of(pod: Mapping[str, Any], *, own: bool = True) -> list[str]:
    """Names of the claims of a pod; own: including those of its generic ephemeral volumes."""
    volumes = pod["spec"].get("volumes") or ()
    named = {v["persistentVolumeClaim"]["claimName"] for v in volumes if v.get("persistentVolumeClaim")}
    # Kubernetes names the claim of a generic ephemeral volume after the pod.
    ephemeral = {f"{pod['metadata']['name']}-{v['name']}" for v in volumes if own and v.get("ephemeral")}
    return sorted(named | ephemeral)
