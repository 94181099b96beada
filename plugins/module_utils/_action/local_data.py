# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The action of local_data: looks at host, nodes and cluster, then refuses or exposes; the data stays as it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core import local_data_objects as objects
from ansible_collections.kindlab.volumes.plugins.module_utils._core.binding import (
    phase_of,
    volume_change,
    volume_to_create,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict
from ansible_collections.kindlab.volumes.plugins.module_utils._core.inventory import check_cluster, check_same_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data_access import check_contents
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data_place import (
    Place,
    check_same,
    find_place,
    serving_nodes,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data_plan import (
    ALREADY,
    LEAVING,
    REMOVE,
    REPLACE,
    Observed,
    Step,
    observed,
    plan_absent,
    plan_present,
    policy_steps,
    read_only_left,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data_report import before_after, line, refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data_request import Request, read_request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._core.topology import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volume import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._edge import local_path, node_look
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.admission import await_refused
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.api import Missing
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.cluster import Cluster, open_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine, find_engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kinds import Key

KINDS = ("PersistentVolume", "PersistentVolumeClaim", "Namespace", "Pod", "Node")
PV, PVC = "PersistentVolume", "PersistentVolumeClaim"
UNGUARDED = (
    "This Kubernetes has no ValidatingAdmissionPolicy, 1.30 has it. Pods that don't say readOnly: true in their volume "
    "may be able to write to the data."
)


@dataclass(frozen=True)
class Plan:
    """Everything that is decided: the policy first, then namespaces, then a step for each of them."""

    steps: tuple[Step, ...]
    policies: tuple[tuple[str, Object], ...] = ()
    namespaces: tuple[str, ...] = ()

    @property
    def pending(self) -> list[Step]:
        return [step for step in self.steps if step.action not in (ALREADY, LEAVING)]


def run(
    options: Mapping[str, Any],
    check_mode: bool,
    *,
    runner: Runner | None = None,
    connect: Callable[..., Cluster] = open_cluster,
    pause: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Local data in every namespace that is asked for, or in none; in check mode what would be done."""
    request = read_request(options)
    present = options["state"] == "present"
    host = local_path.look_at(options["path"], options["root"]) if present else None
    engine = find_engine(options["engine"], runner or Runner())
    with ThreadPoolExecutor(2) as pool:
        reading_nodes = pool.submit(engine.nodes, options["cluster"])
        reading = pool.submit(_read, options, connect)
        # Where the engine or the cluster is gone the API server is too: that is the cause to be told.
        nodes = local_path.resolved(reading_nodes.result())
        check_cluster(options["cluster"], nodes)
        cluster, now, kubernetes_nodes = reading.result()
    check_same_cluster(options["cluster"], nodes, kubernetes_nodes)
    warnings: tuple[str, ...] = ()
    if host is not None:
        place = find_place(host.path, nodes, serving_nodes(kubernetes_nodes), read_only=request.read_only)
        warnings = _check_data(engine, cluster, request, place, host)
        plan = _plan_present(request, place, now)
    else:
        steps = plan_absent(request, now, force=options["force"])
        plan = Plan(steps, policy_steps(now, needed=read_only_left(now, steps)))
    refused = refusal(plan.steps)
    if refused:
        raise refused
    guarded = present and request.read_only and now.known_policies
    if present and request.read_only and not now.known_policies:
        warnings = (*warnings, UNGUARDED)
    phases: dict[Key, str] = {}
    if not check_mode and present:
        phases = _expose(cluster, plan, options["wait_timeout"], pause if guarded else None)
    elif not check_mode:
        _withdraw(cluster, plan, options["wait_timeout"])
    return _outcome(request, plan, nodes, phases, warnings, guarded if present else None)


def _read(options: Mapping[str, Any], connect: Callable[..., Cluster]) -> tuple[Cluster, Observed, list[Object]]:
    cluster = connect(options["cluster"], options["kubeconfig"], options["context"])
    policies: tuple[list[Object], list[Object]] | None
    try:
        *found, first, second = cluster.lists(*KINDS, objects.POLICY, objects.BINDING)
        policies = (first, second)
    except Missing:
        found, policies = list(cluster.lists(*KINDS)), None
    volumes, claims, namespaces, pods, kubernetes_nodes = found
    return cluster, observed(volumes, claims, namespaces, pods, policies), kubernetes_nodes


def _check_data(
    engine: Engine, cluster: Cluster, request: Request, place: Place, host: local_path.LocalPath
) -> tuple[str, ...]:
    """Warnings. Raises BadInput or Conflict where a pod could not use the data, or would see other data."""
    first = engine.inside(place.nodes[0])
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(
            node_look.contents, first, place.node_directory, request.user, read_only=request.read_only
        )
        looks = cluster.each(lambda name: node_look.look(engine.inside(name), place.node_directory), place.nodes)
        inside = dict(zip(place.nodes, looks, strict=True))
        warnings = check_same(place, host.looked, inside, read_only=request.read_only)
        found = reading.result()
    check_contents(request, place, found)
    return warnings


def _plan_present(request: Request, place: Place, now: Observed) -> Plan:
    steps = plan_present(request, place, now)
    needed = request.read_only or read_only_left(now, ())
    missing = tuple(step.namespace for step in steps if step.namespace not in now.namespaces)
    return Plan(steps, policy_steps(now, needed=True) if needed else (), missing)


def _expose(cluster: Cluster, plan: Plan, timeout: float, guard: Callable[[float], None] | None) -> dict[Key, str]:
    """Write what is missing and wait until Kubernetes agrees; the phases then. guard: waits, None where none guards."""
    for verb, item in plan.policies:
        _write_policy(cluster, verb, item)
    cluster.each(partial(_create_namespace, cluster), plan.namespaces)
    replaced = [step for step in plan.steps if step.action == REPLACE]
    _delete(cluster, replaced, timeout)
    cluster.each(partial(_write_pair, cluster), plan.pending)
    claims = cluster.wait(PVC, _is_bound, [(s.namespace, s.name) for s in plan.pending], timeout)
    volumes = cluster.wait(PV, _is_bound, [("", s.volume_name) for s in plan.pending], timeout)
    if guard is not None:
        changed = plan.steps if plan.policies else plan.pending
        cluster.each(lambda step: _await_guarded(cluster, step, timeout, guard), changed)
    return {key: phase_of(item) for key, item in {**claims, **volumes}.items()}


def _await_guarded(cluster: Cluster, step: Step, timeout: float, pause: Callable[[float], None]) -> None:
    await_refused(cluster, objects.writing_pod(step.namespace, step.name), objects.REFUSED, timeout, pause)


def _withdraw(cluster: Cluster, plan: Plan, timeout: float) -> None:
    """Remove claims and volumes, and the policy behind them; what pods use goes when the last of them ends."""
    _delete(cluster, [step for step in plan.steps if step.action == REMOVE], timeout)
    for verb, item in plan.policies:
        _write_policy(cluster, verb, item)


def _delete(cluster: Cluster, steps: list[Step], timeout: float) -> None:
    waited = [step for step in steps if not step.users]
    cluster.each(lambda s: cluster.delete(PVC, s.name, s.namespace), [s for s in steps if s.claim])
    cluster.wait_gone(PVC, [(s.namespace, s.name) for s in waited if s.claim], timeout)
    cluster.each(lambda s: cluster.delete(PV, s.volume_name), [s for s in steps if s.volume])
    cluster.wait_gone(PV, [("", s.volume_name) for s in waited if s.volume], timeout)


def _write_pair(cluster: Cluster, step: Step) -> None:
    """The claim first, so that the volume is for this very one; Kubernetes binds them to each other."""
    kept = step.action != REPLACE
    claim = step.claim if kept else None
    if claim is None:
        claim = cluster.create(step.wanted_claim)
    uid = claim["metadata"]["uid"]
    if not kept or step.volume is None:
        cluster.create(volume_to_create(step.wanted_volume, uid))
        return
    change = volume_change(step.volume, step.wanted_volume, uid)
    if change:
        cluster.patch(PV, step.volume_name, change)


def _is_bound(item: Object) -> bool:
    return phase_of(item) == "Bound"


def _create_namespace(cluster: Cluster, name: str) -> None:
    # Somebody else may create it meanwhile.
    with suppress(Conflict):
        cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})


def _write_policy(cluster: Cluster, verb: str, item: Object) -> None:
    kind, name = item["kind"], item["metadata"]["name"]
    if verb == "create":
        cluster.create(item)
    elif verb == "patch":
        cluster.patch(kind, name, item)
    else:
        cluster.delete(kind, name)


def _outcome(
    request: Request,
    plan: Plan,
    nodes: tuple[Node, ...],
    phases: Mapping[Key, str],
    warnings: tuple[str, ...],
    guarded: bool | None,
) -> Outcome:
    before, after = before_after(plan.steps, plan.namespaces, plan.policies)
    facts: dict[str, Any] = {"volumes": [line(step, nodes, phases) for step in plan.steps]}
    if guarded is not None:
        use = {"claimName": request.name, **({"readOnly": True} if request.read_only else {})}
        facts |= {"namespaces": list(plan.namespaces), "guarded": guarded}
        facts["pod_volume"] = {"persistentVolumeClaim": use}
    return Outcome(bool(plan.pending or plan.policies or plan.namespaces), before, after, facts, warnings)
