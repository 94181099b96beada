# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a provisioner's plan refuses: to take over what is somebody else's, or to leave volumes without help."""

from __future__ import annotations

from collections.abc import Collection

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict, Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume, read_volumes

from .registry import (
    OWN_DRIVERS,
    PROVISIONERS,
    Provisioner,
)
from .request import Request
from .state import (
    State,
    classes_of,
    config_of,
    default_classes,
    directories,
    is_marked,
    running,
)


def check_takeover(request: Request, provisioner: Provisioner, state: State) -> None:
    """Raise where something of somebody else would be changed without a clear word."""
    namespace = state.get(("Namespace", "", request.namespace))
    if namespace is not None and "deletionTimestamp" in namespace["metadata"]:
        raise Conflict(
            f"The namespace {request.namespace} is being deleted.",
            next_step=f"kubectl wait --for=delete namespace/{request.namespace}; then run this again.",
        )
    place = ("Deployment", request.namespace, provisioner.deployment)
    live = state.get(place)
    if live is not None and not provisioner.serves(live) and not is_marked(live):
        raise Declined(
            f"The Deployment {request.namespace}/{provisioner.deployment} is something else than {provisioner.driver}.",
            next_step="Name another namespace for the provisioner.",
        )
    if request.replace_default:
        return
    foreign = [ref for ref in default_classes(state) if request.default_class and ref[2] != request.storage_class]
    foreign += [ref for ref in [("StorageClass", "", request.storage_class)] if ref in state]
    for ref in foreign:
        other = state[ref]["provisioner"]
        if other in OWN_DRIVERS:
            continue
        same = ref[2] == request.storage_class
        raise Declined(
            f"The class {ref[2]} is {'taken' if same else 'the default'} already: its provisioner is {other}.",
            tried="kubectl get storageclass",
            next_step=(
                f"{'Name another storage_class' if same else 'Set default_class: false'} to leave it as it is,"
                f" or replace_default: true to {'replace it' if same else 'take its place as the default'}."
            ),
            details=[ref[2]],
        )


def check_unused(name: str, driver: str, state: State) -> None:
    """Raise Declined, with the list, while volumes or claims need the provisioner of that name, which is to go."""
    classes = {ref[2] for ref in classes_of(state, driver)}
    needing = [f"volume {v.name} of {v.claim}: nothing would delete it" for v in _to_delete(driver, state)]
    needing += [f"claim {namespaced_name(claim)}: waits for a volume" for claim in _waiting(classes, state)]
    if needing:
        raise _needed(f"{name} is needed by {len(needing)} volume(s) or claim(s)", needing)


def check_kept(request: Request, state: State) -> None:
    """Raise Declined where a provisioner goes on in another way, and what it serves now would be left without help."""
    wanted = PROVISIONERS[request.name]
    there = directories([{"paths": entry.paths} for entry in request.paths])
    for ref, name in running(state).items():
        live = PROVISIONERS[name]
        if live.driver != wanted.driver:
            continue
        now = directories(live.paths(state[ref], config_of(live, ref, state)))
        left = [
            f"volume {v.name} of {v.claim}: {wanted.abandons(v, there)}"
            for v in _to_delete(wanted.driver, state)
            if not live.abandons(v, now) and wanted.abandons(v, there)
        ]
        others = {ref[2]: state[ref] for ref in classes_of(state, wanted.driver) if ref[2] != request.storage_class}
        left += [
            f"claim {namespaced_name(claim)}: {wanted.refuses(claim)}"
            for claim in _waiting({request.storage_class, *others}, state)
            if not live.refuses(claim) and wanted.refuses(claim)
        ]
        if live.binds_at_once and not wanted.binds_at_once:
            modes = {other: item.get("volumeBindingMode", "Immediate") for other, item in others.items()}
            left += [f"class {other}: it binds at once" for other, mode in modes.items() if mode == "Immediate"]
        if left:
            needing = f"{len(left)} volume(s), claim(s) or class(es)"
            raise _needed(f"{request.name} can't do what {name} does for {needing}", left)


def _to_delete(driver: str, state: State) -> list[Volume]:
    """Volumes of the driver that are to be deleted after their claim."""
    volumes = read_volumes(_all("PersistentVolume", state), _all("PersistentVolumeClaim", state))
    return [v for v in volumes if v.provisioned_by == driver and v.claim and v.reclaim_policy == "Delete"]


def _waiting(classes: Collection[str], state: State) -> list[Object]:
    claims = sorted(_all("PersistentVolumeClaim", state), key=namespaced_name)
    return [c for c in claims if not c["spec"].get("volumeName") and c["spec"].get("storageClassName") in classes]


def _all(kind: str, state: State) -> list[Object]:
    return [item for ref, item in state.items() if ref[0] == kind]


def _needed(begin: str, needing: list[str]) -> Declined:
    shown = "; ".join(needing[:10]) + ("; ..." if needing[10:] else "")
    return Declined(
        f"{begin}: {shown}",
        tried="kubectl get pv,pvc --all-namespaces",
        next_step="Delete the claims or set the volumes' reclaim policy to Retain first, or use force: true.",
        details=needing,
    )
