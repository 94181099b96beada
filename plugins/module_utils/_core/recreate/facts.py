# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Facts of a cluster that the new one is created from: of the running cluster, or of its last backup."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import Catalog
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import LOAD_BALANCER

_DESCRIBED: dict[str, Any] = {"nodes": [], "images": [], "options": {}, "storage_classes": []}
# Options of kind_cluster that a recreation sets itself.
NOT_DESCRIBED = ("name", "state", "engine", "kind", "kubeconfig", "backup", "force")


def of_cluster(cluster: Mapping[str, Any], engine: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a running cluster. cluster: as kind_cluster_info describes it; options: for the new one."""
    return {
        "cluster": cluster["name"],
        "engine": engine,
        "kubernetes_version": cluster["kubernetes_version"],
        "nodes": [node["name"] for node in cluster["nodes"]],
        "images": sorted({node["image"] for node in cluster["nodes"] if node["role"] != LOAD_BALANCER}),
        "options": cluster_spec(cluster["name"], options, cluster["options"]),
    }


def of_backup(catalog: Catalog, described: Mapping[str, Any], generation: str, engine: str) -> dict[str, Any]:
    """The facts of a cluster as its backup has them. described: its Cluster manifest."""
    return {
        "cluster": catalog.cluster.name,
        "engine": engine,
        "kubernetes_version": catalog.cluster.kubernetes_version,
        **{field: described.get(field) or empty for field, empty in _DESCRIBED.items()},
        "generation": generation,
        "volumes": [
            {
                "name": volume.name,
                "claim": volume.claim,
                "node": "" if volume.host_directory else ", ".join(volume.nodes),
                "node_directory": volume.node_directory,
                "host_directory": volume.host_directory,
                "files": volume.files,
                "bytes": volume.bytes,
                "reclaim_policy_before": volume.reclaim_policy,
            }
            for volume in catalog.volumes
        ],
    }


def cluster_spec(name: str, requested: Mapping[str, Any], recorded: Mapping[str, Any]) -> dict[str, Any]:
    """The options of kind_cluster for the new cluster; recorded ones win.

    Raises BadInput if they are incomplete, or if some are not for the user to set.
    """
    own = [option for option in NOT_DESCRIBED if option in requested]
    if own:
        raise BadInput(
            f"options must not contain {', '.join(own)}. Nothing was changed.",
            next_step="Set cluster, engine, kind and kubeconfig as options of this module.",
        )
    spec = {**requested, **recorded}
    if "nodes" not in spec:
        raise BadInput(
            f"Cluster {name} was not created by kindlab.volumes.kind_cluster, so its options are not recorded. "
            "Nothing was changed.",
            next_step="Describe the cluster in options: nodes, and everything else that it was created with.",
        )
    return spec
