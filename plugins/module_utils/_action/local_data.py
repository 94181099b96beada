# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The action of local_data: looks at host, nodes and cluster, then refuses or exposes; the data stays as it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.access import check_contents
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.place import (
    Place,
    check_same,
    find_place,
    serving_nodes,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.plan import (
    Observed,
    Plan,
    observed,
    plan_absent,
    plan_present,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.policy import BINDING, POLICY
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.report import before_after, line, refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.request import Request, read_request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import API, CLUSTER, ENGINE
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.checks import (
    check_cluster,
    check_same_cluster,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine, find_engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.api import Missing
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster, open_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.resources import Key
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.local_data import host as local_path
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.local_data import nodes as node_look
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.local_data import writer as local_data_writer

ARGUMENTS: dict[str, Any] = {
    **ENGINE,
    **API,
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
    **CLUSTER,
    "path": {"type": "path"},
    "root": {"type": "path"},
    "namespaces": {"type": "list", "elements": "str"},
    "namespaces_too": {"type": "bool", "default": True},
    "read_only": {"type": "bool", "default": True},
    "run_as_user": {"type": "int", "default": 65534},
    "run_as_group": {"type": "int", "default": 65534},
    "supplemental_groups": {"type": "list", "elements": "int", "default": []},
    "outside_links": {"type": "str", "default": "refuse", "choices": ["refuse", "allow"]},
    "force": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 60},
}
RULES: dict[str, Any] = {"required_if": [("state", "present", ("path", "namespaces"))]}

KINDS = ("PersistentVolume", "PersistentVolumeClaim", "Namespace", "Pod", "Node")
UNGUARDED = (
    "This Kubernetes has no ValidatingAdmissionPolicy, 1.30 has it. Pods that don't say readOnly: true in their volume "
    "may be able to write to the data."
)


@dataclass(frozen=True)
class Found:
    """Everything that was observed before the data itself: the cluster's nodes as containers, and its objects."""

    engine: Engine
    cluster: Cluster
    nodes: tuple[Node, ...]
    serving: tuple[str, ...]
    now: Observed


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
    found = _observe(options, runner or Runner(), connect)
    warnings: tuple[str, ...] = ()
    if host is not None:
        place = find_place(host.path, found.nodes, found.serving, read_only=request.read_only)
        warnings = _check_data(request, host, place, found)
        plan = plan_present(request, place, found.now)
    else:
        plan = plan_absent(request, found.now, force=options["force"])
    refused = refusal(plan)
    if refused:
        raise refused
    phases: dict[Key, str] = {}
    if not check_mode and present:
        phases = local_data_writer.expose(found.cluster, plan, options["wait_timeout"], pause)
    elif not check_mode:
        local_data_writer.withdraw(found.cluster, plan, options["wait_timeout"])
    before, after = before_after(plan)
    return Outcome(
        changed=bool(plan.pending or plan.policies or plan.namespaces),
        before=before,
        after=after,
        facts={
            "volumes": [line(step, found.nodes, phases) for step in plan.steps],
            **(_exposed(request, plan) if present else {}),
        },
        warnings=warnings,
    )


def _observe(options: Mapping[str, Any], runner: Runner, connect: Callable[..., Cluster]) -> Found:
    engine = find_engine(options["engine"], runner)
    with ThreadPoolExecutor(2) as pool:
        reading_nodes = pool.submit(engine.nodes, options["cluster"])
        reading = pool.submit(_read, options, connect)
        # Where the engine or the cluster is gone the API server is too: that is the cause to be told.
        nodes = local_path.resolved(reading_nodes.result())
        check_cluster(options["cluster"], nodes, engine.name)
        cluster, now, kubernetes_nodes = reading.result()
    check_same_cluster(options["cluster"], nodes, kubernetes_nodes, engine.name)
    return Found(engine, cluster, nodes, serving_nodes(kubernetes_nodes), now)


def _read(options: Mapping[str, Any], connect: Callable[..., Cluster]) -> tuple[Cluster, Observed, list[Object]]:
    cluster = connect(options["cluster"], options["kubeconfig"], options["context"])
    policies: tuple[list[Object], list[Object]] | None
    try:
        *found, first, second = cluster.lists(*KINDS, POLICY, BINDING)
        policies = (first, second)
    except Missing:
        found, policies = list(cluster.lists(*KINDS)), None
    volumes, claims, namespaces, pods, kubernetes_nodes = found
    return cluster, observed(volumes, claims, namespaces, pods, policies), kubernetes_nodes


def _check_data(request: Request, host: local_path.LocalPath, place: Place, found: Found) -> tuple[str, ...]:
    """Warnings. Raises BadInput or Conflict where a pod could not use the data, or would see other data."""
    directory, inside = place.node_directory, found.engine.inside
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(
            node_look.contents, inside(place.nodes[0]), directory, request.user, read_only=request.read_only
        )
        looks = found.cluster.each(lambda name: node_look.look(inside(name), directory), place.nodes)
        seen = dict(zip(place.nodes, looks, strict=True))
        warnings = check_same(place, host.looked, seen, read_only=request.read_only)
        check_contents(request, place, reading.result())
    return (*warnings, UNGUARDED) if request.read_only and found.now.policy is None else warnings


def _exposed(request: Request, plan: Plan) -> dict[str, Any]:
    use = {"claimName": request.name, **({"readOnly": True} if request.read_only else {})}
    return {
        "pod_volume": {"persistentVolumeClaim": use},
        "guarded": plan.guarded,
        "namespaces": list(plan.namespaces),
    }
