# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pods as a drain sees them: who made them, whether they have ended, and what they keep on their node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .objects import Object, namespaced_name
from .scheduling import affinity_fits
from .volumes import affinity_nodes

MIRROR = "kubernetes.io/config.mirror"
# Owners that are looked up; one of another kind is taken to be there.
CONTROLLER_KINDS = ("ReplicaSet", "StatefulSet", "DaemonSet", "Job", "ReplicationController")


@dataclass(frozen=True)
class Workload:
    """What makes a pod again: kind and name, '' for nothing; a ReplicaSet's Deployment in its place."""

    kind: str = ""
    name: str = ""

    def text(self) -> str:
        """'Kind/name', as kubectl writes it."""
        return f"{self.kind}/{self.name}" if self.kind else ""


@dataclass(frozen=True)
class PodVolume:
    """A volume that a pod uses by a claim. nodes: those that can have it, of this cluster; pinned: not all can."""

    name: str
    claim: str
    nodes: tuple[str, ...] = ()
    pinned: bool = False

    def as_dict(self) -> Object:
        """As a module returns it."""
        return {"volume": self.name, "claim": self.claim, "nodes": list(self.nodes)}


def phase(pod: Mapping[str, Any]) -> str:
    """Pending, Running, Succeeded, Failed."""
    return str((pod.get("status") or {}).get("phase", ""))


def is_mirror(pod: Mapping[str, Any]) -> bool:
    """True for the API's picture of a static pod, which its kubelet runs from a file."""
    return MIRROR in (pod["metadata"].get("annotations") or {})


def is_terminal(pod: Mapping[str, Any]) -> bool:
    """True for a pod whose containers will not run again."""
    return phase(pod) in ("Succeeded", "Failed")


def is_terminating(pod: Mapping[str, Any]) -> bool:
    """True for a pod that was deleted and is not gone yet."""
    return bool(pod["metadata"].get("deletionTimestamp"))


def is_exempt_from_budgets(pod: Mapping[str, Any]) -> bool:
    """True for a pod that no disruption budget keeps: it does not run (yet), or is on its way out."""
    return is_terminal(pod) or is_terminating(pod) or phase(pod) == "Pending"


def is_unscheduled(pod: Mapping[str, Any]) -> bool:
    """True for a pod that has no node yet."""
    return phase(pod) == "Pending" and not pod["spec"].get("nodeName") and not is_terminating(pod)


def controller(item: Mapping[str, Any]) -> Object | None:
    """The reference to the controller of an object."""
    references = item["metadata"].get("ownerReferences") or ()
    return next((reference for reference in references if reference.get("controller")), None)


def workload_of(pod: Mapping[str, Any], owners: Mapping[str, Object]) -> Workload:
    """What makes the pod again. owners: uid -> object, all of the kinds in CONTROLLER_KINDS."""
    reference = controller(pod)
    if reference is None:
        return Workload()
    made_by = owners.get(reference.get("uid", ""))
    if made_by is None:
        return Workload() if reference["kind"] in CONTROLLER_KINDS else Workload(reference["kind"], reference["name"])
    above = controller(made_by)
    last = above if above is not None else reference
    return Workload(last["kind"], last["name"])


def claims_used(pod: Mapping[str, Any]) -> list[str]:
    """The claims that a pod names, each 'namespace/name'; also those that come and go with it."""
    return [f"{pod['metadata']['namespace']}/{name}" for name in claims_of(pod)]


def local_data(pod: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of its volumes whose data goes with the pod: emptyDir, and claims that are its own."""
    volumes = pod["spec"].get("volumes") or ()
    return tuple(v["name"] for v in volumes if v.get("emptyDir") is not None or v.get("ephemeral"))


def volumes_of(
    pod: Mapping[str, Any], claims: Mapping[str, Object], volumes: Mapping[str, Object], nodes: Iterable[Object]
) -> tuple[PodVolume, ...]:
    """The volumes that a pod uses and that outlive it, as far as its claims have one.

    claims: by 'namespace/name'; volumes: PersistentVolumes by name. A claim that is the pod's own is left out: the
    pod that comes after it gets a new one.
    """
    nodes = tuple(nodes)
    found = []
    for name in claims_of(pod, own=False):
        claim = claims.get(f"{pod['metadata']['namespace']}/{name}")
        pv = volumes.get(claim["spec"].get("volumeName", "")) if claim else None
        if claim is not None and pv is not None:
            found.append(_volume(pv, namespaced_name(claim), nodes))
    return tuple(found)


def _volume(pv: Object, claim: str, nodes: tuple[Object, ...]) -> PodVolume:
    required = (pv["spec"].get("nodeAffinity") or {}).get("required")
    if required is None:
        return PodVolume(pv["metadata"]["name"], claim)
    fitting = [node["metadata"]["name"] for node in nodes if affinity_fits(required, node)]
    return PodVolume(pv["metadata"]["name"], claim, tuple(sorted(fitting)) or affinity_nodes(pv), True)


def pods_by_claim(pods: Iterable[Object]) -> dict[str, list[Object]]:
    """'namespace/name' of a claim -> the pods that name it, each {namespace, name, node, phase}."""
    using: dict[str, list[Object]] = {}
    for pod in pods:
        metadata, spec = pod["metadata"], pod["spec"]
        shown = {
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "node": spec.get("nodeName", ""),
            "phase": (pod.get("status") or {}).get("phase", ""),
        }
        for claim in claims_of(pod):
            using.setdefault(f"{metadata['namespace']}/{claim}", []).append(shown)
    return using


def claims_of(pod: Mapping[str, Any], *, own: bool = True) -> list[str]:
    """The names of the claims that a pod names; own: also of those that come and go with it."""
    volumes = pod["spec"].get("volumes") or ()
    named = {v["persistentVolumeClaim"]["claimName"] for v in volumes if v.get("persistentVolumeClaim")}
    # A generic ephemeral volume's claim is named after its pod (Kubernetes: ephemeral volumes).
    ephemeral = {f"{pod['metadata']['name']}-{v['name']}" for v in volumes if own and v.get("ephemeral")}
    return sorted(named | ephemeral)
