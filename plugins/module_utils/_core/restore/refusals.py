# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Why a volume can't be restored: objects that are in its way, and nodes that are not there."""

from __future__ import annotations

import json
from dataclasses import dataclass

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import phase_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import (
    Volume,
    affinity_nodes,
    claim_of,
    node_directory,
    source_of,
)

from .model import Observed, Wanted


@dataclass(frozen=True)
class Refusal:
    """The reason, and what can be done about it."""

    why: str
    next_step: str


def objects_refuse(wanted: Wanted, pv: Object | None, claim: Object | None) -> Refusal | None:
    """What speaks against it in the volume and the claim of these names that are there."""
    volume = wanted.volume
    if pv is not None:
        if pv["metadata"].get("deletionTimestamp"):
            return Refusal(
                "the PersistentVolume of that name is being deleted",
                f"See what holds it: kubectl describe pv {volume.name}",
            )
        other = differences(pv, wanted.pv)
        if other:
            return Refusal(
                f"a PersistentVolume of that name is there with other content: {'; '.join(other)}",
                f"Remove it if it isn't needed (kubectl delete pv {volume.name}), or select other volumes.",
            )
        if claim_of(pv) not in ("", volume.claim):
            return Refusal(
                f"the PersistentVolume of that name is for the claim {claim_of(pv)}, in the backup for {volume.claim}",
                "Select other volumes, or remove that claim and volume.",
            )
    if claim is None:
        return None
    namespace, _slash, name = volume.claim.partition("/")
    delete = f"kubectl delete pvc -n {namespace} {name}"
    if claim["metadata"].get("deletionTimestamp"):
        return Refusal(
            f"the claim {volume.claim} is being deleted", "Stop the pods that use it and wait until it is gone."
        )
    has = claim["spec"].get("volumeName", "")
    if has not in ("", volume.name):
        return Refusal(
            f"the claim {volume.claim} is bound elsewhere: to the volume {has}",
            f"Remove that claim, if its data isn't needed ({delete}), or select other volumes.",
        )
    if not has and wanted.claim is not None:
        return _waiting_claim_refuses(volume, claim, delete)
    return None


def _waiting_claim_refuses(volume: Volume, claim: Object, delete: str) -> Refusal | None:
    """A claim that waits for a volume is given this one, unless it would not fit."""
    asks = claim["spec"].get("storageClassName", "")
    if asks != volume.storage_class:
        return Refusal(
            f"the claim {volume.claim} is there and asks for storage class {asks!r}, not {volume.storage_class!r}",
            f"Correct its storageClassName, or remove it ({delete}): the restore makes it anew.",
        )
    if "volume.kubernetes.io/selected-node" in (claim["metadata"].get("annotations") or {}):
        return Refusal(
            f"a new volume is being made for the claim {volume.claim}",
            f"Remove the pods that use it and the claim ({delete}): the restore makes it anew.",
        )
    return None


def namespace_refuses(wanted: Wanted, claim: Object | None, observed: Observed, namespaces_too: bool) -> Refusal | None:
    name = wanted.volume.claim.partition("/")[0]
    if wanted.claim is None or claim is not None:
        return None
    namespace = observed.namespaces.get(name)
    if namespace is None and not namespaces_too:
        return Refusal(f"the namespace {name} is not there", "Create it, or set namespaces_too: true.")
    if namespace is not None and phase_of(namespace) == "Terminating":
        return Refusal(f"the namespace {name} is being deleted", "Wait until it is gone.")
    return None


def nodes_refuse(wanted: Wanted, observed: Observed) -> Refusal | None:
    names = wanted.volume.nodes
    if not names or set(names) & observed.node_names:
        return None
    return Refusal(
        f"its node {' or '.join(names)} is not in this cluster, which has {', '.join(sorted(observed.node_names))}",
        "Map the old node to one of these with node_map, or create the cluster with the name it had.",
    )


def differences(pv: Object, wanted: Object) -> list[str]:
    """How a volume that is there differs from the saved one: 'WHAT is VALUE, in the backup VALUE'."""
    is_now, saved = _content(pv), _content(wanted)
    return [
        f"{field} is {is_now.get(field, 'none')}, in the backup {saved.get(field, 'none')}"
        for field in dict.fromkeys((*saved, *is_now))
        if is_now.get(field) != saved.get(field)
    ]


def _content(pv: Object) -> dict[str, str]:
    """What makes a volume this volume: not its claim, nor what happens to it afterwards."""
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
