# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is created for a saved object: at zero, suspended, not the second default class, or not at all."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import (
    DEFAULT_ANNOTATIONS,
    is_default_class,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, merged
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.pods import is_terminal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.workloads import (
    WORKLOAD_KINDS,
    scale_down_patch,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import key_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.waves import uses_claims

from .done_jobs import is_done

SUSPENDED: Object = {"spec": {"suspend": True}}
RESUME, SUSPEND, SKIP = JOBS = ("resume", "suspend", "skip")
WORKLOADS = frozenset(("", "apps", "batch"))


@dataclass(frozen=True)
class Desired:
    """The object to create, how it differs from the saved one, and why it is not created, '' if it is.

    later: it becomes what it was later: it is scaled to zero until its volumes are there, or a Job that was done.
    """

    item: Object
    adapted: tuple[str, ...] = ()
    skipped: str = ""
    later: bool = False


def desired(
    item: Object,
    *,
    jobs: str = RESUME,
    down: bool = False,
    default_class: str = "",
    nodes: Collection[str] = (),
) -> Desired:
    """What to create for a saved object. down: who uses claims waits for them.

    default_class: that the cluster has; nodes: its nodes, () if they are not known.
    """
    group, kind, _namespace, name = key_of(item)
    if (group, kind) == ("", "Pod"):
        return _pod(item, down, nodes)
    if (group, kind) == ("batch", "Job"):
        if is_done(item):
            return Desired(merged(item, SUSPENDED), ("the Job was done, and is not run again",), later=True)
        if jobs == SKIP:
            return Desired(item, skipped="the Job was not done (jobs=skip)")
        if jobs == SUSPEND and not item["spec"].get("suspend"):
            return Desired(merged(item, SUSPENDED), ("the Job was not done, and is suspended",))
    if (
        (group, kind) == ("storage.k8s.io", "StorageClass")
        and is_default_class(item)
        and default_class not in ("", name)
    ):
        return Desired(_not_default(item), (f"{default_class} is the cluster's default class",))
    if down and kind in WORKLOAD_KINDS and group in WORKLOADS and uses_claims(item):
        patch = scale_down_patch(item)
        if patch is not None:
            return Desired(merged(item, patch), later=True)
    return Desired(item)


def _pod(pod: Object, down: bool, nodes: Collection[str]) -> Desired:
    if is_terminal(pod):
        return Desired(pod, skipped="the pod has ended")
    if down and uses_claims(pod):
        return Desired(pod, skipped="it uses a claim, and a pod cannot be scaled to zero")
    node = pod["spec"].get("nodeName", "")
    if not nodes or node in ("", *nodes):
        return Desired(pod)
    # The pod would be deleted for want of its node.
    spec = {field: value for field, value in pod["spec"].items() if field != "nodeName"}
    return Desired({**pod, "spec": spec}, (f"its node {node} does not exist, and the scheduler chooses another one",))


def _not_default(storage_class: Object) -> Object:
    annotations = storage_class["metadata"].get("annotations") or {}
    changed = {name: "false" for name in DEFAULT_ANNOTATIONS if name in annotations}
    return dict(merged(storage_class, {"metadata": {"annotations": changed}}))
