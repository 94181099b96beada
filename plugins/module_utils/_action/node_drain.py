# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""node_drain: a node without pods, or schedulable again with the pods that waited for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.drain.plan import (
    SEEN,
    Line,
    Observed,
    lanes,
    observed,
    plan_drain,
    plan_schedulable,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.drain.refusals import refuse
from ansible_collections.kindlab.volumes.plugins.module_utils._core.drain.report import (
    drained,
    not_drained,
    schedulable,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, KindlabError, TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.budgets import read_budgets
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import is_ready
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.deployments import why_not_ready
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.scheduling import is_schedulable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import API, CLUSTER
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.drain.evictions import Evictions
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster, open_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.resources import key_of

ARGUMENTS: dict[str, Any] = {
    **API,
    "node": {"type": "str", "required": True},
    "state": {"type": "str", "default": "drained", "choices": ["drained", "schedulable"]},
    **CLUSTER,
    "timeout": {"type": "int", "default": 300},
    "terminate_grace_period": {"type": "int"},
    "delete_emptydir_data": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False},
    "pod_selector": {"type": "str"},
    "on_failure": {"type": "str", "default": "restore", "choices": ["restore", "keep"]},
    "wait": {"type": "bool", "default": True},
}


def run(
    options: Mapping[str, Any],
    check_mode: bool,
    *,
    cluster: Cluster | None = None,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Drain the node or make it schedulable; the second time nothing changes."""
    _check(options)
    end = clock() + options["timeout"]
    if cluster is None:
        cluster = open_cluster(options["cluster"], options["kubeconfig"], options["context"])
    seen = observed(*cluster.lists(*SEEN))
    if options["state"] == "schedulable":
        return _make_schedulable(cluster, seen, options, check_mode, lambda: max(0.0, end - clock()))
    evictions = Evictions(cluster, options["node"], end, options["terminate_grace_period"], clock=clock, pause=pause)
    return _drain(cluster, seen, options, check_mode, evictions)


def _check(options: Mapping[str, Any]) -> None:
    for name, least in (("timeout", 1), ("terminate_grace_period", 0)):
        if options[name] is not None and options[name] < least:
            raise BadInput(
                f"{name} is {options[name]}, and must not be less than {least} s.", next_step=f"Correct {name}."
            )


def _drain(
    cluster: Cluster, seen: Observed, options: Mapping[str, Any], check_mode: bool, evictions: Evictions
) -> Outcome:
    name = options["node"]
    lines = _plan(cluster, seen, options)
    was_schedulable = is_schedulable(seen.node(name))
    if not check_mode:
        try:
            if was_schedulable:
                cluster.patch("Node", name, {"spec": {"unschedulable": True}})
            lines = _evict(cluster, lines, options, evictions)
        except Exception as error:
            _leave(cluster, name, was_schedulable, options["on_failure"] == "restore", error)
            raise
    return drained(name, was_schedulable, lines, timeout=options["timeout"], check_mode=check_mode)


def _plan(cluster: Cluster, seen: Observed, options: Mapping[str, Any]) -> tuple[Line, ...]:
    name, selector = options["node"], options["pod_selector"]
    selected = frozenset(p["metadata"]["uid"] for p in cluster.list("Pod", labels=selector)) if selector else None
    lines = plan_drain(seen, name, selected)
    if is_schedulable(seen.node(name)) or any(line.goes for line in lines):
        refuse(seen, name, lines, options)
    return lines


def _evict(
    cluster: Cluster, lines: tuple[Line, ...], options: Mapping[str, Any], evictions: Evictions
) -> tuple[Line, ...]:
    """Evict until a look at the node shows nobody new; all lines. Raises TimedOut with what is left."""
    done: dict[str, Line] = {}
    while True:
        done |= {line.uid: line for line in lines}
        left = evictions.run(lanes(lines))
        if left:
            budgets = read_budgets(cluster.list("PodDisruptionBudget"))
            raise not_drained(options["node"], tuple(done.values()), left, budgets, options["timeout"])
        # The scheduler may have sent a pod here before it knew that it should not.
        if evictions.here() <= done.keys():
            return tuple(done.values())
        there = _plan(cluster, observed(*cluster.lists(*SEEN)), options)
        lines = tuple(line for line in there if line.goes and not line.comes_again)
        if not lines:
            return tuple(done.values())


def _leave(cluster: Cluster, name: str, was_schedulable: bool, restore: bool, error: Exception) -> None:
    """Leave the node as it was before, or drained in part, and let the error say so."""
    said = f"{name} stays unschedulable{'' if was_schedulable else ', as it was'}."
    if was_schedulable and restore:
        said = f"{name} is schedulable again."
        try:
            cluster.patch("Node", name, {"spec": {"unschedulable": None}})
        except KindlabError as other:
            said = f"{name} is still unschedulable ({other.message}): kubectl uncordon {name}"
    if isinstance(error, KindlabError):
        error.message = f"{error.message} {said}"


def _make_schedulable(
    cluster: Cluster, seen: Observed, options: Mapping[str, Any], check_mode: bool, seconds: Callable[[], float]
) -> Outcome:
    name = options["node"]
    lines = plan_schedulable(seen, name)
    was_schedulable = is_schedulable(seen.node(name))
    if not check_mode:
        if not was_schedulable:
            cluster.patch("Node", name, {"spec": {"unschedulable": None}})
        if options["wait"]:
            _await_return(cluster, lines, options, seconds())
    return schedulable(name, was_schedulable, lines, wait=options["wait"])


def _await_return(cluster: Cluster, lines: tuple[Line, ...], options: Mapping[str, Any], seconds: float) -> None:
    """Wait until the pods run. Raises TimedOut with what keeps the first of them from it."""
    try:
        cluster.wait("Pod", is_ready, [key_of(line.pod) for line in lines], seconds)
    except TimedOut as error:
        namespace, _slash, name = error.details[0].partition("/")
        pod = cluster.get("Pod", name, namespace)
        why, next_step = why_not_ready(namespace, [pod] if pod else [], cluster.list("Event", namespace))
        raise TimedOut(
            f"{options['node']} is schedulable, but after {options['timeout']:g} seconds {len(error.details)} pod(s) "
            f"that waited for it do not run: {', '.join(error.details[:10])}; {why}.",
            next_step=next_step,
            details=error.details,
        ) from error
