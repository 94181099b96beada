# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What storage_provisioner refuses: to replace objects of other tools, or to leave volumes without a provisioner."""

from __future__ import annotations

from collections.abc import Collection

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict, Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume, read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal, decline

from .backends.base import Provisioner
from .registry import PROVISIONERS, drivers
from .report import describe
from .request import Request
from .state import State, classes_of, config_of, default_classes, installed, is_labelled

_FREE = (
    "Delete the claims or set the volumes' reclaim policy to Retain first (kubectl get pv,pvc --all-namespaces), or use"
    " force=true."
)


def foreign_file(dest: str) -> Declined:
    """The error for a file that was not rendered by this collection."""
    return Declined(
        f"{dest} contains something other than the manifests of a provisioner.",
        next_step="Use another file, or remove this one.",
    )


def check_file(request: Request, state: State) -> None:
    """Raise Declined for objects that were not rendered here, or were edited so that they cannot be described."""
    try:
        describe(state)
    except (LookupError, TypeError, AttributeError):
        raise foreign_file(request.dest) from None
    if state and not any(map(is_labelled, state.values())):
        raise foreign_file(request.dest)


def check_foreign_objects(request: Request, provisioner: Provisioner, state: State) -> None:
    """Raise Conflict or Declined if an object of another tool would be changed without an explicit option."""
    namespace = state.get(("Namespace", "", request.namespace))
    if namespace is not None and "deletionTimestamp" in namespace["metadata"]:
        raise Conflict(
            f"The namespace {request.namespace} is being deleted.",
            next_step=f"kubectl wait --for=delete namespace/{request.namespace}; then run this again.",
        )
    name = f"{request.namespace}/{provisioner.deployment}"
    live = state.get(("Deployment", request.namespace, provisioner.deployment))
    if live is not None and not provisioner.serves(live) and not is_labelled(live):
        raise Declined(
            f"The Deployment {name} is not a provisioner for {provisioner.driver}.",
            tried=f"kubectl -n {request.namespace} get deployment {provisioner.deployment}",
            next_step="Use another namespace for the provisioner.",
        )
    if request.replace_default:
        return
    refs = [ref for ref in default_classes(state) if request.default_class and ref[2] != request.storage_class]
    refs += [ref for ref in [("StorageClass", "", request.storage_class)] if ref in state]
    foreign = {ref[2]: state[ref]["provisioner"] for ref in refs if state[ref]["provisioner"] not in drivers()}
    decline(
        "The storage class conflicts with a class of another provisioner",
        [_foreign_class(name, driver, same=name == request.storage_class) for name, driver in foreign.items()],
    )


def _foreign_class(name: str, driver: str, *, same: bool) -> Refusal:
    if same:
        step = "Use another storage_class, or replace_default=true to replace this one."
        return Refusal(name, f"already exists with the provisioner {driver}", step)
    step = "Set default_class=false to leave the default as it is, or replace_default=true to replace it."
    return Refusal(name, f"is already the default, with the provisioner {driver}", step)


def check_unused(name: str, state: State) -> None:
    """Raise Declined while volumes or claims need the provisioner of that name, which is to be removed."""
    decline(f"{name} is still needed", dependents(PROVISIONERS[name].driver, state))


def dependents(driver: str, state: State) -> list[Refusal]:
    """The volumes and claims that need a provisioner of this driver."""
    classes = {ref[2] for ref in classes_of(state, driver)}
    found = [_of_volume(volume, "no provisioner would be left to delete it") for volume in _to_delete(driver, state)]
    return [*found, *(_of_claim(claim, "it waits for a volume") for claim in _pending(classes, state))]


def check_successor(request: Request, state: State) -> None:
    """Raise Declined if an installed provisioner's volumes, claims or classes could not be served as requested."""
    successor = PROVISIONERS[request.name]
    directories = sorted({path for entry in request.paths for path in entry.paths})
    for ref, name in installed(state).items():
        live = PROVISIONERS[name]
        if live.driver != successor.driver:
            continue
        entries = live.paths(state[ref], config_of(live, ref, state))
        existing = sorted({path for entry in entries for path in entry["paths"]})
        unserved = [
            _of_volume(volume, why)
            for volume in _to_delete(successor.driver, state)
            if not live.cannot_delete_reason(volume, existing)
            and (why := successor.cannot_delete_reason(volume, directories))
        ]
        classes = {ref[2]: state[ref] for ref in classes_of(state, live.driver) if ref[2] != request.storage_class}
        unserved += [
            _of_claim(claim, why)
            for claim in _pending({request.storage_class, *classes}, state)
            if not live.cannot_provision_reason(claim) and (why := successor.cannot_provision_reason(claim))
        ]
        if live.supports_immediate_binding and not successor.supports_immediate_binding:
            unserved += [
                Refusal(other, "its binding mode is Immediate", _FREE, {"kind": "StorageClass"})
                for other, item in classes.items()
                if item.get("volumeBindingMode", "Immediate") == "Immediate"
            ]
        decline(f"{request.name} cannot replace {name} for these volumes, claims and classes", unserved)


def _of_volume(volume: Volume, why: str) -> Refusal:
    return Refusal(volume.name, why, _FREE, {"kind": "PersistentVolume", "claim": volume.claim})


def _of_claim(claim: Object, why: str) -> Refusal:
    return Refusal(namespaced_name(claim), why, _FREE, {"kind": "PersistentVolumeClaim"})


def _to_delete(driver: str, state: State) -> list[Volume]:
    """Volumes of the driver that are to be deleted after their claim."""
    volumes = read_volumes(_all("PersistentVolume", state), _all("PersistentVolumeClaim", state))
    return [v for v in volumes if v.provisioned_by == driver and v.claim and v.reclaim_policy == "Delete"]


def _pending(classes: Collection[str], state: State) -> list[Object]:
    claims = sorted(_all("PersistentVolumeClaim", state), key=namespaced_name)
    return [c for c in claims if not c["spec"].get("volumeName") and c["spec"].get("storageClassName") in classes]


def _all(kind: str, state: State) -> list[Object]:
    return [item for ref, item in state.items() if ref[0] == kind]
