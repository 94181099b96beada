# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the cluster that is saved: everything at once from its API server, or what the last backup says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.cluster import described, remembered
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.plan import Observed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.report import unknown_since
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Unreachable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import workloads
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster

from .reader import MANIFESTS, read_backup

KINDS = (
    "PersistentVolume",
    "PersistentVolumeClaim",
    "StorageClass",
    "Namespace",
    "Pod",
    "ConfigMap",
    *workloads.WORKLOAD_KINDS,
)


def observe(
    options: Mapping[str, Any], path: str, engine: Engine, connect: Callable[..., Cluster]
) -> tuple[Cluster | None, Observed, tuple[str, ...]]:
    """The cluster, and what is known of it; and warnings of what is not.

    Where its API server does not answer and without_api allows it, the newest backup stands for it.
    """
    try:
        return *_asked(options, engine, connect), ()
    except Unreachable as error:
        if options["without_api"] != "last_backup":
            error.next_step += " If it never comes up again: without_api=last_backup saves the data of the last backup."
            raise
        why = error.message
    if options["label_selector"]:
        raise BadInput(f"label_selector needs an API server: {why}", next_step="Name volumes by names or namespaces.")
    backup = read_backup(path)
    saved = {kind: backup.objects(kind) for kind in MANIFESTS}
    observed = remembered(
        options["cluster"], engine.nodes(options["cluster"]), backup.catalog, saved, str(backup.directory)
    )
    return None, observed, (unknown_since(options["cluster"], backup.name, why),)


def _asked(options: Mapping[str, Any], engine: Engine, connect: Callable[..., Cluster]) -> tuple[Cluster, Observed]:
    """The cluster, everything read once and side by side. Raises BadInput where there is none of that name."""
    labels = options["label_selector"] or ""
    with ThreadPoolExecutor(3) as pool:
        reading = pool.submit(engine.nodes, options["cluster"])
        cluster = connect(options["cluster"], options["kubeconfig"], options["context"])
        version = pool.submit(cluster.version)
        labelled = pool.submit(cluster.list, "PersistentVolumeClaim", "", labels) if labels else None
        found = dict(zip(KINDS, cluster.lists(*KINDS), strict=True))
        nodes = reading.result()
        if not nodes:
            raise BadInput(
                f"{engine.name} has no node of a kind cluster named {options['cluster']}.",
                tried=f"{engine.name} ps --all --filter label=io.x-k8s.kind.cluster={options['cluster']}",
                next_step="Name the cluster as 'kind get clusters' shows it, with the engine that runs it.",
            )
        chosen = labelled.result() if labelled else None
        makers = [item for kind in workloads.WORKLOAD_KINDS for item in found[kind]]
        shape = described(options["cluster"], nodes, found)
        return cluster, Observed(
            nodes=nodes,
            volumes=found["PersistentVolume"],
            claims=found["PersistentVolumeClaim"],
            storage_classes=found["StorageClass"],
            namespaces=found["Namespace"],
            pods=found["Pod"],
            labelled=chosen,
            kubernetes_version=version.result(),
            owners=makers,
            cluster=shape,
        )
