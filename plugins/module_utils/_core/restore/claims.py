# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Claims of a backup that have no volume: those that waited for one are created again, those that lost it are not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import why_unbindable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import namespace_obstacle
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed

from .model import Observed, Request


@dataclass(frozen=True)
class PlannedClaims:
    """Claims without a volume to create, and why some of them cannot be created.

    unbindable: name of a claim to create -> why it stays Pending.
    """

    created: tuple[Object, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    unbindable: Mapping[str, str] = field(default_factory=dict)


def plan_claims(claims: Iterable[Object], request: Request, observed: Observed) -> PlannedClaims:
    """What happens to claims that had no volume in the backup; existing ones are left as they are."""
    created: list[Object] = []
    refusals: list[Refusal] = []
    classes = {*observed.storage_classes}
    if request.create_storage_classes:
        classes |= {item["metadata"]["name"] for item in observed.generation.manifests["StorageClass"]}
    unbindable: dict[str, str] = {}
    for claim in claims:
        name, existing = namespaced_name(claim), observed.claims.get(namespaced_name(claim))
        if existing is not None and not existing["metadata"].get("deletionTimestamp"):
            continue
        refusal = _refusal(claim, existing, request, observed)
        if refusal:
            refusals.append(refusal)
            continue
        created.append(claim)
        if why := why_unbindable(claim, classes):
            unbindable[name] = why
    return PlannedClaims(tuple(created), tuple(refusals), unbindable)


def lost_warning(claims: Iterable[Object]) -> tuple[str, ...]:
    """The warning about claims whose volume was missing when the backup was made."""
    lost = [f"{namespaced_name(claim)} ({claim['spec']['volumeName']})" for claim in claims]
    return (f"Claims whose volume is not in the backup are not restored: {listed(lost)}.",) if lost else ()


def _refusal(claim: Object, existing: Object | None, request: Request, observed: Observed) -> Refusal | None:
    name = namespaced_name(claim)
    namespace, _slash, own = name.partition("/")
    if existing is not None:
        return Refusal(
            name,
            "the existing claim is being deleted",
            f"Stop the pods that use it: kubectl -n {namespace} describe pvc {own}",
        )
    why, next_step = namespace_obstacle(namespace, observed.namespaces.get(namespace), create=request.create_namespaces)
    return Refusal(name, why, next_step) if why else None
