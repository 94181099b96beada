# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes: PersistentVolumes joined with their claims."""

from __future__ import annotations

import copy
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .objects import Object, namespaced_name

# Fields of a PersistentVolume's spec other than its source.
_COMMON_FIELDS = frozenset(
    (
        "accessModes",
        "capacity",
        "claimRef",
        "mountOptions",
        "nodeAffinity",
        "persistentVolumeReclaimPolicy",
        "storageClassName",
        "volumeAttributesClassName",
        "volumeMode",
    )
)

PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
ORIGINAL_POLICY = "kindlab.volumes/original-reclaim-policy"
# Until when a volume keeps the policy Retain: 'attached' or 'uncordoned'.
RETAINED_UNTIL = "kindlab.volumes/retained-until"
HOSTNAME = "kubernetes.io/hostname"
_CLAIM = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?/[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


@dataclass(frozen=True)
class Volume:
    """One PersistentVolume with its claim.

    claim: 'namespace/name', '' for none. claim_phase: '' if the claim does not exist or has another volume. nodes:
    those that the affinity names, () for any. node_directory: '' if the source is neither hostPath nor local. source:
    its field in the spec, e.g. hostPath. original_policy: the reclaim policy before this collection set Retain, else
    ''. retained_until: when that ends, see RETAINED_UNTIL, '' for never.
    required: its whole NodeSelector, None for any node. is_block: of volume mode Block. is_ephemeral: of a generic
    ephemeral volume, deleted with its pod. is_terminating: it or its claim is being deleted.
    """

    name: str
    claim: str = ""
    phase: str = ""
    claim_phase: str = ""
    storage_class: str = ""
    reclaim_policy: str = "Retain"
    capacity: str = ""
    access_modes: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    node_directory: str = ""
    source: str = ""
    provisioned_by: str = ""
    original_policy: str = ""
    retained_until: str = ""
    required: Object | None = field(default=None, compare=False)
    is_block: bool = False
    is_ephemeral: bool = False
    is_terminating: bool = False


def read_volumes(persistent_volumes: Iterable[Object], claims: Iterable[Object]) -> tuple[Volume, ...]:
    """All volumes, sorted by name, from objects of the API or of a backup."""
    by_name = {namespaced_name(claim): claim for claim in claims}
    volumes = (_volume(pv, by_name.get(claim_of(pv))) for pv in persistent_volumes)
    return tuple(sorted(volumes, key=lambda volume: volume.name))


def claim_of(pv: Mapping[str, Any]) -> str:
    """'namespace/name' of a PersistentVolume's claim, '' for none.

    The API server does not check claimRef: without a namespace, or with an impossible name, no claim can match it.
    """
    ref = pv["spec"].get("claimRef") or {}
    claim = f"{ref.get('namespace')}/{ref.get('name')}"
    return claim if _CLAIM.fullmatch(claim) else ""


def is_ephemeral(claim: Mapping[str, Any]) -> bool:
    """True for the claim of a generic ephemeral volume."""
    owners = claim["metadata"].get("ownerReferences") or ()
    return any(owner.get("controller") and _is_pod(owner) for owner in owners)


def source_of(pv: Mapping[str, Any]) -> str:
    """The field of the spec that holds the source: hostPath, local, nfs, csi, ..."""
    return next((field for field in sorted(pv["spec"]) if field not in _COMMON_FIELDS), "")


def node_directory(pv: Mapping[str, Any]) -> str:
    """The directory in the node, '' if the source is neither hostPath nor local."""
    spec = pv["spec"]
    path = (spec.get("hostPath") or spec.get("local") or {}).get("path", "")
    # Relative ones are accepted, too, and are below the root. normpath keeps two slashes at the beginning.
    return "/" + posixpath.normpath(f"/{path}").lstrip("/") if path else ""


def affinity_nodes(pv: Mapping[str, Any]) -> tuple[str, ...]:
    """The nodes that the affinity names, () if it names none.

    Terms are alternatives, the requirements of one term must all hold (see NodeSelector). A node is named by the
    field metadata.name (local-path since 0.0.29) or by the label kubernetes.io/hostname.
    """
    required = (pv["spec"].get("nodeAffinity") or {}).get("required") or {}
    names: set[str] = set()
    for term in required.get("nodeSelectorTerms") or ():
        named = [set(r.get("values") or ()) for r in naming_requirements(term)]
        if not named:
            return ()
        names |= set.intersection(*named)
    return tuple(sorted(names))


def naming_requirements(term: Mapping[str, Any]) -> list[Object]:
    """Those requirements of a term that name nodes."""
    fields = [r for r in term.get("matchFields") or () if r.get("key") == "metadata.name"]
    labels = [r for r in term.get("matchExpressions") or () if r.get("key") == HOSTNAME]
    return [r for r in fields + labels if r.get("operator") == "In"]


def renamed_affinity(required: Object | None, node_map: Mapping[str, str]) -> Object | None:
    """A node affinity that names the new nodes."""
    moved = copy.deepcopy(required)
    for term in (moved or {}).get("nodeSelectorTerms") or ():
        for requirement in naming_requirements(term):
            names = (node_map.get(name, name) for name in requirement["values"])
            requirement["values"] = list(dict.fromkeys(names))
    return moved


def _volume(pv: Object, claim: Object | None) -> Volume:
    spec, name = pv["spec"], pv["metadata"]["name"]
    annotations = pv["metadata"].get("annotations") or {}
    if claim is not None and claim["spec"].get("volumeName", "") not in ("", name):
        claim = None
    going = (item["metadata"].get("deletionTimestamp") for item in (pv, claim) if item is not None)
    return Volume(
        name=name,
        claim=claim_of(pv),
        phase=(pv.get("status") or {}).get("phase", ""),
        claim_phase="" if claim is None else (claim.get("status") or {}).get("phase") or "Pending",
        storage_class=spec.get("storageClassName", ""),
        reclaim_policy=spec.get("persistentVolumeReclaimPolicy", "Retain"),
        capacity=(spec.get("capacity") or {}).get("storage", ""),
        access_modes=tuple(spec.get("accessModes") or ()),
        nodes=affinity_nodes(pv),
        node_directory=node_directory(pv),
        source=source_of(pv),
        provisioned_by=annotations.get(PROVISIONED_BY, ""),
        original_policy=annotations.get(ORIGINAL_POLICY, ""),
        retained_until=annotations.get(RETAINED_UNTIL, ""),
        required=(spec.get("nodeAffinity") or {}).get("required"),
        is_block=spec.get("volumeMode") == "Block",
        is_ephemeral=claim is not None and is_ephemeral(claim),
        is_terminating=any(going),
    )


def _is_pod(reference: Mapping[str, Any]) -> bool:
    return reference.get("kind") == "Pod" and "/" not in reference.get("apiVersion", "")
