# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a recreation starts or resumes: from the journal, the cluster and its last backup."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.view import RUNNING, UNFINISHED

from .journal import Progress
from .steps import CREATE, DELETE, DELETION, FIRST

_START = (
    "Start it: kindlab.volumes.kind_cluster with the options it was created with. If its API server never comes up "
    "again: without_api=last_backup recreates it from its last backup and the data on the host."
)


def resume_at(
    name: str,
    engine: str,
    progress: Progress,
    cluster: Mapping[str, Any] | None,
    journal: str,
    *,
    backed_up: bool = False,
    without_api: bool = False,
    stranger: str = "",
) -> str:
    """FIRST: the cluster is complete. DELETE: part of it is left. CREATE: it is gone, or the new one was begun.

    cluster: as kind_cluster_info describes it, None if there is none. backed_up: a backup records how it was created;
    without_api: that backup may replace an API server that does not answer. stranger: why a complete cluster is not the
    one that this recreation created. Raises BadInput if there is nothing to recreate, Declined if it has to be repaired
    first.
    """
    _check_cluster(name, progress, journal)
    created_next = not progress.ended and DELETION.name in progress.finished
    if is_complete(cluster) and (not created_next or stranger):
        return FIRST
    _check_engine(engine, progress, journal)
    if created_next:
        return CREATE
    if cluster is None:
        if backed_up or "backed_up" in progress.finished:
            return CREATE
        raise BadInput(
            f"Cluster {name} does not exist, and there is no journal {journal} that describes it.",
            next_step="Create it (kindlab.volumes.kind_cluster), then restore its volumes "
            "(kindlab.volumes.volume_restore).",
        )
    if not progress.ended and DELETION.begins in progress.finished and cluster["state"] == UNFINISHED:
        return DELETE
    if without_api and not cluster["reachable"]:
        return FIRST
    raise _not_ready(name, progress, cluster)


def _check_cluster(name: str, progress: Progress, journal: str) -> None:
    recorded = progress.facts.get("cluster")
    if progress.finished and recorded != name:
        raise BadInput(
            f"{journal} belongs to cluster {recorded}, not {name}.",
            next_step="Set path to a separate directory for this cluster.",
        )


def _check_engine(engine: str, progress: Progress, journal: str) -> None:
    """The other engine may still run the cluster, with the same directories."""
    recorded = progress.facts.get("engine", engine)
    if progress.finished and recorded != engine:
        raise BadInput(
            f"{journal} belongs to a cluster of {recorded}, not {engine}.",
            next_step=f"Set engine={recorded}, or path to a separate directory for this cluster.",
        )


def stranger(progress: Progress, identity: str, volumes: Collection[str], used: Collection[str]) -> str:
    """Why a complete cluster is not the one that an interrupted recreation created, '' if it may be.

    identity: of the cluster; volumes: its volumes; used: those that pods use.
    """
    known = progress.facts.get("cluster_id", "")
    if CREATE in progress.finished:
        if known and identity and known != identity:
            return "somebody created another cluster of that name since"
    elif volumes:
        return "it has volumes already, and the interrupted run had restored none"
    facts = progress.facts
    rows = [*facts.get("volumes", ()), *(facts.get("back_to") or {}).get("volumes", ())]
    saved = {volume["name"] for volume in rows}
    # Workloads are scaled up only after that step.
    if "verified" not in progress.finished and saved & set(used):
        return "its volumes were restored by somebody else, and pods use them"
    return ""


def is_complete(cluster: Mapping[str, Any] | None) -> bool:
    """True if all nodes run and the API server answers."""
    return bool(cluster and cluster["state"] == RUNNING and cluster["reachable"])


def is_gone(cluster: Mapping[str, Any] | None) -> bool:
    """True if no usable cluster is left."""
    return cluster is None or cluster["state"] == UNFINISHED


def _not_ready(name: str, progress: Progress, cluster: Mapping[str, Any]) -> Declined:
    existing = [node["name"] for node in cluster["nodes"]]
    missing = [node for node in progress.facts.get("nodes", ()) if node not in existing]
    stopped = ", ".join(
        f"{node['name']} is {node['state']}" + (f": {node['exit_reason']}" if node.get("exit_reason") else "")
        for node in cluster["nodes"]
        if node["state"] != RUNNING
    )
    next_step = _START
    if missing and DELETION.begins in progress.finished and not progress.ended:
        next_step = (
            f"Its deletion was interrupted, and {', '.join(missing)} is gone. If nobody has used it since, delete the "
            "rest: kindlab.volumes.kind_cluster with state=absent and force=true. Then run this again."
        )
    return Declined(
        f"Cluster {name} is {cluster['state']}, and its API server "
        f"{'answers' if cluster['reachable'] else 'does not answer'}{f' ({stopped})' if stopped else ''}: "
        "its current data cannot be backed up. Nothing was changed.",
        next_step=next_step,
    )


def another_cluster(name: str, journal: str) -> Declined:
    """The error for a cluster that is not the one that an earlier run created."""
    return Declined(
        f"Cluster {name} was started, and is not the one that the interrupted recreation created: somebody created it "
        f"since. Nothing else was changed.",
        next_step=f"Forget that recreation: mv {journal} {journal}.old. Then run this again.",
    )
