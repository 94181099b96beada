# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Workloads: which claims they use, and how they are scaled to zero and back up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput

from .conditions import has_condition
from .export import saved_object
from .objects import Object, merged
from .pods import claims_of, controller, is_builtin

# The label that records a workload's fields before it was scaled to zero: 'replicas.3'. An annotation of a Deployment
# would be copied to its ReplicaSets and return with a rollback.
RECORDED = "kindlab.volumes/detached"
# In the record, what a workload is at zero for, if that is a run that scales it up again itself.
PURPOSE = "purpose"
# A label that no node has: as node selector it leaves a DaemonSet without pods.
NOWHERE = "kindlab.volumes/detached"

SCALED = ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController")
SUSPENDED = ("CronJob", "Job")
DAEMON = "DaemonSet"
WORKLOAD_KINDS = (*SCALED, *SUSPENDED, DAEMON)

# Labels of the Job controller, one value per Job.
JOB_LABELS = ("controller-uid", "batch.kubernetes.io/controller-uid", "job-name", "batch.kubernetes.io/job-name")
# Annotations of controllers that count revisions.
_REVISIONS = ("deployment.kubernetes.io/revision", "deprecated.daemonset.template.generation")
_BOOLEANS = {"true": True, "false": False}
_PARSERS: dict[str, Callable[[str], Any]] = {"replicas": int, "suspend": _BOOLEANS.get, "scheduled": _BOOLEANS.get}
_ZERO: dict[str, Any] = {"replicas": 0, "suspend": True}
_DEFAULT: dict[str, Any] = {"replicas": 1, "suspend": False}


def key(item: Mapping[str, Any]) -> str:
    """'namespace/Kind/name'."""
    return f"{item['metadata']['namespace']}/{item['kind']}/{item['metadata']['name']}"


def row_key(row: Mapping[str, Any]) -> str:
    """The same of a row that volume_detach returns."""
    return f"{row['namespace']}/{row['kind']}/{row['name']}"


def template(item: Mapping[str, Any]) -> Object:
    """Its pod template."""
    spec = item["spec"]
    if item["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    return dict(spec.get("template") or {})


class Claims:
    """Claims ('namespace/name'), and those of them that end with an ordinal by what is before it."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = frozenset(names)
        self.with_ordinal: dict[str, list[str]] = {}
        for name in self.names:
            stem, _dash, ordinal = name.rpartition("-")
            if ordinal.isdigit():
                self.with_ordinal.setdefault(stem, []).append(name)


def used_claims(item: Mapping[str, Any], claims: Claims | Iterable[str]) -> set[str]:
    """Those of the claims ('namespace/name') that its pods use, or would use."""
    claims = claims if isinstance(claims, Claims) else Claims(claims)
    metadata = item["metadata"]
    pod = {"metadata": {"name": ""}, "spec": template(item).get("spec") or {}}
    direct = {f"{metadata['namespace']}/{name}" for name in claims_of(pod, own=False)}
    # The claims of a StatefulSet are named TEMPLATE-NAME-ORDINAL.
    templates = item["spec"].get("volumeClaimTemplates") or () if item["kind"] == "StatefulSet" else ()
    # The API server takes them without a name, too; no claim can be created from these.
    names = [(one.get("metadata") or {}).get("name") for one in templates]
    stems = [f"{metadata['namespace']}/{name}-{metadata['name']}" for name in names if name]
    return (direct & claims.names).union(*(claims.with_ordinal.get(stem, ()) for stem in stems))


def has_ephemeral_volumes(item: Mapping[str, Any]) -> bool:
    """True if its pods have generic ephemeral volumes."""
    return any(volume.get("ephemeral") for volume in (template(item).get("spec") or {}).get("volumes") or ())


def is_top_level(item: Mapping[str, Any]) -> bool:
    """True for a workload that nobody else scales: without a controller, or a Job (CronJobs ignore theirs)."""
    return controller(item) is None or item["kind"] == "Job"


def is_scalable(item: Mapping[str, Any]) -> bool:
    """True for a workload that can be scaled itself; if an operator made it, that may scale it again."""
    reference = controller(item)
    return is_top_level(item) or (reference is not None and not is_builtin(reference))


def has_finished(item: Mapping[str, Any]) -> bool:
    """True for a Job that is complete or failed."""
    return item["kind"] == "Job" and (has_condition(item, "Complete") or has_condition(item, "Failed"))


def recorded(item: Mapping[str, Any]) -> Object | None:
    """Its fields before it was scaled to zero, None if it was not scaled here. Raises BadInput if they are invalid.

    Current fields that are not zero win: it was scaled up since, and scaling down a StatefulSet can delete claims.
    """
    text = (item["metadata"].get("labels") or {}).get(RECORDED)
    if text is None:
        return None
    before = _parse(text)
    if before.keys() >= state(item).keys():
        return before if state(item) == scaled_to_zero(item) else {**before, **state(item)}
    namespace, name = item["metadata"]["namespace"], item["metadata"]["name"]
    raise BadInput(
        f"{key(item)} cannot be scaled back up: its label {RECORDED} has the invalid value {text!r}.",
        tried=f"kubectl -n {namespace} get {item['kind'].lower()} {name} -o yaml",
        next_step="Scale it up by hand and remove the label: "
        f"kubectl -n {namespace} label {item['kind'].lower()} {name} {RECORDED}-",
    )


def stopped_for(item: Mapping[str, Any]) -> str:
    """The purpose for which it is at zero, '' for none. Raises what recorded() raises."""
    at_zero = is_scalable(item) and state(item) == scaled_to_zero(item)
    return str(((recorded(item) if at_zero else None) or {}).get(PURPOSE, ""))


def state(item: Mapping[str, Any]) -> Object:
    """Its current scale: {'replicas': 3}, {'suspend': False} or {'scheduled': True}."""
    if item["kind"] == DAEMON:
        return {"scheduled": NOWHERE not in (template(item)["spec"].get("nodeSelector") or {})}
    field = "suspend" if item["kind"] in SUSPENDED else "replicas"
    value = item["spec"].get(field)
    return {field: _DEFAULT[field] if value is None else value}


def scaled_to_zero(item: Mapping[str, Any]) -> Object:
    """The same fields if it is scaled to zero or suspended."""
    return {field: _ZERO.get(field, False) for field in state(item)}


def scale_down_patch(item: Mapping[str, Any], purpose: str = "") -> Object | None:
    """The patch that scales it to zero and records its fields, and a purpose; None if it is scaled to zero."""
    if state(item) == scaled_to_zero(item):
        return None
    spec = _spec(item, scaled_to_zero(item))
    before = {**(recorded(item) or state(item))}
    before.pop(PURPOSE, None)
    retention = item["spec"].get("persistentVolumeClaimRetentionPolicy") or {}
    if item["kind"] == "StatefulSet" and retention.get("whenScaled") == "Delete":
        # Otherwise its claims would be deleted with the pods.
        spec["persistentVolumeClaimRetentionPolicy"] = {"whenScaled": "Retain"}
        before = {**before, "whenScaled": "Delete"}
    if purpose:
        before = {**before, PURPOSE: purpose}
    return {
        "metadata": {
            "labels": {RECORDED: _text(before)},
            "resourceVersion": item["metadata"].get("resourceVersion"),
        },
        "spec": spec,
    }


def scale_up_patch(item: Mapping[str, Any], before: Object) -> Object | None:
    """The patch that scales it back up and removes the record, None if nothing changes."""
    current = state(item)
    spec = _spec(
        item, {field: value for field, value in before.items() if field in current and current[field] != value}
    )
    if before.get("whenScaled"):
        spec["persistentVolumeClaimRetentionPolicy"] = {"whenScaled": before["whenScaled"]}
    if RECORDED not in (item["metadata"].get("labels") or {}) and current.items() >= before.items():
        return None
    return {"metadata": {"labels": {RECORDED: None}}, "spec": spec}


def to_saved(item: Mapping[str, Any]) -> Object:
    """Its manifest for a backup, with the fields from before it was scaled to zero."""
    saved = as_before(saved_object(item), item)
    saved = merged(saved, {"metadata": {"annotations": dict.fromkeys(_REVISIONS)}})
    for field in ("annotations", "labels"):
        if not saved["metadata"].get(field):
            saved["metadata"].pop(field, None)
    reference = controller(item)
    if reference is not None and is_run(item):
        # Without the uid, which is that of another cluster; volume_detach fills in that of the CronJob there.
        saved["metadata"]["ownerReferences"] = [{k: reference[k] for k in ("apiVersion", "kind", "name", "controller")}]
    if item["kind"] == "Job" and not item["spec"].get("manualSelector"):
        labels: Object = dict.fromkeys(JOB_LABELS)
        pods = {"template": {"metadata": {"labels": labels}}}
        saved = merged(saved, {"metadata": {"labels": labels}, "spec": {"selector": None, **pods}})
    return dict(saved)


def as_before(saved: Object, item: Mapping[str, Any]) -> Object:
    """A manifest of it with the fields from before it was scaled to zero, and without their record."""
    before = recorded(item)
    if before is not None:
        saved = merged(saved, scale_up_patch(saved, before) or {})
        if not saved["metadata"].get("labels"):
            saved["metadata"].pop("labels", None)
    if item["kind"] == DAEMON and not template(saved)["spec"].get("nodeSelector"):
        saved = merged(saved, {"spec": {"template": {"spec": {"nodeSelector": None}}}})
    return dict(saved)


def saved_workloads(items: Iterable[Object], claims: Iterable[str], *, ephemeral: bool = False) -> list[Object]:
    """Manifests of the workloads that use these claims, without finished ones and those that a controller creates.

    ephemeral: also those with generic ephemeral volumes. The Jobs of CronJobs are included: nothing creates the same
    run again.
    """
    index = Claims(claims)
    saved = (item for item in items if (controller(item) is None or is_run(item)) and not has_finished(item))
    return [
        to_saved(item)
        for item in sorted(saved, key=key)
        if used_claims(item, index) or (ephemeral and has_ephemeral_volumes(item))
    ]


def is_run(item: Mapping[str, Any]) -> bool:
    """True for a Job of a CronJob."""
    reference = controller(item)
    return item["kind"] == "Job" and reference is not None and is_builtin(reference) and reference["kind"] == "CronJob"


def _parse(text: str) -> Object:
    """The fields in the label's value, {} if it is invalid."""
    words = text.split(".")
    if len(words) % 2:
        return {}
    fields: Object = dict(zip(words[::2], words[1::2]))
    for field in fields.keys() & _PARSERS.keys():
        if not (fields[field].isdigit() if field == "replicas" else fields[field] in _BOOLEANS):
            return {}
        fields[field] = _PARSERS[field](fields[field])
    return fields


def _text(before: Mapping[str, Any]) -> str:
    """The fields as the value of the label."""
    return ".".join(
        f"{field}.{str(value).lower() if isinstance(value, bool) else value}" for field, value in before.items()
    )


def _spec(item: Mapping[str, Any], fields: Mapping[str, Any]) -> Object:
    """The part of the spec that sets these fields."""
    if item["kind"] != DAEMON:
        return dict(fields)
    if "scheduled" not in fields:
        return {}
    selector = {NOWHERE: None if fields["scheduled"] else "true"}
    return {"template": {"spec": {"nodeSelector": selector}}}
