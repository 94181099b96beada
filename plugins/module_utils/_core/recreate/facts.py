# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Facts of a cluster that the new one is created from: of the running cluster, or of its last backup."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import HOST, NODE, Catalog
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import CONTROL_PLANE, LOAD_BALANCER
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.workloads import row_key

from .journal import Progress
from .steps import DELETION

_DESCRIBED: dict[str, Any] = {
    "nodes": [],
    "images": [],
    "options": {},
    "storage_classes": [],
    "node_settings": {},
    "storage": [],
    "loaded_images": [],
    "doubts": [],
}


def of_cluster(cluster: Mapping[str, Any], engine: str) -> dict[str, Any]:
    """The facts of a running cluster. cluster: as kind_cluster_info describes it."""
    return {
        "cluster": cluster["name"],
        "engine": engine,
        "kubernetes_version": cluster["kubernetes_version"],
        "nodes": [node["name"] for node in cluster["nodes"]],
        "images": sorted({node["image"] for node in cluster["nodes"] if node["role"] != LOAD_BALANCER}),
        "options": cluster["options"],
    }


def of_backup(catalog: Catalog, described: Mapping[str, Any], generation: str, engine: str) -> dict[str, Any]:
    """The facts of a cluster as its backup has them. described: its Cluster manifest."""
    return {
        "cluster": catalog.cluster.name,
        "engine": engine,
        "kubernetes_version": catalog.cluster.kubernetes_version,
        **{field: described.get(field) or empty for field, empty in _DESCRIBED.items()},
        "generation": generation,
        "objects_from": generation if catalog.objects is not None else "",
        "node_roles": {node.name: node.role for node in catalog.cluster.nodes if node.role != LOAD_BALANCER},
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


def node_images(cluster: Mapping[str, Any] | None, images: Sequence[str]) -> dict[str, str]:
    """Node's name -> its image; '' is that of nodes that are new. images: all of them, if there is no cluster."""
    nodes = [node for node in cluster["nodes"] if node["role"] != LOAD_BALANCER] if cluster else []
    planes = [node["image"] for node in nodes if node["role"] == CONTROL_PLANE]
    default = next(iter([*planes, *(images if len(images) == 1 else ())]), "")
    return {**{node["name"]: node["image"] for node in nodes}, "": default}


def kept_down(rows: Iterable[Mapping[str, Any]], progress: Progress) -> list[str]:
    """The workloads ('namespace/Kind/name') that somebody scaled to zero before, and that stay at zero.

    rows: of volume_detach in check mode; progress: of an earlier run, which may have scaled down some by itself.
    """
    down = [row_key(row) for row in rows if row["result"] == "unchanged" and row["before"] != row["after"]]
    interrupted = interrupted_facts(progress)
    return [key for key in down if not interrupted or key in interrupted.get("kept_down", ())]


def with_policies(rows: Iterable[Mapping[str, Any]], *earlier: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of volumes with the reclaim policy from before the recreation, which sets Retain.

    earlier: facts that may have the volumes, from before that; the last ones count most.
    """
    before = {
        volume["name"]: volume["reclaim_policy_before"] for facts in earlier for volume in facts.get("volumes", ())
    }
    return [{**row, "reclaim_policy_before": before.get(row["name"], row["reclaim_policy_before"])} for row in rows]


def with_data(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The names of volumes whose data is on the host or inside a node. rows: as volume_backup returns them."""
    return [row["name"] for row in rows if row["data"] in (HOST, NODE)]


def interrupted_facts(progress: Progress) -> Mapping[str, Any]:
    """The facts of a run that was interrupted before the deletion, and not undone; {} if there is none."""
    return {} if progress.ended or DELETION.name in progress.finished else progress.facts
