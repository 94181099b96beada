# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Observe the cluster to back up, or take the last backup's description of it if its API server is down."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.plan import Observed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.request import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Unreachable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.workloads import WORKLOAD_KINDS
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.described.cluster import described
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine, find_engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.objects.collect import collect_all
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Connect, nodes_without_api
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import observe as observe_cluster

from .last import observed_last
from .looks import unused

READ = ("PersistentVolume", "PersistentVolumeClaim", "StorageClass", "Namespace", "Pod", "ConfigMap", *WORKLOAD_KINDS)


@dataclass(frozen=True)
class Source:
    """The cluster to back up. cluster: None if its API server does not answer; then a warning says so."""

    engine: Engine
    observed: Observed
    cluster: Cluster | None = None
    warnings: tuple[str, ...] = ()


def observe(options: Mapping[str, Any], request: Request, runner: Runner | None, connect: Connect) -> Source:
    """Raises BadInput if there is no such cluster, Unreachable unless the last backup may replace the API server.

    It must not if the API server answers inside the cluster: then Declined is raised.
    """
    engine = find_engine(options["engine"], runner or Runner())
    try:
        if request.last_backup and not engine.nodes(request.cluster):
            # The last backup also replaces a cluster whose nodes are gone, but not one whose API server answers.
            connect(request.cluster, options["kubeconfig"], options["context"]).version()
        return _live(options, request, runner, connect)
    except Unreachable as error:
        if not request.last_backup:
            error.next_step += " To save the data of a cluster that does not come up again: without_api=last_backup."
            raise
        why = error.message
    nodes = nodes_without_api(engine, request.cluster, why)
    if request.labels:
        raise BadInput(
            f"label_selectors needs an API server: {why}", next_step="Select volumes by names or namespaces instead."
        )
    observed, warning = observed_last(request, nodes, why)
    return Source(engine, observed, warnings=(warning,))


def _live(options: Mapping[str, Any], request: Request, runner: Runner | None, connect: Connect) -> Source:
    version: list[Future[str]] = []
    labelled: list[Future[list[Any]]] = []
    objects: list[Future[Any]] = []

    def connected(*arguments: Any) -> Cluster:
        """Read the version, the labelled claims and the objects beside everything else."""
        cluster = connect(*arguments)
        version.append(pool.submit(cluster.version))
        if request.labels:
            labelled.append(pool.submit(cluster.list, "PersistentVolumeClaim", "", request.labels))
        if request.objects:
            objects.append(pool.submit(collect_all, cluster))
        return cluster

    with ThreadPoolExecutor(4) as pool:
        found = observe_cluster(options, READ, runner=runner, connect=connected)
        # A cluster that others created is described by commands in its nodes.
        description = pool.submit(described, request.cluster, found, request.loaded_images)
        observed = Observed(
            volumes=found.objects["PersistentVolume"],
            claims=found.objects["PersistentVolumeClaim"],
            storage_classes=found.objects["StorageClass"],
            namespaces=found.objects["Namespace"],
            labelled=labelled[0].result() if labelled else None,
            kubernetes_version=version[0].result(),
            workloads=[item for kind in WORKLOAD_KINDS for item in found.objects[kind]],
            unused=unused(
                found.objects["PersistentVolume"], found.objects["PersistentVolumeClaim"], found.nodes, found.engine
            ),
            objects=objects[0].result().adding(request.deleted_pods) if objects else None,
            **description.result(),
        )
    return Source(found.engine, observed, found.cluster)
