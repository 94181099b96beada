# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""node_drain: cordon a node and evict its pods, or uncordon it and wait for its pending pods."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.drain.model import (
    READ,
    Observed,
    PodDecision,
    Request,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.drain.plan import Plan, eviction_groups, plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.drain.report import not_drained
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import API, ENGINE, check_absolute
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import BoundRunner, Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.drain import node
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.drain.evictions import Evictions
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.identity.proof import open_proved
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube import policies
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster, open_cluster

ARGUMENTS: dict[str, Any] = {
    **ENGINE,
    **API,
    "node": {"type": "str", "required": True},
    "state": {"type": "str", "default": "drained", "choices": ["drained", "cordoned", "uncordoned"]},
    "wait_timeout": {"type": "int", "default": 300},
    "terminate_grace_period": {"type": "int"},
    "delete_emptydir_data": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False},
    "pod_selectors": {"type": "list", "elements": "str"},
    "on_failure": {"type": "str", "default": "restore", "choices": ["restore", "keep"]},
    "wait": {"type": "bool", "default": True},
}


def run(
    options: Mapping[str, Any],
    check_mode: bool,
    *,
    runner: Runner | None = None,
    connect: Callable[..., Cluster] = open_cluster,
    new_deadline: Callable[[float], Deadline] = Deadline,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Drain, cordon or uncordon the node; a second run changes nothing."""
    check_absolute(options, ARGUMENTS)
    request = Request.from_options(options)
    deadline = new_deadline(request.wait_timeout)
    proved = open_proved(options, BoundRunner(runner or Runner(), deadline), connect)
    cluster = proved.cluster
    planned = plan(request, _observe(cluster, request))
    if not check_mode:
        if request.state == "drained":
            evictions = Evictions(cluster, request.node, deadline, request.terminate_grace_period, sleep=sleep)
            planned = _retain(cluster, planned)
            planned = _drain(cluster, planned, evictions)
        else:
            node.set_schedulable(cluster, planned)
            policies.write(cluster, planned.policies)
        if request.state == "uncordoned" and request.wait:
            node.await_return(cluster, planned, deadline)
    return Outcome(planned.changed, *planned.diff(), planned.result(), (*proved.warnings, *planned.warnings()))


def _observe(cluster: Cluster, request: Request) -> Observed:
    objects = dict(zip(READ, cluster.lists(*READ)))
    selected = cluster.list("Pod", labels=request.pod_selector) if request.pod_selector else None
    return Observed.from_objects(objects, selected)


def _retain(cluster: Cluster, planned: Plan) -> Plan:
    """The plan, made again if reclaim policies were set: only now a claim that is deleted takes no data with it."""
    if not planned.policies.patches:
        return planned
    policies.write(cluster, planned.policies)
    return replace(plan(planned.request, _observe(cluster, planned.request)), policies=planned.policies)


def _drain(cluster: Cluster, planned: Plan, evictions: Evictions) -> Plan:
    """The plan as it was carried out; if that fails the node is left as on_failure says."""
    try:
        node.set_schedulable(cluster, planned)
        return _evict(cluster, planned, evictions)
    except Exception as error:
        node.leave(cluster, planned, error)
        raise


def _evict(cluster: Cluster, planned: Plan, evictions: Evictions) -> Plan:
    """Evict until the node has no new pods. Raises TimedOut with the pods that are left."""
    request, pods = planned.request, planned.pods
    done: dict[str, PodDecision] = {}
    while True:
        done |= {pod.uid: pod for pod in pods}
        left = evictions.run(eviction_groups(pods))
        if left:
            budgets = cluster.list("PodDisruptionBudget")
            raise not_drained(request, tuple(done.values()), left, budgets, evictions.seconds)
        # The scheduler may have bound a pod to the node before it knew that it is cordoned.
        if evictions.pods_on_node() <= done.keys():
            return planned.carried_out(done.values())
        again = plan(request, _observe(cluster, request))
        pods = tuple(pod for pod in again.pods if pod.is_evicted and not pod.may_return)
        if not pods:
            return planned.carried_out(done.values())
        policies.write(cluster, again.policies)
        planned = replace(planned, policies=planned.policies.joined(again.policies))
