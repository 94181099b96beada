# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Why a volume cannot be restored: conflicting objects, missing nodes, no place for its data."""

from __future__ import annotations

import json

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import namespace_obstacle
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import (
    affinity_nodes,
    claim_of,
    node_directory,
    source_of,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed

from .model import Observed, Request, SelectedVolume


def object_refusal(
    selected: SelectedVolume, pv: Object | None, claim: Object | None, request: Request
) -> Refusal | None:
    """A conflict with the existing volume or claim of the same name."""
    if selected.released:
        claim = None
    return (pv and _volume_refusal(selected, pv, request)) or (claim and claim_refusal(selected, claim)) or None


def _volume_refusal(selected: SelectedVolume, pv: Object, request: Request) -> Refusal | None:
    name, claim, saved = selected.volume.name, selected.volume.claim, selected.saved.claim
    if pv["metadata"].get("deletionTimestamp"):
        return selected.refuse(
            "the existing PersistentVolume is being deleted", f"Check its finalizers: kubectl describe pv {name}"
        )
    other = differences(pv, selected.pv)
    if other:
        maps = listed([*(["node_map"] if request.node_map else []), *request.name_maps])
        mapped = f" under {maps}, and is not changed" if maps else ""
        return selected.refuse(
            f"the existing PersistentVolume differs from the backup{mapped}: {'; '.join(other)}",
            f"Delete it if it is not needed (kubectl delete pv {name}), "
            f"{f'correct {maps}, ' if maps else ''}or select other volumes.",
        )
    if claim_of(pv) not in ("", claim):
        return selected.refuse(
            f"the existing PersistentVolume is reserved for claim {claim_of(pv)}; in the backup it belongs to claim "
            f"{saved}{f', which becomes {claim}' if saved != claim else ''}",
            f"Delete that claim and the volume (kubectl delete pv {name}), or select other volumes.",
        )
    return None


def claim_refusal(selected: SelectedVolume, claim: Object) -> Refusal | None:
    """A claim that exists and cannot be bound to the volume."""
    volume = selected.volume
    namespace, _slash, name = volume.claim.partition("/")
    delete = f"kubectl delete pvc -n {namespace} {name}"
    if claim["metadata"].get("deletionTimestamp"):
        return selected.refuse(
            f"the existing claim {volume.claim} is being deleted",
            f"Stop the pods that use it: kubectl describe pvc -n {namespace} {name}",
        )
    requested = claim["spec"].get("volumeName", "")
    if requested not in ("", volume.name):
        own = volume.claim == selected.saved.claim
        replacing = "set existing=replace, which keeps its volume" if own else "map it to another name (claim_map)"
        return selected.refuse(
            f"the existing claim {volume.claim} has another volume, {requested}",
            f"Delete that claim if its data is not needed ({delete}), or {replacing}, or select other volumes.",
        )
    if requested or selected.claim is None:
        return None
    storage_class = claim["spec"].get("storageClassName", "")
    if storage_class != volume.storage_class:
        return selected.refuse(
            f"the existing claim {volume.claim} requests the storage class {storage_class!r}, "
            f"not {volume.storage_class!r}",
            f"Correct its storageClassName, or delete it for the restore to create it: {delete}",
        )
    if "volume.kubernetes.io/selected-node" in (claim["metadata"].get("annotations") or {}):
        return selected.refuse(
            f"a new volume is being provisioned for the existing claim {volume.claim}",
            f"Stop the pods that use the claim, and delete it for the restore to create it: {delete}",
        )
    return None


def namespace_refusal(selected: SelectedVolume, request: Request, observed: Observed) -> Refusal | None:
    """A namespace that a claim cannot be created in."""
    name = selected.volume.claim.partition("/")[0]
    if selected.claim is None or selected.volume.claim in observed.claims:
        return None
    why, next_step = namespace_obstacle(name, observed.namespaces.get(name), create=request.create_namespaces)
    return selected.refuse(why, next_step) if why else None


def class_refusal(selected: SelectedVolume, request: Request, observed: Observed) -> Refusal | None:
    """A storage class that was named by a map, and that neither the cluster nor the backup has."""
    name = selected.volume.storage_class
    if "storage_class_map" not in request.name_maps or name in ("", *observed.storage_classes):
        return None
    saved = {item["metadata"]["name"] for item in observed.generation.manifests["StorageClass"]}
    if request.create_storage_classes and name in saved:
        return None
    return selected.refuse(
        f"the storage class {name} does not exist in this cluster",
        f"Create it, or correct storage_class_map; it has {listed(sorted(observed.storage_classes))}.",
    )


def differences(pv: Object, saved: Object) -> list[str]:
    """How an existing volume differs from the saved one: 'FIELD is VALUE, not SAVED'."""
    existing, backup = _content(pv), _content(saved)
    return [
        f"{field} is {existing.get(field, 'none')}, not {backup.get(field, 'none')}"
        for field in dict.fromkeys((*backup, *existing))
        if existing.get(field) != backup.get(field)
    ]


def _content(pv: Object) -> dict[str, str]:
    """The fields that identify a volume: not its claim, nor its status."""
    spec, source = pv["spec"], source_of(pv)
    details = {k: v for k, v in spec.get(source, {}).items() if v and (source, k) != ("hostPath", "type")}
    affinity = _sorted_json((spec.get("nodeAffinity") or {}).get("required") or {})
    return {
        "capacity": (spec.get("capacity") or {}).get("storage", "none"),
        "storage class": spec.get("storageClassName") or "none",
        "access modes": ", ".join(sorted(spec.get("accessModes") or ())),
        "volume mode": spec.get("volumeMode") or "Filesystem",
        source: node_directory(pv) or _sorted_json(details),
        "node": " or ".join(affinity_nodes(pv)) or ("any" if affinity == "{}" else affinity),
    }


def _sorted_json(value: Object) -> str:
    return json.dumps(value, sort_keys=True)
