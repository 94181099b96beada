"""Which objects a request may change, decided apart from the collection; and that volumes are retained first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .api import WorldApi
from .names import NODES, Object
from .requests import Request

Key = tuple[str, str, str]

VOLUME_KINDS = ("PersistentVolume", "PersistentVolumeClaim")
WORKLOADS = ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "DaemonSet", "Job", "CronJob")
# Module -> the kinds of objects that it may ever write; what is written besides is a defect.
KINDS: Mapping[str, tuple[str, ...]] = {
    "volume_info": (),
    "kind_cluster": (),
    "kind_cluster_info": (),
    "storage_provisioner_info": (),
    "volume_backup": ("PersistentVolume",),
    "volume_detach": ("PersistentVolume", "Pod", *WORKLOADS),
    "volume_restore": ("Namespace", "StorageClass", *VOLUME_KINDS),
    "node_drain": ("PersistentVolume", "Node", "Pod"),
    "local_data": ("Namespace", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", *VOLUME_KINDS),
    "storage_provisioner": (
        *("Namespace", "StorageClass", "Deployment", "ConfigMap", "Lease", "ServiceAccount"),
        *("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"),
    ),
}


def outside(request: Request, before: Mapping[Key, Object], api: WorldApi) -> Iterator[str]:
    """The writes that the request did not ask for."""
    for verb, kind, name in api.writes:
        namespace, _slash, short = name.rpartition("/")
        item = before.get((kind, namespace, short))
        if kind not in KINDS[request.module]:
            yield f"it wrote a {kind}: {verb} {name}"
        elif item is not None and not _asked_for(request, verb, item, before):
            yield f"it was not asked to {verb} {kind} {name}"


def stopped_before_retained(before: Mapping[Key, Object], api: WorldApi) -> Iterator[str]:
    """Volumes of pods that are stopped are retained before anything is scaled, evicted or deleted."""
    stopped = ""
    for verb, kind, name in api.writes:
        if kind == "PersistentVolume" and verb == "patch" and stopped:
            yield f"PersistentVolume {name} was patched after {stopped}"
        if verb in ("delete", "evict") or (verb == "patch" and kind in WORKLOADS):
            stopped = f"{verb} {kind} {name}"
    if stopped:
        yield from not_retained(before, api)


def not_retained(before: Mapping[Key, Object], api: WorldApi) -> Iterator[str]:
    """Volumes of pods that are gone, and whose data a provisioner would delete with their claims."""
    gone = [item for key, item in before.items() if key[0] == "Pod" and key not in api.objects]
    for pod in gone:
        for volume in _bound_volumes(pod, before):
            now = api.objects.get(("PersistentVolume", "", volume["metadata"]["name"]), volume)
            if now["spec"].get("persistentVolumeReclaimPolicy", "Retain") != "Retain":
                yield f"{now['metadata']['name']} of pod {pod['metadata']['name']} was not retained when it was stopped"


def _bound_volumes(pod: Object, objects: Mapping[Key, Object]) -> Iterator[Object]:
    """The volumes of a pod's claims, without those of ephemeral volumes."""
    for volume in pod["spec"].get("volumes") or ():
        name = (volume.get("persistentVolumeClaim") or {}).get("claimName", "")
        claim = objects.get(("PersistentVolumeClaim", pod["metadata"]["namespace"], name))
        pv = objects.get(("PersistentVolume", "", claim["spec"].get("volumeName", ""))) if claim else None
        ref = (pv or {}).get("spec", {}).get("claimRef") or {}
        owners = (claim or {"metadata": {}})["metadata"].get("ownerReferences") or ()
        own = any(owner["kind"] == "Pod" and owner.get("controller") for owner in owners)
        if pv and not own and (ref.get("namespace"), ref.get("name")) == (pod["metadata"]["namespace"], name):
            yield pv


def selected(options: Mapping[str, Any], objects: Mapping[Key, Object]) -> set[str]:
    """The names of the volumes that names, namespaces and storage_classes select."""
    found = set()
    for (kind, _namespace, name), pv in objects.items():
        if kind == "PersistentVolume":
            ref = pv["spec"].get("claimRef") or {}
            claim = f"{ref.get('namespace')}/{ref.get('name')}"
            checks = (
                (options["names"], {name, claim}),
                (options["namespaces"], {ref.get("namespace")}),
                (options["storage_classes"], {pv["spec"].get("storageClassName", "")}),
            )
            if all(not chosen or set(chosen) & own for chosen, own in checks):
                found.add(name)
    return found


def _asked_for(request: Request, verb: str, item: Object, objects: Mapping[Key, Object]) -> bool:
    """Whether a request may do this to an object that existed before."""
    options, kind, name = request.options, item["kind"], item["metadata"]["name"]
    if request.module == "volume_backup":
        return verb == "patch" and name in selected(options, objects)
    if request.module == "volume_detach":
        return _may_stop(request, verb, item, objects)
    if request.module == "volume_restore":
        return verb.startswith("patch")
    if request.module == "node_drain":
        if kind == "Node":
            return verb == "patch" and name == options["node"]
        return kind == "PersistentVolume" or (verb == "evict" and item["spec"].get("nodeName") == options["node"])
    if request.module == "local_data":
        ours = "kindlab.volumes/local-data" in (item["metadata"].get("labels") or {})
        return ours or kind.startswith("Validating")
    return kind != "Namespace" or verb == "delete"


def _may_stop(request: Request, verb: str, item: Object, objects: Mapping[Key, Object]) -> bool:
    """Only what uses a selected volume: pods, what controls them, and workloads whose template names its claim."""
    if item["kind"] == "PersistentVolume":
        return verb == "patch"
    if request.options["state"] == "attached":
        return verb == "patch"
    if verb == "delete" and (item["kind"] != "Pod" or request.options["unmanaged"] != "delete"):
        return False
    claims = set()
    for name in selected(request.options, objects):
        ref = objects["PersistentVolume", "", name]["spec"].get("claimRef") or {}
        claims.add((ref.get("namespace") or "default", ref.get("name", "")))
    using = {_uid(pod) for pod in objects.values() if pod["kind"] == "Pod" and _uses(pod, pod["spec"], claims)}
    if item["kind"] == "Pod":
        return _uid(item) in using
    return names_claims(item, claims) or _controls(item, using, objects)


def names_claims(item: Object, claims: set[tuple[str, str]]) -> bool:
    spec = item["spec"]["jobTemplate"]["spec"] if item["kind"] == "CronJob" else item["spec"]
    if _uses(item, (spec.get("template") or {}).get("spec") or {}, claims):
        return True
    made = [t["metadata"]["name"] for t in spec.get("volumeClaimTemplates") or () if "metadata" in t]
    stems = [f"{name}-{item['metadata']['name']}-" for name in made]
    return any(space == item["metadata"]["namespace"] and name.startswith(s) for space, name in claims for s in stems)


def _controls(item: Object, using: set[str], objects: Mapping[Key, Object]) -> bool:
    """True if it controls one of these pods, at any distance."""
    below, found = {_uid(item)}, True
    while found:
        found = {_uid(o) for o in objects.values() if _uid(o) not in below and below & _controllers(o)}
        below |= found
    return bool(below & using)


def _controllers(item: Object) -> set[str]:
    return {r["uid"] for r in item["metadata"].get("ownerReferences") or () if r.get("controller")}


def _uses(item: Object, spec: Mapping[str, Any], claims: set[tuple[str, str]]) -> bool:
    metadata = item["metadata"]
    named = {v["persistentVolumeClaim"]["claimName"] for v in spec.get("volumes") or () if "persistentVolumeClaim" in v}
    named |= {f"{metadata['name']}-{v['name']}" for v in spec.get("volumes") or () if "ephemeral" in v}
    return any((metadata["namespace"], name) in claims for name in named)


def _uid(item: Object) -> str:
    return str(item["metadata"]["uid"])


__all__ = ["NODES", "outside", "selected", "stopped_before_retained"]
