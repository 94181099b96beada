# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The action of volume_restore: reads backup, cluster and data, refuses as a whole or brings every volume back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Stopwatch
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import binding
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import API, ENGINE, SELECTION
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.data import check_verify
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import ALREADY, Observed, Step
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.plan import plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.report import (
    before_after,
    inside_nodes,
    line,
    policies,
    refusal,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.selection import (
    Request,
    choose,
    surroundings,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.checks import (
    check_cluster,
    check_same_cluster,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import Backup, read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine, find_engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.binder import prebind, wait_bound
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster, open_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.resources import Key
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore.data import (
    check_archives,
    extract,
    judged,
)

ARGUMENTS: dict[str, Any] = {
    **ENGINE,
    **API,
    **SELECTION,
    "path": {"type": "path", "required": True},
    "generation": {"type": "str"},
    "claims": {"type": "bool", "default": True},
    "verify": {"type": "str", "choices": ["full", "fast", "none"], "default": "full"},
    "reclaim_policy": {"type": "str", "choices": ["keep", "original"], "default": "keep"},
    "node_map": {"type": "dict", "default": {}},
    "namespaces_too": {"type": "bool", "default": True},
    "storage_classes_too": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 120},
}

KINDS = ("PersistentVolume", "PersistentVolumeClaim", "Namespace", "StorageClass", "Node")


@dataclass(frozen=True)
class Plan:
    """Everything that is decided: namespaces and storage classes first, then the volumes."""

    around: Sequence[Object]
    steps: Sequence[Step]
    warnings: tuple[str, ...]

    @property
    def pending(self) -> list[Step]:
        return [step for step in self.steps if step.action != ALREADY]


def run(
    options: Mapping[str, Any],
    check_mode: bool,
    *,
    runner: Runner | None = None,
    connect: Callable[..., Cluster] = open_cluster,
) -> Outcome:
    """Volumes of the backup as they were; in check mode what would be done."""
    watch = Stopwatch()
    engine = find_engine(options["engine"], runner or Runner())
    with ThreadPoolExecutor(2) as pool:
        nodes = pool.submit(engine.nodes, options["cluster"])
        reading = pool.submit(_objects, options, connect)
        backup = read_backup(options["path"], options["generation"])
        check_verify(options["verify"], backup.catalog)
        saved = {kind: backup.objects(kind) for kind in KINDS[:4]}
        # Where the engine or the cluster is gone the API server is too: that is the cause to be told.
        found_nodes = nodes.result()
        check_cluster(options["cluster"], found_nodes)
        cluster, objects = reading.result()
        observed = _observed(objects, found_nodes, options["cluster"])
    watch.lap("observe")
    found = _plan(options, backup, saved, observed, engine)
    watch.lap("compare")
    how = options["reclaim_policy"]
    phases: dict[Key, str] = {} if check_mode else apply(cluster, engine, backup, found, options, watch)
    before, after = before_after(found.steps, found.around, how)
    return Outcome(
        changed=bool(found.around or found.pending or _given_back(found, how)),
        before=before,
        after=after,
        facts={
            "generation": backup.name,
            "volumes": [line(step, how, phases) for step in found.steps],
            "namespaces": [o["metadata"]["name"] for o in found.around if o["kind"] == "Namespace"],
            "storage_classes": [o["metadata"]["name"] for o in found.around if o["kind"] == "StorageClass"],
            "seconds": watch.seconds,
        },
        warnings=found.warnings,
    )


def _objects(options: Mapping[str, Any], connect: Callable[..., Cluster]) -> tuple[Cluster, tuple[list[Object], ...]]:
    cluster = connect(options["cluster"], options["kubeconfig"], options["context"])
    return cluster, cluster.lists(*KINDS)


def _observed(objects: tuple[list[Object], ...], nodes: tuple[Node, ...], name: str) -> Observed:
    volumes, claims, namespaces, classes, kubernetes_nodes = objects
    check_same_cluster(name, nodes, kubernetes_nodes)
    return Observed(
        volumes={item["metadata"]["name"]: item for item in volumes},
        claims={namespaced_name(item): item for item in claims},
        namespaces={item["metadata"]["name"]: item for item in namespaces},
        storage_classes={item["metadata"]["name"]: item for item in classes},
        node_names=frozenset(item["metadata"]["name"] for item in kubernetes_nodes),
        nodes=nodes,
    )


def _plan(
    options: Mapping[str, Any],
    backup: Backup,
    saved: Mapping[str, list[Object]],
    observed: Observed,
    engine: Engine,
) -> Plan:
    """Raises Declined, with a reason for each volume, unless all of them can be restored."""
    request = Request(
        names=options["names"] or (),
        namespaces=options["namespaces"] or (),
        storage_classes=options["storage_classes"] or (),
        claims=options["claims"],
        node_map=options["node_map"],
    )
    wanted, warnings = choose(backup.catalog, saved["PersistentVolume"], saved["PersistentVolumeClaim"], request)
    steps = plan(wanted, observed, namespaces_too=options["namespaces_too"])
    steps = judged(backup, steps, options["verify"], engine)
    refused = refusal(steps, observed, backup.catalog.cluster.name, options["cluster"])
    if refused:
        raise refused
    check_archives(backup, steps)
    around = surroundings(
        saved["Namespace"] + saved["StorageClass"],
        observed,
        steps,
        namespaces=options["namespaces_too"],
        storage_classes=options["storage_classes_too"],
    )
    return Plan(around, steps, warnings + inside_nodes(steps))


def apply(
    cluster: Cluster, engine: Engine, backup: Backup, found: Plan, options: Mapping[str, Any], watch: Stopwatch
) -> dict[Key, str]:
    """Write it all and wait until Kubernetes agrees; the phases then."""
    extract(backup, [step for step in found.steps if step.extract], options["verify"], engine)
    watch.lap("extract")
    cluster.each(partial(_create_missing, cluster), found.around)
    bindings = [step.binding for step in found.pending]
    cluster.each(partial(prebind, cluster), bindings)
    watch.lap("write")
    phases = wait_bound(cluster, bindings, options["wait_timeout"])
    watch.lap("confirm")
    cluster.each(partial(_give_back, cluster), _given_back(found, options["reclaim_policy"]))
    return phases


def _create_missing(cluster: Cluster, item: Object) -> None:
    # Somebody else may create the same namespace or class meanwhile: existing ones are left alone.
    with suppress(Conflict):
        cluster.create(item)


def _given_back(found: Plan, how: str) -> list[Step]:
    """The volumes whose own reclaim policy is given back once all are bound."""
    if how == "keep":
        return []
    return [s for s in found.steps if policies(s, "keep")[1] != policies(s, how)[1]]


def _give_back(cluster: Cluster, step: Step) -> None:
    change = binding.policy_change(step.wanted.saved.reclaim_policy)
    cluster.patch("PersistentVolume", step.wanted.volume.name, change)
