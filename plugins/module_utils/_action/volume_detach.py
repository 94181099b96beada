# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""volume_detach: what uses volumes is brought to zero, with proof that they are free; or gets back what it had."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.manifests import WORKLOADS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Stopwatch
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach import report
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.holders import Held, left_without
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.plan import (
    SEEN,
    Observed,
    Plan,
    Step,
    observed,
    plan_attached,
    plan_detached,
    reread,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Conflict
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import pods
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import is_ready
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name, uid_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import API, ENGINE, SELECTION
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.checks import (
    check_cluster,
    check_same_cluster,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach.proof import Detachment
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine, find_engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.api import Missing
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster, open_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.resources import key_of

ARGUMENTS: dict[str, Any] = {
    **ENGINE,
    **API,
    **SELECTION,
    "state": {"type": "str", "default": "detached", "choices": ["detached", "attached"]},
    "path": {"type": "path"},
    "generation": {"type": "str"},
    "unmanaged": {"type": "str", "default": "refuse", "choices": ["refuse", "delete"]},
    "timeout": {"type": "int", "default": 300},
    "wait": {"type": "bool", "default": False},
}

# Controllers write to their objects all the time: so often a change of ours is tried again.
ATTEMPTS = 10


def run(
    options: Mapping[str, Any],
    check_mode: bool,
    *,
    runner: Runner | None = None,
    connect: Callable[..., Cluster] = open_cluster,
) -> Outcome:
    """Volumes that nothing holds, or everything as it was before; the second time nothing changes."""
    if options["timeout"] < 1:
        raise BadInput(f"timeout is {options['timeout']}, and must not be less than 1 s.", next_step="Correct timeout.")
    watch, end = Stopwatch(), time.monotonic() + options["timeout"]
    # Read first: without it nothing may be brought to an end.
    saved = _saved(options)
    engine = find_engine(options["engine"], runner or Runner())
    cluster, seen, nodes = _observe(options, engine, connect)
    watch.lap("observe")
    if options["state"] == "attached":
        return _attach(cluster, plan_attached(seen, saved, options), options, check_mode, end, watch)
    proof = Detachment(cluster, engine, nodes)
    return _detach(cluster, proof, plan_detached(seen, options), options, check_mode, end, watch)


def _saved(options: Mapping[str, Any]) -> list[Object]:
    if options["state"] != "attached" or not options["path"]:
        return []
    return read_backup(options["path"], options["generation"]).objects(WORKLOADS)


def _observe(
    options: Mapping[str, Any], engine: Engine, connect: Callable[..., Cluster]
) -> tuple[Cluster, Observed, tuple[Node, ...]]:
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(engine.nodes, options["cluster"])
        cluster = connect(options["cluster"], options["kubeconfig"], options["context"])
        kubernetes_nodes, *objects = cluster.lists("Node", *SEEN)
        nodes = reading.result()
    check_cluster(options["cluster"], nodes, engine.name)
    check_same_cluster(options["cluster"], nodes, kubernetes_nodes, engine.name)
    return cluster, observed(*objects), nodes


def _detach(
    cluster: Cluster,
    proof: Detachment,
    found: Plan,
    options: Mapping[str, Any],
    check_mode: bool,
    end: float,
    watch: Stopwatch,
) -> Outcome:
    if check_mode:
        held = left_without({namespaced_name(pod) for pod in found.users}, proof.look(found.volumes))
    else:
        found = replace(found, steps=tuple(cluster.each(partial(_stop, cluster), found.steps)))
        cluster.each(partial(_delete, cluster), found.deleted)
        watch.lap("stop")
        uids = {pod["metadata"]["uid"] for pod in found.users}
        cluster.left_after("Pod", uids, max(0.0, end - time.monotonic()), uid_of, gone=pods.is_terminal)
        watch.lap("wait")
        held = proof.await_free(found.volumes, end)
        watch.lap("prove")
        if any(held.values()):
            raise report.not_free(found, held, options["timeout"])
    changed = bool(found.deleted) or any(step.writes for step in found.steps)
    return _outcome(found, held, changed, watch, detached=True)


def _attach(
    cluster: Cluster, found: Plan, options: Mapping[str, Any], check_mode: bool, end: float, watch: Stopwatch
) -> Outcome:
    writing = [step for step in found.steps if step.writes]
    if not check_mode:
        cluster.each(partial(_give_back, cluster), writing)
        watch.lap("give back")
        if options["wait"]:
            for kind in sorted({step.item["kind"] for step in found.steps}):
                keys = [key_of(step.item) for step in found.steps if step.item["kind"] == kind]
                cluster.wait(kind, is_ready, keys, max(1.0, end - time.monotonic()))
            watch.lap("wait")
    return _outcome(found, {}, bool(writing), watch, detached=False)


def _outcome(
    found: Plan, held: Mapping[str, Sequence[Held]], changed: bool, watch: Stopwatch, *, detached: bool
) -> Outcome:
    before, after = report.before_after(found, detached=detached)
    facts: dict[str, Any] = {"owners": report.owner_lines(found, detached=detached), "seconds": watch.seconds}
    if detached:
        facts["volumes"] = report.volume_lines(found, held)
        facts["deleted_pods"] = [namespaced_name(pod) for pod in found.deleted]
    return Outcome(changed, before, after, facts, report.left_out(found))


def _stop(cluster: Cluster, step: Step) -> Step:
    """The step as it was done; without a change where somebody else did it, or the owner is gone."""
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
            now = cluster.get(kind, name, namespace)
            step = reread(step, {**now, "kind": kind}) if now else replace(step, change=None)
    return step


def _delete(cluster: Cluster, pod: Object) -> None:
    namespace, name = key_of(pod)
    cluster.delete("Pod", name, namespace)


def _give_back(cluster: Cluster, step: Step) -> None:
    namespace, name = key_of(step.item)
    if step.missing:
        cluster.create(step.item)
    elif step.change is not None:
        cluster.patch(step.item["kind"], name, step.change, namespace)
