# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What makes pods: the claims that it names, how it is brought to zero, and how it gets back what it had."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput

from .conditions import has_condition
from .export import saved_object
from .objects import Object, merged
from .pods import claims_of, controller

# A label that remembers, on an owner that was brought to zero, the fields that it had: 'replicas.3'. No annotation, as
# a Deployment's are copied to its ReplicaSets and come back with a rollback.
REMEMBERED = "kindlab.volumes/detached"
# A label that no node has: with it in its node selector a DaemonSet has no pods.
NOWHERE = "kindlab.volumes/detached"

SCALED = ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController")
SUSPENDED = ("CronJob", "Job")
DAEMON = "DaemonSet"
KINDS = (*SCALED, *SUSPENDED, DAEMON)

# Labels of a Job's pods that name this very Job by its uid.
_OF_ONE_JOB = ("controller-uid", "batch.kubernetes.io/controller-uid", "job-name", "batch.kubernetes.io/job-name")
# Numbers that controllers count in annotations; that of a DaemonSet rises with each change of its template.
_COUNTED = ("deployment.kubernetes.io/revision", "deprecated.daemonset.template.generation")
_TRUTH = {"true": True, "false": False}
_READ: dict[str, Callable[[str], Any]] = {"replicas": int, "suspend": _TRUTH.get, "scheduled": _TRUTH.get}
_ZERO: dict[str, Any] = {"replicas": 0, "suspend": True}
_DEFAULT: dict[str, Any] = {"replicas": 1, "suspend": False}


def key(item: Mapping[str, Any]) -> str:
    """'namespace/Kind/name'."""
    return f"{item['metadata']['namespace']}/{item['kind']}/{item['metadata']['name']}"


def template(item: Mapping[str, Any]) -> Object:
    """The template of its pods."""
    spec = item["spec"]
    if item["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    return dict(spec.get("template") or {})


def named_claims(item: Mapping[str, Any], claims: Iterable[str]) -> set[str]:
    """Those of the claims, each 'namespace/name', that pods of this owner use or would use."""
    metadata = item["metadata"]
    pod = {"metadata": {"name": ""}, "spec": template(item).get("spec") or {}}
    named = {f"{metadata['namespace']}/{name}" for name in claims_of(pod, own=False)}
    # A StatefulSet names the claims of its ordinals TEMPLATE-NAME-ORDINAL.
    made = item["spec"].get("volumeClaimTemplates") or () if item["kind"] == "StatefulSet" else ()
    stems = [f"{metadata['namespace']}/{t['metadata']['name']}-{metadata['name']}-" for t in made]
    ordinals = {c for c in claims for stem in stems if c.startswith(stem) and c[len(stem) :].isdigit()}
    return (named & set(claims)) | ordinals


def is_handled(item: Mapping[str, Any]) -> bool:
    """True for what is brought to zero itself: nobody else makes it, or it is a Job, which its CronJob leaves alone."""
    return controller(item) is None or item["kind"] == "Job"


def has_finished(item: Mapping[str, Any]) -> bool:
    """True for a Job that makes no more pods."""
    return item["kind"] == "Job" and (has_condition(item, "Complete") or has_condition(item, "Failed"))


def remembered(item: Mapping[str, Any]) -> Object | None:
    """What it had before it was brought to zero; None where it was not. Raises BadInput where that can't be read.

    What it has now counts where that is not zero: somebody gave it that since. A StatefulSet that was scaled down to
    what is remembered could lose claims.
    """
    text = (item["metadata"].get("labels") or {}).get(REMEMBERED)
    if text is None:
        return None
    found = _read(text)
    if found.keys() >= state(item).keys():
        return found if state(item) == zero(item) else {**found, **state(item)}
    namespace, name = item["metadata"]["namespace"], item["metadata"]["name"]
    raise BadInput(
        f"What {key(item)} had can't be read: its label {REMEMBERED} is {text!r}.",
        tried=f"kubectl -n {namespace} get {item['kind'].lower()} {name} -o yaml",
        next_step="Give it the pods that it had by hand, and remove the label.",
    )


def state(item: Mapping[str, Any]) -> Object:
    """The fields that bring it to zero, as they are: {'replicas': 3}, {'suspend': False}, {'scheduled': True}."""
    if item["kind"] == DAEMON:
        return {"scheduled": NOWHERE not in (template(item)["spec"].get("nodeSelector") or {})}
    field = "suspend" if item["kind"] in SUSPENDED else "replicas"
    value = item["spec"].get(field)
    return {field: _DEFAULT[field] if value is None else value}


def zero(item: Mapping[str, Any]) -> Object:
    """The same fields when it has no pods."""
    return {field: _ZERO.get(field, False) for field in state(item)}


def stopping(item: Mapping[str, Any]) -> Object | None:
    """The patch that brings it to zero and remembers what it had; None where there is nothing to do."""
    if state(item) == zero(item):
        return None
    spec = _spec(item, zero(item))
    had = remembered(item) or state(item)
    retention = item["spec"].get("persistentVolumeClaimRetentionPolicy") or {}
    if item["kind"] == "StatefulSet" and retention.get("whenScaled") == "Delete":
        # With it the claims would go with the pods.
        spec["persistentVolumeClaimRetentionPolicy"] = {"whenScaled": "Retain"}
        had = {**had, "whenScaled": "Delete"}
    return {
        "metadata": {
            "labels": {REMEMBERED: _text(had)},
            "resourceVersion": item["metadata"].get("resourceVersion"),
        },
        "spec": spec,
    }


def giving_back(item: Mapping[str, Any], had: Object) -> Object | None:
    """The patch that gives it what it had and forgets it; None where there is nothing to do."""
    now = state(item)
    spec = _spec(item, {field: value for field, value in had.items() if field in now and now[field] != value})
    if had.get("whenScaled"):
        spec["persistentVolumeClaimRetentionPolicy"] = {"whenScaled": had["whenScaled"]}
    if REMEMBERED not in (item["metadata"].get("labels") or {}) and now.items() >= had.items():
        return None
    return {"metadata": {"labels": {REMEMBERED: None}}, "spec": spec}


def saved(item: Mapping[str, Any]) -> Object:
    """Its manifest as a backup keeps it: what it had before it was brought to zero, and nothing of the old cluster."""
    had = remembered(item)
    kept = saved_object(item)
    if had is not None:
        kept = merged(kept, giving_back(kept, had) or {})
    kept = merged(kept, {"metadata": {"annotations": dict.fromkeys(_COUNTED)}})
    for field in ("annotations", "labels"):
        if not kept["metadata"].get(field):
            kept["metadata"].pop(field, None)
    if item["kind"] == DAEMON and not template(kept)["spec"].get("nodeSelector"):
        kept = merged(kept, {"spec": {"template": {"spec": {"nodeSelector": None}}}})
    if item["kind"] == "Job" and not item["spec"].get("manualSelector"):
        labels: Object = dict.fromkeys(_OF_ONE_JOB)
        pods = {"template": {"metadata": {"labels": labels}}}
        kept = merged(kept, {"metadata": {"labels": labels}, "spec": {"selector": None, **pods}})
    return dict(kept)


def saved_owners(items: Iterable[Object], claims: Iterable[str]) -> list[Object]:
    """The manifests of all that makes pods with these claims; what others make, or has ended, is left out."""
    claims = set(claims)
    tops = (item for item in items if controller(item) is None and not has_finished(item))
    return [saved(item) for item in sorted(tops, key=key) if named_claims(item, claims)]


def is_back(item: Mapping[str, Any]) -> bool:
    """True where all the pods that it is to have are ready; what is suspended or makes pods at times counts as well."""
    status = item.get("status") or {}
    if item["kind"] in SUSPENDED:
        return True
    if status.get("observedGeneration", 0) < item["metadata"].get("generation", 0):
        return False
    if item["kind"] == DAEMON:
        return bool(status.get("numberReady", 0) >= status.get("desiredNumberScheduled", 0))
    return bool(status.get("readyReplicas", 0) >= state(item)["replicas"])


def _read(text: str) -> Object:
    """The fields of a label; {} where it can't be read."""
    words = text.split(".")
    if len(words) % 2:
        return {}
    found: Object = dict(zip(words[::2], words[1::2], strict=True))
    for field in found.keys() & _READ.keys():
        if not (found[field].isdigit() if field == "replicas" else found[field] in _TRUTH):
            return {}
        found[field] = _READ[field](found[field])
    return found


def _text(had: Mapping[str, Any]) -> str:
    """The fields as a label has them."""
    return ".".join(
        f"{field}.{str(value).lower() if isinstance(value, bool) else value}" for field, value in had.items()
    )


def _spec(item: Mapping[str, Any], fields: Mapping[str, Any]) -> Object:
    """The part of the spec that makes its fields these."""
    if item["kind"] != DAEMON:
        return dict(fields)
    if "scheduled" not in fields:
        return {}
    selector = {NOWHERE: None if fields["scheduled"] else "true"}
    return {"template": {"spec": {"nodeSelector": selector}}}
