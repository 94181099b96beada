# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apply a plan: detach, and look again what was started meanwhile, until the volumes are unused; or attach."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline, Stopwatch
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.plan import Plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.report import still_in_use
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import decline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube import policies, readiness
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.resources import key_of

from . import workloads
from .usage_check import UsageCheck

# Seconds until it is known of most pods that they cannot start.
SETTLE = 3.0
# How often a plan is made again because of pods that started since.
ATTEMPTS = 3
# Seconds for a provisioner to delete ephemeral volumes.
DELETION = 60.0


def check_scaling(cluster: Cluster, planned: Plan) -> None:
    """Raise Declined for workloads that the API server would not scale down."""
    refused = workloads.refused(cluster, planned.steps)
    decline(f"Cannot scale down {count(len(refused), 'workload')}", refused)


def predict(check: UsageCheck, planned: Plan, look: Callable[[bool], Plan]) -> Plan:
    """The plan with the users that are left once it is carried out. look: as for detach().

    Users are looked for after the plan was made: it is made again for those pods among them that are new.
    """
    for _attempt in range(ATTEMPTS):
        users = check.users(planned.volumes)
        if not any(map(planned.newcomers(), check.pods)):
            break
        planned = look(False)
    return replace(planned, users=planned.remaining(users))


def detach(
    cluster: Cluster,
    check: UsageCheck,
    planned: Plan,
    look: Callable[[bool], Plan],
    deadline: Deadline,
    watch: Stopwatch,
) -> Plan:
    """The plan as it was carried out. look: a new plan; its argument: whether workloads were scaled already.

    Raises TimedOut if volumes are still in use, and Conflict at once if somebody else scales workloads up again.
    """
    done = replace(planned, steps=(), pods=(), deleted=())
    todo: Plan | None = planned
    if planned.policies.patches:
        # Only now it is certain that a claim that is deleted takes no data with it: look who was faster.
        policies.write(cluster, planned.policies)
        todo = look(False)
    while True:
        if todo is not None:
            done = done.joined(_stop(cluster, todo))
            watch.lap("scale_down")
        done = _await_free(cluster, check, done, deadline, watch)
        # A CronJob may have started a Job, or somebody scaled a workload up, that has no pods yet. A pod that was seen
        # meanwhile may have ended since.
        todo = done.following(look(True))
        in_use = any(done.users.values())
        if in_use and deadline.over():
            raise still_in_use(done.volumes, done.users, deadline.seconds)
        if todo is None and not in_use:
            _await_deletion(cluster, planned.ephemeral, deadline)
            return done


def _await_deletion(cluster: Cluster, ephemeral: Iterable[Volume], deadline: Deadline) -> None:
    """Wait a while until volumes that are deleted with their pods are gone: a backup would look for their data."""
    names = {("", volume.name) for volume in ephemeral if volume.reclaim_policy == "Delete"}
    cluster.left_after("PersistentVolume", names, min(deadline.left(), DELETION), key_of)


def _stop(cluster: Cluster, todo: Plan) -> Plan:
    policies.write(cluster, todo.policies)
    carried_out = replace(todo, steps=workloads.scale_down(cluster, todo.steps))
    workloads.delete(cluster, todo.deleted)
    return carried_out


def _await_free(cluster: Cluster, check: UsageCheck, done: Plan, deadline: Deadline, watch: Stopwatch) -> Plan:
    """The plan with the users that are left, when there are none, others appear, or the deadline is over."""
    is_newcomer = done.newcomers()
    workloads.wait_gone(cluster, done.pods, deadline, is_newcomer)
    watch.lap("wait")
    users = check.await_free(done.volumes, deadline, is_newcomer)
    watch.lap("verify")
    return replace(done, users=users)


def attach(cluster: Cluster, planned: Plan, deadline: Deadline, watch: Stopwatch) -> Plan:
    """The plan with warnings about pods that cannot start. Raises an error about these if it waits."""
    workloads.scale_up(cluster, planned.steps)
    policies.write(cluster, planned.policies)
    watch.lap("scale_up")
    items = [step.item for step in planned.steps]
    if planned.request.wait:
        readiness.wait_ready(cluster, items, deadline)
        watch.lap("wait")
        return planned
    # What a backup does not have, a ConfigMap for example, is missing where a workload is created: worth a moment.
    seconds = SETTLE if any(step.missing for step in planned.steps) else 0.0
    return replace(planned, notes=(*planned.notes, *readiness.warnings(cluster, items, seconds)))
