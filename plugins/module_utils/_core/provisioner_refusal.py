# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a provisioner's plan refuses: to take over what is somebody else's, or to leave volumes without help."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict, Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner import OWN_DRIVERS, Provisioner
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner_request import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner_state import (
    State,
    classes_of,
    default_classes,
    is_marked,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volume import claim_name, read_volumes


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


def check_unused(request: Request, driver: str, state: State) -> None:
    kinds = ("PersistentVolume", "PersistentVolumeClaim")
    volumes, claims = ([item for ref, item in state.items() if ref[0] == kind] for kind in kinds)
    bound = [v for v in read_volumes(volumes, claims) if v.provisioned_by == driver and v.claim]
    classes = {name for _kind, _namespace, name in classes_of(state, driver)}
    needing = [f"volume {v.name} of {v.claim}: nothing would delete it" for v in bound if v.reclaim_policy == "Delete"]
    needing += sorted(
        f"claim {claim_name(claim)}: waits for a volume"
        for claim in claims
        if not claim["spec"].get("volumeName") and claim["spec"].get("storageClassName") in classes
    )
    if needing:
        shown = "; ".join(needing[:10]) + ("; ..." if needing[10:] else "")
        raise Declined(
            f"{request.name} is needed by {len(needing)} volume(s) or claim(s): {shown}",
            tried="kubectl get pv,pvc --all-namespaces",
            next_step="Delete the claims or set the volumes' reclaim policy to Retain first, or use force: true.",
            details=needing,
        )
