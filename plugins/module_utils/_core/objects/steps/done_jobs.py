# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Jobs that were done: created suspended, then given the status of a Job that is done, so that nothing runs again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import has_condition
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.workloads import has_finished
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import key_of

JOB = ("batch", "Job")


def is_done(item: Mapping[str, Any]) -> bool:
    """True for a saved Job that was complete, or had failed."""
    return "apiVersion" in item and key_of(item)[:2] == JOB and has_finished(item)


def done_status(saved: Mapping[str, Any], now: str) -> Object:
    """The status of a Job that is done, as the API server accepts it. now: the time, as in an object."""
    spec = saved["spec"]
    complete = has_condition(saved, "Complete")
    first, last = ("SuccessCriteriaMet", "Complete") if complete else ("FailureTarget", "Failed")
    reason = "CompletionsReached" if complete else "BackoffLimitExceeded"
    times = {"lastProbeTime": now, "lastTransitionTime": now}
    conditions = [{"type": name, "status": "True", "reason": reason, **times} for name in (first, last)]
    if not complete:
        return {"startTime": now, "failed": 1, "conditions": conditions}
    number = spec.get("completions") or 1
    indexes = {"completedIndexes": f"0-{number - 1}" if number > 1 else "0"}
    indexed = indexes if spec.get("completionMode") == "Indexed" else {}
    return {"startTime": now, "completionTime": now, "succeeded": number, **indexed, "conditions": conditions}


def missing(saved: Mapping[str, Any], live: Mapping[str, Any], now: str) -> Iterator[tuple[str, Object]]:
    """The patches that make it one that is done, each with the subresource it is for, in the order that is safe."""
    if is_done(saved) and not has_finished(live):
        yield "status", {"status": done_status(saved, now)}
    suspended = bool(saved.get("spec", {}).get("suspend"))
    if is_done(saved) and bool(live["spec"].get("suspend")) != suspended:
        yield "", {"spec": {"suspend": suspended}}
