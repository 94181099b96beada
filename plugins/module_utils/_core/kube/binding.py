# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pre-binding: claims and volumes written so that the binding controller finds nothing left to do.

The controller manager may write 20 times a second, so that binding 1,000 volumes takes it minutes. What it would write
is written here: the volume's name in the claim, the claim's uid in the volume, both phases, and last the annotation
that says so. Without that annotation a claim whose volume isn't there yet waits (Pending); with it, it is Lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .objects import Object
from .volumes import BIND_COMPLETED, ORIGINAL_POLICY


def claim_to_create(claim: Object, volume: str) -> Object:
    """A saved claim that asks for one volume by name."""
    return {**claim, "spec": {**claim["spec"], "volumeName": volume}}


def volume_to_create(pv: Object, claim_uid: str = "") -> Object:
    """A saved volume, kept whatever happens to its claim; for the claim with that uid, else for one of that name."""
    spec = {**pv["spec"], "persistentVolumeReclaimPolicy": "Retain"}
    if claim_uid:
        spec["claimRef"] = {**spec["claimRef"], "uid": claim_uid}
    return {**pv, "spec": spec}


def volume_change(pv: Object, wanted: Object, claim_uid: str = "") -> Object:
    """What to merge into a volume that is there so that it is for its claim, {} where it is already."""
    is_now = pv["spec"].get("claimRef") or {}
    kept = pv["spec"].get("persistentVolumeReclaimPolicy") == "Retain"
    named = wanted["spec"].get("claimRef")
    claim = {**named, "uid": claim_uid or None, "resourceVersion": None} if named else None
    same = ("namespace", "name", "uid")
    if kept and [is_now.get(k) for k in same] == [(claim or {}).get(k) for k in same]:
        return {}
    return {"spec": {"claimRef": claim, "persistentVolumeReclaimPolicy": "Retain"}}


def volume_status(phase: str) -> Object:
    """Bound or Available, as the controller would write it; a note why it was Released is removed."""
    return {"status": {"phase": phase, "message": None, "reason": None}}


def claim_status(pv: Object) -> Object:
    """A claim that has this volume, as the controller would write it."""
    spec = pv["spec"]
    return {
        "metadata": {"annotations": {BIND_COMPLETED: "yes"}},
        "status": {"phase": "Bound", "accessModes": spec.get("accessModes"), "capacity": spec.get("capacity")},
    }


def policy_change(policy: str) -> Object:
    """What to merge into a volume that gets its own reclaim policy back."""
    return {
        "metadata": {"annotations": {ORIGINAL_POLICY: None}},
        "spec": {"persistentVolumeReclaimPolicy": policy},
    }


def phase_of(item: Mapping[str, Any] | None) -> str:
    """The phase of a volume or claim, '' where there is none."""
    return "" if item is None else str((item.get("status") or {}).get("phase", ""))


def joined(pv: Mapping[str, Any] | None, claim: Mapping[str, Any] | None) -> bool:
    """True where each of them names the other."""
    if pv is None or claim is None or claim["spec"].get("volumeName") != pv["metadata"]["name"]:
        return False
    return bool((pv["spec"].get("claimRef") or {}).get("uid") == claim["metadata"]["uid"])


def bound(pv: Mapping[str, Any] | None, claim: Mapping[str, Any] | None) -> bool:
    """True where each of them names the other and both are Bound."""
    return joined(pv, claim) and phase_of(pv) == phase_of(claim) == "Bound"
