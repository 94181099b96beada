# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pre-binding: volumes and claims written so that the binding controller has nothing left to do.

The controller manager is limited to 20 writes per second, so it takes minutes to bind 1,000 volumes. These functions
produce what it would write: the volume's name in the claim, the claim's uid in the volume, both phases, and last the
annotation bind-completed. A claim whose volume does not exist yet is Pending without that annotation, Lost with it.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count, listed

from .objects import Object
from .volumes import BIND_COMPLETED, ORIGINAL_POLICY, RETAINED_UNTIL

# Fields of a claimRef that say which claim of the name it is.
_OF_THE_CLAIM = ("uid", "resourceVersion")
# For uids made from names: the API server makes random ones (version 4), never version 5.
_GONE = uuid.UUID("6b1f6b9e-4f0b-5c1d-9d0e-8a3c5f7e2a41")


@dataclass(frozen=True)
class Binding:
    """A volume and its claim, as requested and as they exist (None if missing).

    requested_claim: None if only the volume is written, for a claim that somebody else creates. released: the volume
    stays that of a claim that is gone, and is for no other.
    """

    requested_volume: Object
    requested_claim: Object | None
    volume: Object | None = None
    claim: Object | None = None
    released: bool = False

    @property
    def name(self) -> str:
        """The PersistentVolume's name."""
        return str(self.requested_volume["metadata"]["name"])

    @property
    def binds(self) -> bool:
        """True if volume and claim both end up Bound."""
        return self.requested_claim is not None or joined(self.volume, self.claim)

    @property
    def phases(self) -> tuple[str, ...]:
        """The phases that the volume may end up in, the one that is written first."""
        if self.binds:
            return ("Bound",)
        return ("Released", "Failed") if self.released else ("Available", "Bound")


def claim_to_create(claim: Object, volume: str) -> Object:
    """A claim that requests one volume by name."""
    return {**claim, "spec": {**claim["spec"], "volumeName": volume}}


def volume_to_create(pv: Object, claim_uid: str = "") -> Object:
    """A volume with policy Retain; for the claim with that uid, without one for any claim of the name."""
    spec = {**pv["spec"], "persistentVolumeReclaimPolicy": "Retain"}
    if spec.get("claimRef"):
        named = {key: value for key, value in spec["claimRef"].items() if key not in _OF_THE_CLAIM}
        spec["claimRef"] = {**named, **({"uid": claim_uid} if claim_uid else {})}
    return {**pv, "spec": spec}


def released_uid(pv: Object) -> str:
    """The uid in the claimRef of a released volume: that of the claim that is gone, or else one that no claim has.

    With it the controller shows the volume as Released, and never binds it to a new claim of that name.
    """
    return str(pv["spec"]["claimRef"].get("uid") or uuid.uuid5(_GONE, pv["metadata"]["name"]))


def volume_change(pv: Object, requested: Object, claim_uid: str = "") -> Object:
    """The merge patch that reserves an existing volume for its claim; {} if it is already."""
    existing = pv["spec"].get("claimRef") or {}
    retained = pv["spec"].get("persistentVolumeReclaimPolicy") == "Retain"
    ref = requested["spec"].get("claimRef")
    claim = {**ref, "uid": claim_uid or None, "resourceVersion": None} if ref else None
    same = ("namespace", "name", "uid")
    if retained and [existing.get(k) for k in same] == [(claim or {}).get(k) for k in same]:
        return {}
    return {"spec": {"claimRef": claim, "persistentVolumeReclaimPolicy": "Retain"}}


def volume_status(phase: str) -> Object:
    """The status that the controller would write (Bound, Available, Released), without the reason of an older one."""
    return {"status": {"phase": phase, "message": None, "reason": None}}


def claim_status(pv: Object) -> Object:
    """Annotation and status of a claim bound to this volume, as the controller would write them."""
    spec = pv["spec"]
    return {
        "metadata": {"annotations": {BIND_COMPLETED: "yes"}},
        "status": {"phase": "Bound", "accessModes": spec.get("accessModes"), "capacity": spec.get("capacity")},
    }


def kept_change(pv: Object) -> Object:
    """The merge patch that keeps the data of a volume whose claim is going to be deleted, until somebody decides."""
    policy = pv["spec"].get("persistentVolumeReclaimPolicy", "Retain")
    original = {ORIGINAL_POLICY: policy} if policy != "Retain" else {}
    return {
        "metadata": {"annotations": {RETAINED_UNTIL: None, **original}},
        "spec": {"persistentVolumeReclaimPolicy": "Retain"},
    }


def policy_change(policy: str) -> Object:
    """The merge patch that sets a volume's original reclaim policy again."""
    return {
        "metadata": {"annotations": {ORIGINAL_POLICY: None, RETAINED_UNTIL: None}},
        "spec": {"persistentVolumeReclaimPolicy": policy},
    }


def with_lasting_policy(pv: Object) -> Object:
    """The volume with the policy that it gets back, if it has Retain only for a while (RETAINED_UNTIL)."""
    annotations = pv["metadata"].get("annotations") or {}
    if RETAINED_UNTIL not in annotations or ORIGINAL_POLICY not in annotations:
        return pv
    return {**pv, "spec": {**pv["spec"], "persistentVolumeReclaimPolicy": annotations[ORIGINAL_POLICY]}}


def phase_of(item: Mapping[str, Any] | None) -> str:
    """The phase of a volume or claim, '' if there is none."""
    return "" if item is None else str((item.get("status") or {}).get("phase", ""))


def joined(pv: Mapping[str, Any] | None, claim: Mapping[str, Any] | None) -> bool:
    """True if volume and claim refer to each other."""
    if pv is None or claim is None or claim["spec"].get("volumeName") != pv["metadata"]["name"]:
        return False
    return bool((pv["spec"].get("claimRef") or {}).get("uid") == claim["metadata"]["uid"])


def bound(pv: Mapping[str, Any] | None, claim: Mapping[str, Any] | None) -> bool:
    """True if volume and claim refer to each other and both are Bound."""
    return joined(pv, claim) and phase_of(pv) == phase_of(claim) == "Bound"


def why_unbindable(claim: Object, classes: Collection[str]) -> str:
    """Why no volume is created for a claim that waits for one, '' if one is. classes: those that exist."""
    name = claim["spec"].get("storageClassName") or ""
    phase = (claim.get("status") or {}).get("phase") or "Pending"
    missing = bool(name) and name not in classes and phase == "Pending"
    return f"its storage class {name} does not exist" if missing else ""


def unbindable_warning(claims: Mapping[str, str]) -> str:
    """The warning about claims for which no volume is created. claims: name -> why."""
    named = listed([f"{name} ({why})" for name, why in claims.items()])
    return (
        f"{count(len(claims), 'claim')} {'stays' if len(claims) == 1 else 'stay'} Pending: {named}. Create the storage "
        "class, or a volume of it, or delete the claim."
    )
