# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Scale workloads to zero and back up, and delete pods, by the API server."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.model import Step, scaled_down
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict, KindlabError, Unreachable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, merged, uid_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.pods import controller, is_terminal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.workloads import is_run
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import REPORTER
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.api import Missing
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.resources import key_of

# Controllers write to their objects all the time: the attempts to make one change.
ATTEMPTS = 10
# What an API server says of a webhook that must not be called without effect.
_NO_TRIAL = "does not support dry run"


def scale_down(cluster: Cluster, steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps as they were carried out: without a change if somebody else made it, or the workload is gone."""
    REPORTER.step("scale workloads down")
    return tuple(cluster.each(partial(_scale_down, cluster), steps))


def refused(cluster: Cluster, steps: Iterable[Step]) -> list[Refusal]:
    """What the API server would not scale down, for example because a webhook does not answer; nothing is changed."""

    def ask(step: Step) -> Refusal | None:
        namespace, name = key_of(step.item)
        try:
            cluster.try_patch(step.item["kind"], name, step.change or {}, namespace)
        except (Unreachable, Conflict, Missing):
            pass
        except KindlabError as error:
            if _NO_TRIAL not in error.message:
                return Refusal(f"{step.item['kind']} {namespace}/{name}", error.message, error.next_step)
        return None

    answers = cluster.each(ask, [step for step in steps if step.change is not None])
    return [answer for answer in answers if answer is not None]


def scale_up(cluster: Cluster, steps: Iterable[Step]) -> None:
    """Scale workloads back up, or create them; Jobs after the CronJobs that control them."""
    REPORTER.step("scale workloads up")
    steps = list(steps)
    runs = [step for step in steps if step.missing and is_run(step.item)]
    cluster.each(partial(_scale_up, cluster), [step for step in steps if step not in runs])
    cluster.each(partial(_scale_up, cluster), runs)


def delete(cluster: Cluster, pods: Iterable[Object]) -> None:
    """Delete pods."""
    cluster.each(lambda pod: cluster.delete("Pod", pod["metadata"]["name"], pod["metadata"]["namespace"]), pods)


def wait_gone(
    cluster: Cluster, pods: Iterable[Object], deadline: Deadline, is_newcomer: Callable[[Object], bool]
) -> None:
    """Wait until these pods have ended, there is a newcomer, or the deadline is over."""
    cluster.left_after(
        "Pod",
        {uid_of(pod) for pod in pods},
        deadline.left(),
        uid_of,
        gone=is_terminal,
        stop=is_newcomer,
    )


def _scale_down(cluster: Cluster, step: Step) -> Step:
    kind = step.item["kind"]
    namespace, name = key_of(step.item)
    for attempt in range(ATTEMPTS):
        if step.change is None:
            break
        try:
            cluster.patch(kind, name, step.change, namespace)
            break
        except Missing:
            return replace(step, change=None)
        except Conflict:
            if attempt == ATTEMPTS - 1:
                raise
            item = cluster.get(kind, name, namespace)
            step = scaled_down({**item, "kind": kind}, step.purpose) if item else replace(step, change=None)
    return step


def _scale_up(cluster: Cluster, step: Step) -> None:
    namespace, name = key_of(step.item)
    if step.missing:
        cluster.create(_with_owner(cluster, step.item) if is_run(step.item) else step.item)
    elif step.change is not None:
        cluster.patch(step.item["kind"], name, step.change, namespace)


def _with_owner(cluster: Cluster, job: Object) -> Object:
    """A CronJob's Job with the uid of the CronJob in this cluster; without it if there is none."""
    reference = controller(job) or {}
    owner = cluster.get("CronJob", reference["name"], job["metadata"]["namespace"])
    owners = None if owner is None else [{**reference, "uid": uid_of(owner), "blockOwnerDeletion": True}]
    return dict(merged(job, {"metadata": {"ownerReferences": owners}}))
