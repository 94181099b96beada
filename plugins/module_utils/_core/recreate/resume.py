# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a recreation begins or goes on: from the journal and what is there of the cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import Catalog
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.view import RUNNING, UNFINISHED

from .journal import Begun

# The places where a run goes on.
SAVE, SALVAGE, DELETE, CREATE = "save", "salvage", "delete", "create"
_DESCRIBED: dict[str, Any] = {"nodes": [], "images": [], "options": {}, "storage_classes": []}
# Options of kind_cluster that are this action's own to choose.
_OWN = ("name", "state", "engine", "kind", "kubeconfig", "backup", "force")
_START = (
    "Start it: kindlab.volumes.kind_cluster with the options it was created with. If it never comes up again: "
    "without_api=last_backup recreates it from its last backup and the directories of the host."
)


def where(
    name: str,
    engine: str,
    begun: Begun,
    cluster: Mapping[str, Any] | None,
    journal: str,
    *,
    saved: bool = False,
    salvage: bool = False,
) -> str:
    """SAVE: the old cluster is whole. DELETE: some of it is left. CREATE: it is gone, or its successor was begun.

    SALVAGE: it is there and does not answer, and its last backup may stand for it. cluster: as kind_cluster_info
    describes it, None where there is none. saved: a backup says how it is made; salvage: and that will do. Raises
    BadInput where there is nothing to recreate, Declined where it has to be mended first.
    """
    recorded = begun.facts
    if begun.steps and recorded.get("cluster") != name:
        raise BadInput(
            f"{journal} tells of the cluster {recorded.get('cluster')}, not of {name}.",
            next_step="Name a directory of its own as path.",
        )
    going_on = not begun.ended and "deleted" in begun.steps
    if is_whole(cluster) and not going_on:
        return SAVE
    if begun.steps and recorded.get("engine", engine) != engine:
        # Where one engine has no such cluster, another one may run it still, with the same directories.
        raise BadInput(
            f"{journal} tells of a cluster of {recorded['engine']}, not of {engine}.",
            next_step=f"Set engine: {recorded['engine']}, or name a directory of its own as path.",
        )
    if going_on:
        return CREATE
    if cluster is None:
        if saved or "saved" in begun.steps:
            return CREATE
        raise BadInput(
            f"There is no cluster {name}, and no {journal} that tells what it was.",
            next_step="Create it (kindlab.volumes.kind_cluster), then restore its volumes "
            "(kindlab.volumes.volume_restore).",
        )
    if not begun.ended and "deleting" in begun.steps and cluster["state"] == UNFINISHED:
        return DELETE
    if salvage and not cluster["reachable"]:
        return SALVAGE
    raise _unfit(name, begun, cluster)


def is_whole(cluster: Mapping[str, Any] | None) -> bool:
    """True where all nodes run and the API server answers."""
    return bool(cluster and cluster["state"] == RUNNING and cluster["reachable"])


def is_gone(cluster: Mapping[str, Any] | None) -> bool:
    """True where there is nothing left that somebody could use."""
    return cluster is None or cluster["state"] == UNFINISHED


def _unfit(name: str, begun: Begun, cluster: Mapping[str, Any]) -> Declined:
    there = [node["name"] for node in cluster["nodes"]]
    missing = [node for node in begun.facts.get("nodes", ()) if node not in there]
    next_step = _START
    if missing and "deleting" in begun.steps and not begun.ended:
        next_step = (
            f"Its deletion was begun, and {', '.join(missing)} is gone. Where nobody has used it since, remove the "
            "rest: kindlab.volumes.kind_cluster with state=absent and force=true. Then run this again."
        )
    return Declined(
        f"The cluster {name} is {cluster['state']}, and its API server "
        f"{'answers' if cluster['reachable'] else 'does not answer'}{_nodes(cluster)}: what is in it now can't be "
        "saved. Nothing was changed.",
        next_step=next_step,
    )


def from_backup(catalog: Catalog, described: Mapping[str, Any], generation: str, engine: str) -> dict[str, Any]:
    """What a plan knows of a cluster, out of a backup. described: as backup_cluster keeps it."""
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


def was_running(node: Node, before: Sequence[Node]) -> bool:
    """True for a node that ran, or was only paused, before it was stopped."""
    return any(other.name == node.name and other.state in (RUNNING, "paused") for other in before)


def shape(name: str, asked: Mapping[str, Any], recorded: Mapping[str, Any]) -> dict[str, Any]:
    """The options that make the cluster again: what was recorded counts more than what is asked for.

    Raises BadInput where they don't suffice, or are none of a cluster's shape.
    """
    foreign = [option for option in _OWN if option in asked]
    if foreign:
        raise BadInput(
            f"options has {', '.join(foreign)}, which are not for it to say. Nothing was changed.",
            next_step="Name the cluster, engine, kind and kubeconfig beside options.",
        )
    found = {**asked, **recorded}
    if "nodes" not in found:
        raise BadInput(
            f"The cluster {name} was not created by kindlab.volumes.kind_cluster, so not all of its shape is known. "
            "Nothing was changed.",
            next_step="Describe it in options, by nodes and all else that it was made with.",
        )
    return found


def storage_options(storage_classes: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """What makes the provisioners again, by class; and the names of classes that are somebody else's to make."""
    made = [dict(found["options"]) for found in storage_classes if found["options"]]
    return made, [found["name"] for found in storage_classes if not found["options"]]


def volume_plan(volumes: Sequence[Mapping[str, Any]], data: str) -> list[dict[str, Any]]:
    """A line per volume: what becomes of its data."""
    return [
        {
            "name": volume["name"],
            "claim": volume["claim"],
            "does": _does(volume, data),
        }
        for volume in volumes
    ]


def _does(volume: Mapping[str, Any], data: str) -> str:
    if volume["node"]:
        return f"its data goes from {volume['node_directory']} in {volume['node']} into an archive, and back"
    stays = f"its data stays in {volume['host_directory']}"
    return f"{stays}, and goes into an archive" if data == "archive" else stays


def _nodes(cluster: Mapping[str, Any]) -> str:
    other = [f"{n['name']} is {n['state']}{_exit_reason(n)}" for n in cluster["nodes"] if n["state"] != RUNNING]
    return f" ({', '.join(other)})" if other else ""


def _exit_reason(node: Mapping[str, Any]) -> str:
    return f": {node['exit_reason']}" if node.get("exit_reason") else ""
