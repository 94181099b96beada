# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is sent to an API server for a step: the object to create or to replace, and what owns it and its fields."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.managed.fields import (
    creator,
    has_managers,
    managers,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Key

from .comparing import missing_owners, owner_keys
from .step import Step

_ADDRESSES = ("clusterIP", "clusterIPs")


def to_create(step: Step, uids: Mapping[Key, str]) -> Object:
    """The object without managedFields, which only an existing one can be given. uids: of what may own it."""
    metadata = {k: v for k, v in step.item["metadata"].items() if k not in ("managedFields", "ownerReferences")}
    references = owners(step, step.item["metadata"].get("ownerReferences") or (), uids)
    ended = step.key[:2] in (("batch", "Job"), ("", "Pod"))
    rest = {k: v for k, v in step.item.items() if k != "status" or not ended}
    return {**rest, "metadata": {**metadata, **({"ownerReferences": references} if references else {})}}


def to_replace(step: Step, live: Object, uids: Mapping[Key, str]) -> Object:
    """The object instead of the live one, with what controllers keep in it: its addresses, finalizers and owners."""
    body = to_create(step, uids)
    ours, theirs = body["metadata"], live["metadata"]
    kept = {k: theirs[k] for k in ("uid", "resourceVersion") if k in theirs}
    finalizers = list(dict.fromkeys([*(ours.get("finalizers") or ()), *(theirs.get("finalizers") or ())]))
    references = [*(theirs.get("ownerReferences") or ()), *owners(step, missing_owners(step.saved, live), uids)]
    lists = {k: v for k, v in (("finalizers", finalizers), ("ownerReferences", references)) if v}
    body["metadata"] = {**ours, **kept, **lists}
    if step.key[:2] == ("", "Service"):
        addresses = {k: live["spec"][k] for k in _ADDRESSES if k in live["spec"]}
        body["spec"] = {**{k: v for k, v in body["spec"].items() if k not in _ADDRESSES}, **addresses}
    if "status" in live:
        body["status"] = live["status"]
    return body


def to_own(step: Step, live: Object, uids: Mapping[Key, str], ours: str) -> Object:
    """The patch that sets who owns the object and its fields; {} if nothing is missing, or can be set yet.

    ours: the manager that created it; those who apply it get its fields back.
    """
    metadata: Object = {}
    references = owners(step, missing_owners(step.saved, live), uids)
    if references:
        metadata["ownerReferences"] = [*(live["metadata"].get("ownerReferences") or ()), *references]
    if not has_managers(step.saved, live):
        metadata["managedFields"] = managers(step.saved, live, {ours, creator(step.item, ours)})
    return {"metadata": metadata} if metadata else {}


def manager(step: Step, ours: str) -> str:
    """Who is said to own the fields of a new object."""
    return creator(step.item, ours)


def owners(step: Step, references: Collection[Object], uids: Mapping[Key, str]) -> list[Object]:
    """Those of the references whose owner exists, with its uid."""
    found = []
    for reference in references:
        uid = next((uids[key] for key in owner_keys(step.key, reference) if uids.get(key)), "")
        if uid:
            found.append({**reference, "uid": uid})
    return found
